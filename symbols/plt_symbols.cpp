#include "symbols/plt_symbols.h"

#include <elf.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace fgread {
namespace {

// Stubs are 8 (.plt.got) or 16 bytes long and aligned to their size.
constexpr std::uint64_t stub_step = 8;
constexpr std::uint64_t max_stub_size = 16;

// Which dynamic symbol a slot of the GOT is for.
class Slots {
public:
    explicit Slots(const ElfImage& image) : image_(image) {
        for (const Section& section : image.sections()) {
            if (is_lazy(section)) add(section);
        }
    }

    [[nodiscard]] std::optional<std::uint32_t> at(std::uint64_t slot) {
        const auto found = find(slot);
        if (found || others_read_) return found;
        read_others();
        return find(slot);
    }
    // By the number that a lazy stub pushes.
    [[nodiscard]] std::optional<std::uint32_t> at_index(std::uint32_t index) const {
        return index < in_order_.size() ? std::optional(in_order_[index]) : std::nullopt;
    }
    [[nodiscard]] bool empty() {
        if (symbols_.empty() && !others_read_) read_others();
        return symbols_.empty();
    }

private:
    static bool is_lazy(const Section& section) {
        return section.type == SHT_RELA && section.name == ".rela.plt";
    }
    [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t slot) const {
        const auto found = symbols_.find(slot);
        return found == symbols_.end() ? std::nullopt : std::optional(found->second);
    }

    // Few stubs jump through other slots than those of .rela.plt, and .rela.dyn is large: 140,000
    // entries in libLLVM.
    void read_others() {
        others_read_ = true;
        for (const Section& section : image_.sections()) {
            if (section.type == SHT_RELA && !is_lazy(section)) add(section);
        }
    }

    void add(const Section& section) {
        const bool lazy = is_lazy(section);
        const OwnedBytes bytes = image_.contents(section);
        ByteReader reader(bytes.view(), image_.endian());
        while (reader.remaining() >= sizeof(Elf64_Rela)) {
            const std::uint64_t slot = reader.u64();
            const std::uint64_t info = reader.u64();
            reader.skip(8);
            const auto type = static_cast<std::uint32_t>(info);
            const auto symbol = static_cast<std::uint32_t>(info >> 32);
            if (lazy) in_order_.push_back(symbol);
            if (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT) {
                symbols_.emplace(slot, symbol);
            }
        }
    }

    const ElfImage& image_;
    bool others_read_ = false;
    std::unordered_map<std::uint64_t, std::uint32_t> symbols_;
    std::vector<std::uint32_t> in_order_;
};

// The bytes of one stub, read front to back.
class Stub {
public:
    explicit Stub(ByteView bytes) : reader_(bytes) {}

