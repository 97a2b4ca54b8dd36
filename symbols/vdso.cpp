#include "symbols/vdso.h"

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace fgread {
namespace {

// The vdso has two pages today; page tables of the time variables lie below it, not in it.
constexpr std::size_t max_vdso = 1 << 20;

}  // namespace

// The image is the kernel's, not input: its headers can be believed. Section headers, names and
// symbols lie behind the single PT_LOAD's data, within its last page.
std::vector<std::byte> copy_own_vdso() {
    const unsigned long address = ::getauxval(AT_SYSINFO_EHDR);
    if (address == 0) return {};
    // The address of a mapping the kernel made: there is no object to take it from.
    const auto* image = std::bit_cast<const std::byte*>(address);
    ElfW(Ehdr) header;
    std::memcpy(&header, image, sizeof header);
    std::size_t size = header.e_shoff + std::size_t{header.e_shnum} * header.e_shentsize;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment;
        std::memcpy(&segment, image + header.e_phoff + i * std::size_t{header.e_phentsize},
                    sizeof segment);
        if (segment.p_type == PT_LOAD) size = std::max(size, segment.p_offset + segment.p_filesz);
    }
    if (size > max_vdso) return {};
    return {image, image + size};
}

}  // namespace fgread
