// What most tests include; as library.h beside it.
#pragma once

#include "library.h"

#include <doctest/doctest.h>