    // Steps over `code` if it comes next.
    bool take(std::initializer_list<unsigned> code) {
        ByteReader ahead = reader_;
        for (const unsigned byte : code) {
            if (ahead.u8() != byte || !ahead.ok()) return false;
        }
        reader_ = ahead;
        return true;
    }
    std::uint32_t immediate() { return reader_.u32(); }
    [[nodiscard]] std::size_t position() const { return reader_.position(); }

private:
    ByteReader reader_;
};

// The dynamic symbol of the stub at `address`; nothing if there is no stub (as at the first entry
// of a table, which calls the dynamic linker).
std::optional<std::uint32_t> symbol_of_stub(ByteView bytes, std::uint64_t address, Slots& slots) {
    Stub stub(bytes);
    stub.take({0xf3, 0x0f, 0x1e, 0xfa});                  // endbr64
    if (stub.take({0x41, 0xbb})) (void)stub.immediate();  // mov $index, %r11d: mold
    if (stub.take({0x68})) {                              // push $index: the lazy half with IBT
        const std::uint32_t index = stub.immediate();
        stub.take({0xf2});  // bnd
        return stub.take({0xe9}) ? slots.at_index(index) : std::nullopt;
    }
    stub.take({0xf2});                                  // bnd
    if (!stub.take({0xff, 0x25})) return std::nullopt;  // jmp *disp(%rip)
    const auto displacement = static_cast<std::int32_t>(stub.immediate());
    const std::uint64_t next = address + stub.position();
    return slots.at(next + static_cast<std::uint64_t>(std::int64_t{displacement}));
}

// .dynsym, by number.
class DynamicNames {
public:
    explicit DynamicNames(const ElfImage& image) {
        const Section* symbols = image.find_section(SHT_DYNSYM);
        if (symbols == nullptr || symbols->link >= image.sections().size()) return;
        symbols_ = image.contents(*symbols);
        strings_ = image.contents(image.sections()[symbols->link]);
        endian_ = image.endian();
    }
    // Empty if there is none.
    [[nodiscard]] std::string_view operator[](std::uint32_t symbol) const {
        ByteReader reader(symbols_.view(), endian_);
        reader.seek(std::uint64_t{symbol} * sizeof(Elf64_Sym));
        const std::uint32_t name = reader.u32();
        return reader.ok() ? symbol_name(strings_.view(), name) : std::string_view();
    }

private:
    OwnedBytes symbols_, strings_;
    Endian endian_ = Endian::little;
};

void add_stubs(const ElfImage& image, const Section& section, Slots& slots,
               const DynamicNames& dynamic_names, std::uint32_t names_offset, std::string& names,
               std::vector<RawSymbol>& symbols) {
    const OwnedBytes bytes = image.contents(section);
    for (std::uint64_t at = 0; at < bytes.size(); at += stub_step) {
        const std::uint64_t size = std::min(max_stub_size, bytes.size() - at);
        const std::uint64_t address = section.address.value + at;
        const auto symbol = symbol_of_stub(bytes.view().subspan(at, size), address, slots);
        const std::string_view name = symbol ? dynamic_names[*symbol] : std::string_view();
        if (name.empty()) continue;
        RawSymbol stub;
        stub.address = address;
        stub.end = address + size;
        stub.name = names_offset + static_cast<std::uint32_t>(names.size());
        symbols.push_back(stub);
        names.append(name).append("@plt").push_back('\0');
    }
}

// True if an address may be one of the stubs'.
bool is_near(const WantedAddresses& wanted, const Section& section) {
    const std::uint64_t begin = section.address.value;
    const auto next = wanted.next_page(begin);
    return next && *next <= WantedAddresses::page_of(begin + section.size);
}

// Where the stubs are, an unsized symbol in front of them (_init) still ends.
RawSymbol stand_in(const Section& section, std::uint32_t names_offset, std::string& names) {
    RawSymbol symbol;
    symbol.address = section.address.value;
    symbol.end = section.address.value + std::min(section.size, ~section.address.value);
    symbol.name = names_offset + static_cast<std::uint32_t>(names.size());
    names.push_back('\0');
    return symbol;
}

}  // namespace

void add_plt_symbols(const ElfImage& image, const WantedAddresses* wanted,
                     std::uint32_t names_offset, std::string& names,
                     std::vector<RawSymbol>& symbols) {
    if (image.machine() != EM_X86_64 || !image.is_64bit()) return;
    std::vector<const Section*> tables;
    for (const Section& section : image.sections()) {
        if (section.type != SHT_PROGBITS || !section.executable()) continue;
        if (!section.name.starts_with(".plt")) continue;
        if (wanted == nullptr || is_near(*wanted, section)) {
            tables.push_back(&section);
        } else {
            symbols.push_back(stand_in(section, names_offset, names));
        }
    }
    if (tables.empty()) return;
    Slots slots(image);
    if (slots.empty()) return;
    const DynamicNames dynamic_names(image);
    for (const Section* table : tables) {
        add_stubs(image, *table, slots, dynamic_names, names_offset, names, symbols);
    }
}

}  // namespace fgread
