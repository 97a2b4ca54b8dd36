#include "symbols/placed_module.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "perfdata/byte_reader.h"

namespace fgread {
namespace {

// amdgpu.ko has some 60; one per function (-ffunction-sections) is merged before installing.
constexpr std::uint64_t max_sections = 65'536;
// The kernel gives all modules together 1 to 1.5 GiB of addresses.
constexpr std::uint64_t max_text = std::uint64_t{1} << 31;
constexpr std::uint64_t max_alignment = 1 << 21;
constexpr std::size_t max_section_name = 64;

struct Header {
    std::uint32_t name = 0, type = 0;
    std::uint64_t flags = 0, address = 0, offset = 0, size = 0;
    std::uint32_t link = 0, info = 0;
    std::uint64_t alignment = 0, entry_size = 0;
    bool placed = false;
};

class Placer {
public:
    explicit Placer(std::vector<std::byte> file) : file_(std::move(file)) {}

    bool run() {
        if (!read_headers() || !place_sections()) return false;
        for (const Header& header : headers_) {
            if (header.type == SHT_SYMTAB && !move_symbols(header)) return false;
        }
        for (std::size_t i = 0; i < headers_.size(); ++i) {
            const Header& header = headers_[i];
            if (header.type != SHT_RELA || header.info >= headers_.size()) continue;
            const Header& target = headers_[header.info];
            if (!name_of(target).starts_with(".debug_")) continue;
            // Packed sections stay as they are: their relocations say so.
            if ((target.flags & SHF_COMPRESSED) != 0) continue;
            relocate(header, target);
            hide(i);
        }
        return true;
    }

    std::vector<std::byte> take() { return std::move(file_); }

private:
    [[nodiscard]] ByteReader reader_at(std::uint64_t offset, std::uint64_t size) const {
        const ByteView bytes(file_);
        if (offset > bytes.size() || size > bytes.size() - offset) return ByteReader({}, little);
        return ByteReader(bytes.subspan(offset, size), little);
    }

    void store(std::uint64_t offset, std::uint64_t value, std::size_t size) {
        if (offset > file_.size() || size > file_.size() - offset) return;
        for (std::size_t i = 0; i < size; ++i) {
            file_[offset + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
        }
    }

    bool read_headers() {
        ByteReader in = reader_at(0, sizeof(Elf64_Ehdr));
        const ByteView ident = in.bytes(EI_NIDENT);
        const std::uint16_t type = in.u16();
        machine_ = in.u16();
        in.skip(4 + 8 + 8);  // e_version, e_entry, e_phoff
        table_ = in.u64();
        in.skip(4 + 2 + 2 + 2);  // e_flags, e_ehsize, e_phentsize, e_phnum
        const std::uint16_t entry = in.u16();
        const std::uint64_t count = in.u16();
        names_ = in.u16();
        if (!in.ok() || type != ET_REL || entry != sizeof(Elf64_Shdr) || count > max_sections) {
            return false;
        }
        if (ident[EI_CLASS] != std::byte{ELFCLASS64} || ident[EI_DATA] != std::byte{ELFDATA2LSB}) {
            return false;
        }
        ByteReader table = reader_at(table_, count * sizeof(Elf64_Shdr));
        for (std::uint64_t i = 0; i < count; ++i) {
            Header header;
            header.name = table.u32();
            header.type = table.u32();
            header.flags = table.u64();
            header.address = table.u64();
            header.offset = table.u64();
            header.size = table.u64();
            header.link = table.u32();
            header.info = table.u32();
            header.alignment = table.u64();
            header.entry_size = table.u64();
            headers_.push_back(header);
        }
        return table.ok();
    }

    [[nodiscard]] std::string_view name_of(const Header& header) const {
        if (names_ >= headers_.size()) return {};
        const Header& names = headers_[names_];
        if (header.name >= names.size || names.offset > file_.size() ||
            header.name >= file_.size() - names.offset) {
            return {};
        }
        const ByteView rest = ByteView(file_).subspan(names.offset + header.name);
        const std::size_t limit = std::min(rest.size(), max_section_name);
        const void* end = std::memchr(rest.data(), 0, limit);
        const auto length =
            end == nullptr
                ? limit
                : static_cast<std::size_t>(static_cast<const std::byte*>(end) - rest.data());
        return {static_cast<const char*>(static_cast<const void*>(rest.data())), length};
    }

    bool place_sections() {
        std::uint64_t next = placed_module_base;
        for (std::size_t i = 0; i < headers_.size(); ++i) {
            Header& header = headers_[i];
            constexpr std::uint64_t wanted = SHF_EXECINSTR | SHF_ALLOC;
            if ((header.flags & wanted) != wanted || name_of(header).starts_with(".init")) continue;
            const std::uint64_t alignment = std::max<std::uint64_t>(header.alignment, 1);
            if (!std::has_single_bit(alignment) || alignment > max_alignment ||
                header.size > max_text) {
                return false;
            }
            header.address = (next + alignment - 1) & ~(alignment - 1);
            header.placed = true;
            next = header.address + header.size;
            if (next > placed_module_base + max_text) return false;
            store(table_ + i * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_addr), header.address,
                  8);
        }
        return true;
    }

