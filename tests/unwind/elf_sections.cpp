#include "elf_sections.h"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>

#include "unwind/architecture.h"

namespace fgread::test {
namespace {

ByteView data_of(Elf_Scn* section) {
    const Elf_Data* data = elf_getdata(section, nullptr);
    if (!data || !data->d_buf) return {};
    return {static_cast<const std::byte*>(data->d_buf), data->d_size};
}

}  // namespace

std::unique_ptr<ElfSections> ElfSections::open(const std::string& path) {
    elf_version(EV_CURRENT);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    std::unique_ptr<ElfSections> file(
        new ElfSections(fd, elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, nullptr)));
    if (!file->elf_ || !file->read()) return nullptr;
    return file;
}

ElfSections::~ElfSections() {
    elf_end(elf_);
    close(fd_);
}

bool ElfSections::read() {
    std::size_t names = 0;
    GElf_Ehdr file;
    if (!gelf_getehdr(elf_, &file) || elf_getshdrstrndx(elf_, &names) != 0) return false;
    machine_ = file.e_machine;
    sections_.endian = file.e_ident[EI_DATA] == ELFDATA2MSB ? Endian::big : Endian::little;
    sections_.address_size = file.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
    sections_.numbers = register_numbers_of(machine_);
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section));) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header)) continue;
        const char* raw_name = elf_strptr(elf_, names, header.sh_name);
        const std::string_view name = raw_name ? raw_name : "";
        if ((header.sh_flags & SHF_EXECINSTR) && header.sh_size > 0) {
            code_.push_back({header.sh_addr, header.sh_addr + header.sh_size});
        }
        if (header.sh_type == SHT_NOBITS) continue;
        if (name == ".eh_frame") {
            sections_.eh_frame = data_of(section);
            sections_.eh_frame_address = {header.sh_addr};
        } else if (name == ".eh_frame_hdr") {
            sections_.eh_frame_hdr = data_of(section);
            sections_.eh_frame_hdr_address = {header.sh_addr};
        } else if (name == ".debug_frame") {
            if (header.sh_flags & SHF_COMPRESSED) elf_compress(section, 0, 0);
            sections_.debug_frame = data_of(section);
        } else if (name == ".got") {
            sections_.data_address = {header.sh_addr};
        }
    }
    return !code_.empty();
}

}  // namespace fgread::test
