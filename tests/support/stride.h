// How densely exhaustive tests go through their inputs.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#define FGREAD_HAS_FEATURE(feature) __has_feature(feature)
#else
#define FGREAD_HAS_FEATURE(feature) 0
#endif

namespace fgread::test {

// Every place in a release build; some of them under a sanitizer, where all would take ten minutes.
// No multiple of a field's size, so that bytes of all positions within fields have their turn.
constexpr std::size_t stride =
    FGREAD_HAS_FEATURE(address_sanitizer) || FGREAD_HAS_FEATURE(thread_sanitizer) ? 13 : 1;

}  // namespace fgread::test
