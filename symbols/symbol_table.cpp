#include "symbols/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

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

// The uppermost bit of an offset is taken (alias_flag). The largest real tables have 400 MB.
constexpr std::uint64_t max_name_offset = 0x7fffffff;

// Appends the symbols of one table; its `names` begin at `names_offset` of all names.
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
        if (symbol.name >= names.size() || names[symbol.name] == std::byte{0} ||
            name > max_name_offset) {
            ++malformed;
            continue;
        }
        if (marked && is_mapping_symbol(symbol_name(names, symbol.name))) continue;
        // Bit 0 of an Arm function's address says that it is Thumb code.
        const std::uint64_t address =
            image.machine() == EM_ARM ? symbol.value & ~std::uint64_t{1} : symbol.value;
        symbols.push_back({address, end_of(address, symbol.size), static_cast<std::uint32_t>(name),
                           static_cast<std::uint32_t>(symbols.size()), binding_of(symbol)});
    }
}

// Appends a string table to another.
void append(std::string& text, ByteView bytes) {
    const std::size_t size = text.size();
    text.resize(size + bytes.size());
    std::transform(bytes.begin(), bytes.end(), text.begin() + static_cast<std::ptrdiff_t>(size),
                   [](std::byte byte) { return static_cast<char>(byte); });
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
    std::string more_names;
    std::vector<RawSymbol> symbols;
    for (const SymbolSections& each : tables) {
        const OwnedBytes table = image->contents(*each.symbols);
        OwnedBytes strings = image->contents(*each.names);
        const auto offset = static_cast<std::uint32_t>(names.size() + more_names.size());
        add_code_symbols(*image, table.view(), strings.view(), offset, symbols, malformed);
        if (names.empty())
            names = std::move(strings);
        else
            append(more_names, strings.view());
    }
    add_plt_symbols(binary, static_cast<std::uint32_t>(names.size()), more_names, symbols);
    return build(std::move(symbols), std::move(names), std::move(more_names));
}

SymbolTable SymbolTable::build(std::vector<RawSymbol> symbols, OwnedBytes names,
                               std::string more_names) {
    SymbolTable table;
    choose_symbols(symbols);
    table.starts_.reserve(symbols.size() + symbols.size() / 2);
    table.names_.reserve(symbols.size() + symbols.size() / 2);
    IntervalBuilder builder(table.starts_, table.names_);
    for (std::size_t i = 0; i < symbols.size();) {
        std::size_t next = i + 1;
        while (next < symbols.size() && symbols[next].address == symbols[i].address) ++next;
        RawSymbol symbol = symbols[i];
        if (next - i > 1) symbol.name = table.add_aliases(&symbols[i], next - i);
        builder.add(symbol);
        i = next;
    }
    builder.finish();
    table.strings_ = std::move(names);
    table.more_strings_ = std::move(more_names);
    if (!table.aliases_.empty()) {
        table.chosen_ = std::make_unique<Chosen>();
        table.chosen_->names.assign(table.aliases_.size(), no_name);
    }
    return table;
}

std::uint32_t SymbolTable::add_aliases(const RawSymbol* first, std::size_t count) {
    aliases_.push_back(
        {static_cast<std::uint32_t>(alias_names_.size()), static_cast<std::uint32_t>(count)});
    for (std::size_t i = 0; i < count; ++i) alias_names_.push_back(first[i].name);
    return alias_flag | static_cast<std::uint32_t>(aliases_.size() - 1);
}

std::uint32_t SymbolTable::choose(std::uint32_t place) const {
    const std::lock_guard lock(chosen_->mutex);
    std::uint32_t& chosen = chosen_->names[place];
    if (chosen != no_name) return chosen;
    const SymbolNames names = all_names();
    const Aliases& aliases = aliases_[place];
    chosen = alias_names_[aliases.first];
    for (std::uint32_t i = 1; i < aliases.count; ++i) {
        const std::uint32_t other = alias_names_[aliases.first + i];
        if (is_better_name(names[chosen], names[other])) chosen = other;
    }
    return chosen;
}

SymbolNames SymbolTable::all_names() const {
    return {strings_.view(), std::as_bytes(std::span(more_strings_))};
}

std::optional<SymbolTable::Match> SymbolTable::find(Svma address) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), address.value);
    if (after == starts_.begin()) return std::nullopt;
    std::uint32_t name = names_[static_cast<std::size_t>(after - starts_.begin()) - 1];
    if (name == no_name) return std::nullopt;
    if ((name & alias_flag) != 0) name = choose(name & ~alias_flag);
    return Match{all_names()[name], name};
}

}  // namespace fgread
