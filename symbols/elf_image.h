// ElfImage: the headers of an ELF file, and its sections on demand.
//
// All numbers in the file are untrusted: sections and segments that do not lie inside the file are
// as good as absent, nothing is allocated by a declared size that the file does not have.
// System V ABI (gabi), chapters 4 and 5. No libelf type crosses this header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"
#include "symbols/regular_file.h"

namespace fgread {

// A program header. `offset` and `file_size` may lie outside the file.
struct Segment {
    std::uint32_t type = 0;  // PT_*
    bool executable = false;
    bool writable = false;
    std::uint64_t offset = 0;  // in the file
    Svma address;
    std::uint64_t file_size = 0;    // bytes in the file
    std::uint64_t memory_size = 0;  // bytes in memory
};

// A section header. Section headers are hints: a loader never looks at them.
struct Section {
    std::string name;  // at most 63 bytes
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    Svma address;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t link = 0;
    std::uint64_t entry_size = 0;

    [[nodiscard]] bool executable() const;
};

// Not thread-safe: one object per thread, or under a lock.
class ElfImage {
public:
    // Reads the headers of an opened file; nothing if it is not ELF or its headers make no sense:
    // `fault`, if given, then says which, in words: "not an ELF file".
    // Cost: a few preads, no section contents but the section names.
    static std::optional<ElfImage> read(RegularFile file, std::string* fault = nullptr);
    // The same of an image in memory (the vdso, a test).
    static std::optional<ElfImage> read(std::vector<std::byte> image);

    [[nodiscard]] Endian endian() const;
    [[nodiscard]] bool is_64bit() const;
    [[nodiscard]] std::uint16_t machine() const;  // EM_*
    // Where a process starts (e_entry): _start; 0 if the file says nothing.
    [[nodiscard]] Svma entry() const;
    [[nodiscard]] const std::vector<Segment>& segments() const;
    // Index 0 is the null section, as in the file. Empty if the file has no section headers.
    [[nodiscard]] const std::vector<Section>& sections() const;
    // The first section of that name.
    [[nodiscard]] const Section* find_section(std::string_view name) const;
    [[nodiscard]] const Section* find_section(std::uint32_t type) const;
    // NT_GNU_BUILD_ID; empty if there is none.
    [[nodiscard]] const BuildId& build_id() const;

    // The content of a section, decompressed if it is SHF_COMPRESSED (zlib, zstd) or a .zdebug_
    // section. Empty for SHT_NOBITS, and for a section that does not lie inside the file or expands
    // beyond all reason.
    [[nodiscard]] OwnedBytes contents(const Section& section) const;
    // Bytes of the file; empty unless all of them exist.
    [[nodiscard]] OwnedBytes read_range(std::uint64_t offset, std::uint64_t size) const;
    // The same, mapped; nothing where they would be copied.
    [[nodiscard]] std::optional<OwnedBytes> map_range(std::uint64_t offset,
                                                      std::uint64_t size) const;
    // Bytes at an address of a PT_LOAD, up to `max_size` but not beyond the segment's file data.
    [[nodiscard]] OwnedBytes read_address(Svma address, std::uint64_t max_size) const;

    // Bytes the file has.
    [[nodiscard]] std::uint64_t size() const;
    // All zero for an image in memory.
    [[nodiscard]] FileIdentity identity() const;

    ~ElfImage();
    ElfImage(ElfImage&&) noexcept;
    ElfImage& operator=(ElfImage&&) noexcept;

private:
    struct State;
    explicit ElfImage(std::unique_ptr<State> state);
    static std::optional<ElfImage> parse(std::unique_ptr<State> state, std::string* fault);
    std::unique_ptr<State> state_;
};

}  // namespace fgread
