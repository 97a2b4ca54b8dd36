// Any bytes as an archive of binaries.
#include <cstddef>
#include <cstdint>
#include <span>

#include "symbols/binary_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    const BuildId wanted{std::vector<std::uint8_t>(20, 0xab)};
    Diagnostics diagnostics;
    const auto archive =
        BinaryArchive::read(std::as_bytes(std::span(data, size)), "fuzz", {wanted}, diagnostics);
    if (!archive) return 0;
    for (const char* file : {"elf", "debug", "vdso", "kallsyms"}) (void)archive->find(wanted, file);
    return 0;
}
