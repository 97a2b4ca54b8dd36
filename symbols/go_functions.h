// Go's own table of functions, .gopclntab: there in every Go program, stripped or not.
// Format: debug/gosym and runtime/symtab.go of Go 1.18 and later.
#pragma once

#include <cstdint>
#include <functional>

#include "perfdata/address.h"
#include "symbols/elf_image.h"

namespace fgread {

// The section; null if the program is not Go.
[[nodiscard]] const Section* find_go_table(const ElfImage& image);

struct GoFunction {
    Svma start, end;         // exclusive
    std::uint32_t name = 0;  // offset of the NUL-terminated name in the section
};

// Calls `visit` with each function, by address. Nothing is visited of tables that older Go made, of
// big-endian ones and of those whose addresses do not fit the code. `table` is the section's bytes.
void each_go_function(const ElfImage& image, ByteView table,
                      const std::function<void(const GoFunction&)>& visit);

}  // namespace fgread
