// search_function: the function at one address of a binary, by one pass over its symbols.
//
// FunctionRanges answers for any number of addresses, and reads and sorts all symbols and their
// names for that. A binary with call-frame information has but a few places without: for these a
// pass that keeps nothing is ten times cheaper.
#pragma once

#include <optional>

#include "symbols/elf_image.h"
#include "unwind/module_provider.h"

namespace fgread {

struct FoundFunction {
    // False: the binary is one in which this is not the way (functions nest there, or are named
    // elsewhere), and FunctionRanges must be asked.
    bool is_certain = false;
    std::optional<FunctionRange> function;
};

// What FunctionRanges::read(binary, debug_file).find(address) would say. `debug_file` may be null.
// Thread-safe if nobody else uses the images. 5 ns per symbol.
[[nodiscard]] FoundFunction search_function(const ElfImage& binary, const ElfImage* debug_file,
                                            Svma address);

}  // namespace fgread
