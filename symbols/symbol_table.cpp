#include "symbols/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <string>

#include "symbols/plt_symbols.h"

namespace fgread {
namespace {

// Sections that hold symbols and their names, of one file.
struct SymbolSections {
    const ElfImage* image = nullptr;
    const Section* symbols = nullptr;
    const Section* names = nullptr;
};

SymbolSections symbols_of(const ElfImage* image, std::uint32_t type) {
    if (image == nullptr) return {};
    const Section* symbols = image->find_section(type);
    if (symbols == nullptr || symbols->type == SHT_NOBITS) return {};
    if (symbols->link == 0 || symbols->link >= image->sections().size()) return {};
    const Section* names = &image->sections()[symbols->link];
    if (names->type != SHT_STRTAB) return {};
    return {image, symbols, names};
}

struct ElfSymbol {
    std::uint32_t name = 0;
    std::uint8_t info = 0;
    std::uint8_t other = 0;
    std::uint16_t section = 0;
    std::uint64_t value = 0;
    std::uint64_t size = 0;
};

ElfSymbol read_symbol(ByteReader& reader, bool wide) {
    ElfSymbol symbol;
    symbol.name = reader.u32();
    if (!wide) {
        symbol.value = reader.u32();
        symbol.size = reader.u32();
    }
    symbol.info = reader.u8();
    symbol.other = reader.u8();
    symbol.section = reader.u16();
    if (wide) {
        symbol.value = reader.u64();
        symbol.size = reader.u64();
    }
    return symbol;
}

bool marks_code_or_data(std::uint16_t machine) {
    return machine == EM_ARM || machine == EM_AARCH64 || machine == EM_RISCV;
}

// "$x", "$d.12": where the assembler switches between code and data (ELF for the Arm 64-bit
// architecture, 5.5.5). Not names of functions.
bool is_mapping_symbol(std::string_view name) {
    if (name.size() < 2 || name[0] != '$') return false;
    const bool known = name[1] == 'a' || name[1] == 'd' || name[1] == 't' || name[1] == 'x';
    return known && (name.size() == 2 || name[2] == '.' || name[1] == 'x');
}

bool is_hidden(const ElfSymbol& symbol) {
    const unsigned visibility = symbol.other & 3;
    return visibility == STV_HIDDEN || visibility == STV_INTERNAL;
}

bool names_code(const ElfSymbol& symbol, const ElfImage& image) {
    const unsigned type = symbol.info & 0xf;
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) return false;
    if (symbol.name == 0 || symbol.section == SHN_UNDEF) return false;
    // Labels: _start and other assembly, but not the hidden ones that annobin and OpenSSL's perlasm
    // put inside functions (node: ".annobin_pthread_atfork.c_end").
    if (type == STT_NOTYPE && is_hidden(symbol)) return false;
    return symbol.section < image.sections().size() &&
           image.sections()[symbol.section].executable();
}

SymbolBinding binding_of(const ElfSymbol& symbol) {
    switch (symbol.info >> 4) {
        case STB_LOCAL:
            return SymbolBinding::local;
        case STB_WEAK:
            return SymbolBinding::weak;
        default:
            return SymbolBinding::global;
    }
}

std::uint64_t end_of(std::uint64_t address, std::uint64_t size) {
    return size > ~address ? ~std::uint64_t{0} : address + size;
}

// Appends the symbols of one table, whose names begin at `names_offset` of `names`.
void add_code_symbols(const ElfImage& image, ByteView table, ByteView names,
                      std::uint32_t names_offset, std::vector<RawSymbol>& symbols,
                      std::uint64_t& malformed) {
    const bool wide = image.is_64bit();
    const bool marked = marks_code_or_data(image.machine());
    const std::size_t entry_size = wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    ByteReader reader(table, image.endian());
    while (reader.remaining() >= entry_size) {
        const ElfSymbol symbol = read_symbol(reader, wide);
        if (!names_code(symbol, image)) continue;
        const std::uint64_t name = std::uint64_t{names_offset} + symbol.name;
        if (name >= names.size() || names[name] == std::byte{0}) {
            ++malformed;
            continue;
        }
        if (marked && is_mapping_symbol(symbol_name(names, static_cast<std::uint32_t>(name)))) {
            continue;
        }
        // Bit 0 of an Arm function's address says that it is Thumb code.
        const std::uint64_t address =
            image.machine() == EM_ARM ? symbol.value & ~std::uint64_t{1} : symbol.value;
        symbols.push_back({address, end_of(address, symbol.size), static_cast<std::uint32_t>(name),
                           static_cast<std::uint32_t>(symbols.size()), binding_of(symbol)});
    }
}

OwnedBytes joined(const OwnedBytes& a, const OwnedBytes& b) {
    OwnedBytes both(a.size() + b.size());
    const auto middle = std::copy_n(a.view().begin(), a.size(), both.writable().begin());
    std::copy_n(b.view().begin(), b.size(), middle);
    return both;
}

OwnedBytes bytes_of(std::string_view text) {
    OwnedBytes bytes(text.size());
    std::transform(text.begin(), text.end(), bytes.writable().begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

// Turns symbols that may contain each other into intervals: the innermost one names an address,
// and after its end the one around it goes on.
class IntervalBuilder {
public:
    IntervalBuilder(std::vector<std::uint64_t>& starts, std::vector<std::uint32_t>& names)
        : starts_(starts), names_(names) {}

    void add(const RawSymbol& symbol) {
        close_until(symbol.address);
        open_.push_back(symbol);
        emit(symbol.address, symbol.name);
    }
    void finish() { close_until(~std::uint64_t{0}); }

private:
    void close_until(std::uint64_t address) {
        while (!open_.empty() && open_.back().end <= address) {
            const std::uint64_t end = open_.back().end;
            while (!open_.empty() && open_.back().end <= end) open_.pop_back();
            emit(end, open_.empty() ? SymbolTable::no_name : open_.back().name);
        }
    }
    void emit(std::uint64_t start, std::uint32_t name) {
        if (!starts_.empty() && starts_.back() == start) {
            names_.back() = name;
            return;
        }
        starts_.push_back(start);
        names_.push_back(name);
    }

    std::vector<std::uint64_t>& starts_;
    std::vector<std::uint32_t>& names_;
    std::vector<RawSymbol> open_;
};

}  // namespace

SymbolTable SymbolTable::read(const ElfImage& binary, const ElfImage* debug_file,
                              std::uint64_t& malformed) {
    const bool split = symbols_of(debug_file, SHT_SYMTAB).image != nullptr;
    const ElfImage* image = split ? debug_file : &binary;
    std::vector<SymbolSections> tables;
    for (const std::uint32_t type : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
        const SymbolSections found = symbols_of(image, type);
        if (found.image != nullptr) tables.push_back(found);
    }
    OwnedBytes names;
    std::vector<RawSymbol> symbols;
    for (const SymbolSections& each : tables) {
        const OwnedBytes table = image->contents(*each.symbols);
        OwnedBytes more_names = image->contents(*each.names);
        const auto names_offset = static_cast<std::uint32_t>(names.size());
        names = names.empty() ? std::move(more_names) : joined(names, more_names);
        add_code_symbols(*image, table.view(), names.view(), names_offset, symbols, malformed);
    }
    std::string stub_names;
    add_plt_symbols(binary, static_cast<std::uint32_t>(names.size()), stub_names, symbols);
    if (!stub_names.empty()) names = joined(names, bytes_of(stub_names));
    return build(std::move(symbols), std::move(names));
}

SymbolTable SymbolTable::build(std::vector<RawSymbol> symbols, OwnedBytes names) {
    SymbolTable table;
    choose_symbols(symbols, names.view());
    table.starts_.reserve(symbols.size() + symbols.size() / 2);
    table.names_.reserve(symbols.size() + symbols.size() / 2);
    IntervalBuilder builder(table.starts_, table.names_);
    for (const RawSymbol& symbol : symbols) builder.add(symbol);
    builder.finish();
    table.strings_ = std::move(names);
    return table;
}

std::optional<SymbolTable::Match> SymbolTable::find(Svma address) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), address.value);
    if (after == starts_.begin()) return std::nullopt;
    const std::uint32_t name = names_[static_cast<std::size_t>(after - starts_.begin()) - 1];
    if (name == no_name) return std::nullopt;
    return Match{symbol_name(strings_.view(), name), name};
}

}  // namespace fgread