    bool move_symbols(const Header& symbols) {
        const std::uint64_t count = symbols.size / sizeof(Elf64_Sym);
        if (reader_at(symbols.offset, symbols.size).remaining() != symbols.size) return false;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t at = symbols.offset + i * sizeof(Elf64_Sym);
            ByteReader in = reader_at(at, sizeof(Elf64_Sym));
            in.skip(4 + 1 + 1);  // st_name, st_info, st_other
            const std::uint16_t section = in.u16();
            const std::uint64_t value = in.u64();
            if (section >= headers_.size() || !headers_[section].placed) continue;
            store(at + offsetof(Elf64_Sym, st_value), headers_[section].address + value, 8);
        }
        return true;
    }

    // How many bytes a relocation writes: the symbol's address plus the addend. 0 for those that
    // debug information does not need.
    [[nodiscard]] std::size_t width(std::uint32_t type) const {
        if (machine_ == EM_X86_64) {
            if (type == R_X86_64_64) return 8;
            return type == R_X86_64_32 || type == R_X86_64_32S ? 4 : 0;
        }
        if (machine_ == EM_AARCH64) {
            if (type == R_AARCH64_ABS64) return 8;
            return type == R_AARCH64_ABS32 ? 4 : 0;
        }
        return 0;
    }

    void relocate(const Header& relocations, const Header& target) {
        if (relocations.link >= headers_.size() || target.type == SHT_NOBITS) return;
        const Header& symbols = headers_[relocations.link];
        const std::uint64_t symbol_count = symbols.size / sizeof(Elf64_Sym);
        ByteReader in = reader_at(relocations.offset, relocations.size);
        while (in.remaining() >= sizeof(Elf64_Rela)) {
            const std::uint64_t offset = in.u64();
            const std::uint64_t info = in.u64();
            const std::uint64_t addend = in.u64();
            const std::size_t size = width(static_cast<std::uint32_t>(info));
            const std::uint64_t number = info >> 32;
            if (size == 0 || number >= symbol_count) continue;
            if (offset > target.size || size > target.size - offset) continue;
            ByteReader symbol =
                reader_at(symbols.offset + number * sizeof(Elf64_Sym), sizeof(Elf64_Sym));
            symbol.skip(offsetof(Elf64_Sym, st_value));
            const std::uint64_t value = symbol.u64();
            if (symbol.ok()) store(target.offset + offset, value + addend, size);
        }
    }

    // A section of relocations says to everybody else that its target is not yet relocated.
    void hide(std::size_t index) {
        const std::uint64_t at = table_ + index * sizeof(Elf64_Shdr);
        store(at + offsetof(Elf64_Shdr, sh_name), 0, 4);
        store(at + offsetof(Elf64_Shdr, sh_type), SHT_NULL, 4);
    }

    static constexpr Endian little = Endian::little;

    std::vector<std::byte> file_;
    std::vector<Header> headers_;
    std::uint64_t table_ = 0;  // offset of the section headers
    std::uint16_t names_ = 0;
    std::uint16_t machine_ = 0;
};

}  // namespace

std::optional<std::vector<std::byte>> place_module(std::vector<std::byte> file) {
    Placer placer(std::move(file));
    if (!placer.run()) return std::nullopt;
    return placer.take();
}

}  // namespace fgread
