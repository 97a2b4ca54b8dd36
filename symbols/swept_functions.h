// SweptFunctions: where functions begin in a stripped binary, by what its code calls and its
// dynamic section names.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "symbols/elf_image.h"
#include "unwind/module_provider.h"

namespace fgread {

// Safe for any number of threads once built.
class SweptFunctions {
public:
    // Larger binaries (without symbols and call-frame information) are not swept. musl's libc has
    // 0.4 MB of code.
    static constexpr std::uint64_t max_code = 1 << 20;

    // Decodes all code of an x86-64 binary, unless it was built with call-frame information: 0.1 s
    // per MB. A function begins where a direct call leads, or the address that code takes of other
    // code. Of binaries that are not decoded only the initializers are known, and main, whose
    // address the code at the entry point takes.
    static SweptFunctions read(const ElfImage& image);

    // From the last known beginning at or before `address` to the next one. A function that is
    // never named so is part of the one before it: its code is not reached from there.
    [[nodiscard]] std::optional<FunctionRange> find(Svma address) const;

private:
    struct Code {
        std::uint64_t start = 0, end = 0;
    };
    [[nodiscard]] bool is_code(std::uint64_t address) const;
    void note(std::uint64_t start);
    void note_main(const ElfImage& image);
    void sweep(const ElfImage& image);

    std::vector<Code> code_;
    std::uint64_t longest_ = 0;          // of a function whose end is not known
    std::vector<std::uint64_t> starts_;  // sorted
};

}  // namespace fgread
