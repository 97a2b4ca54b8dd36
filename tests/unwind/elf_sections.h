// Test support: the unwind sections of an ELF file, read with libelf.
#pragma once

#include <libelf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unwind/unwind_table.h"

namespace fgread::test {

// An open ELF file. Owns the bytes its sections view.
class ElfSections {
public:
    // Null if the file is not there, not ELF or has no executable section.
    static std::unique_ptr<ElfSections> open(const std::string& path);
    ~ElfSections();
    ElfSections(const ElfSections&) = delete;
    ElfSections& operator=(const ElfSections&) = delete;

    [[nodiscard]] Elf* elf() const { return elf_; }
    [[nodiscard]] const UnwindSections& sections() const { return sections_; }

    [[nodiscard]] std::uint16_t machine() const { return machine_; }  // EM_*

    struct Range {
        std::uint64_t start, end;  // SVMA
    };
    // Executable sections: where a pc can be.
    [[nodiscard]] const std::vector<Range>& code() const { return code_; }

private:
    ElfSections(int fd, Elf* elf) : fd_(fd), elf_(elf) {}
    bool read();

    int fd_;
    Elf* elf_;
    UnwindSections sections_;
    std::uint16_t machine_ = 0;
    std::vector<Range> code_;
};

}  // namespace fgread::test
