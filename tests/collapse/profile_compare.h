// Equality of two Profiles, part by part, so that a test says which part differs.
#pragma once

#include "collapse/profile.h"

namespace fgread::testing {

void check_equal(const Profile& got, const Profile& expected);

}  // namespace fgread::testing
