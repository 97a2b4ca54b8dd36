#include "symbols/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "symbols/go_functions.h"
#include "symbols/mini_debug_info.h"
#include "symbols/plt_symbols.h"
#include "symbols/radix_sort.h"
#include "symbols/relevant_symbols.h"

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

// An Elf64_Sym or Elf32_Sym among the bytes of a table. Of most of them one or two fields are
// looked at.
template <bool wide, Endian endian>
class ElfSymbol {
public:
    static constexpr std::size_t size_in_table = wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

    explicit ElfSymbol(const std::byte* bytes) : bytes_(bytes) {}

    [[nodiscard]] std::uint32_t name() const { return load<std::uint32_t>(0); }
    [[nodiscard]] std::uint8_t info() const { return load<std::uint8_t>(wide ? 4 : 12); }
    [[nodiscard]] std::uint8_t other() const { return load<std::uint8_t>(wide ? 5 : 13); }
    [[nodiscard]] std::uint16_t section() const { return load<std::uint16_t>(wide ? 6 : 14); }
    [[nodiscard]] std::uint64_t value() const { return word(wide ? 8 : 4); }
    [[nodiscard]] std::uint64_t size() const { return word(wide ? 16 : 8); }

private:
    template <typename T>
    [[nodiscard]] T load(std::size_t at) const {
        return load_unchecked<T>(bytes_ + at, endian);
    }
    [[nodiscard]] std::uint64_t word(std::size_t at) const {
        if constexpr (wide) return load<std::uint64_t>(at);
        return load<std::uint32_t>(at);
    }

    const std::byte* bytes_;
};

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

bool is_hidden(std::uint8_t other) {
    const unsigned visibility = other & 3;
    return visibility == STV_HIDDEN || visibility == STV_INTERNAL;
}

constexpr unsigned code_types = 1u << STT_FUNC | 1u << STT_GNU_IFUNC | 1u << STT_NOTYPE;

template <typename Symbol>
inline bool names_code(const Symbol& symbol, std::span<const std::uint8_t> executable) {
    const unsigned type = symbol.info() & 0xf;
    if ((code_types >> type & 1) == 0) return false;
    const std::uint16_t section = symbol.section();
    if (symbol.name() == 0) return false;
    // Labels: _start and other assembly, but not the hidden ones that annobin and OpenSSL's perlasm
    // put inside functions (node: ".annobin_pthread_atfork.c_end").
    if (type == STT_NOTYPE && is_hidden(symbol.other())) return false;
    return section < executable.size() && executable[section] != 0;
}

SymbolBinding binding_of(std::uint8_t info) {
    switch (info >> 4) {
        case STB_LOCAL:
            return SymbolBinding::local;
        case STB_WEAK:
            return SymbolBinding::weak;
        default:
            return SymbolBinding::global;
    }
}

// The uppermost bit of an offset is taken (alias_flag). The largest real tables have 400 MB.
constexpr std::uint64_t max_name_offset = 0x7fffffff;

// The symbols of one file that may name code.
class CodeSymbols {
public:
    explicit CodeSymbols(const ElfImage& image)
        : wide_(image.is_64bit()),
          endian_(image.endian()),
          // Bit 0 of an Arm function's address says that it is Thumb code.
          address_mask_(image.machine() == EM_ARM ? ~std::uint64_t{1} : ~std::uint64_t{0}) {
        for (const Section& section : image.sections()) {
            executable_.push_back(section.executable() ? 1 : 0);
        }
        if (!executable_.empty()) executable_[SHN_UNDEF] = 0;
    }

    // Calls visit(symbol, its address) for each entry of `table` that names code and whose
    // address `matters`, which is asked first.
    template <typename Matters, typename Visit>
    void each(ByteView table, const Matters& matters, const Visit& visit) const {
        // A large binary has some hundred thousand: nearly all are of this form, and read in a row.
        if (wide_ && endian_ == Endian::little) {
            each_of<true, Endian::little>(table, matters, visit);
        } else if (wide_) {
            each_of<true, Endian::big>(table, matters, visit);
        } else if (endian_ == Endian::little) {
            each_of<false, Endian::little>(table, matters, visit);
        } else {
            each_of<false, Endian::big>(table, matters, visit);
        }
    }

private:
    template <bool wide, Endian endian, typename Matters, typename Visit>
    void each_of(ByteView table, const Matters& matters, const Visit& visit) const {
        using Symbol = ElfSymbol<wide, endian>;
        const std::span<const std::uint8_t> executable = executable_;
        while (table.size() >= Symbol::size_in_table) {
            const std::size_t count =
                std::min(table.size() / Symbol::size_in_table, symbols_at_once);
            const ByteView later = table.subspan(std::min(ahead, table.size()));
            const std::size_t bytes = symbols_at_once * Symbol::size_in_table;
            for (std::size_t at = 0; at < std::min(bytes, later.size()); at += cache_line) {
                __builtin_prefetch(later.data() + at);
            }
            for (std::size_t i = 0; i < count; ++i) {
                const Symbol symbol(table.data() + i * Symbol::size_in_table);
                const std::uint64_t address = symbol.value() & address_mask_;
                if (matters(address) && names_code(symbol, executable)) visit(symbol, address);
            }
            table = table.subspan(count * Symbol::size_in_table);
        }
    }

    // Processors ask for memory ahead only within a page: 5.0 -> 4.3 ms for 300,000 symbols.
    static constexpr std::size_t ahead = 2048;
    static constexpr std::size_t cache_line = 64;
    static constexpr std::size_t symbols_at_once = 16;  // whole cache lines

    bool wide_;
    Endian endian_;
    std::uint64_t address_mask_;
    std::vector<std::uint8_t> executable_;  // by section
};

// What may have the symbols of a binary. Only the first is always there.
struct SymbolFiles {
    const ElfImage* binary = nullptr;
    const ElfImage* debug_file = nullptr;  // null if it has no .symtab
    const ElfImage* mini = nullptr;        // MiniDebugInfo, read if nothing else has a .symtab
};

// .symtab and .dynsym of the debug file if it has a .symtab, else of the binary and its
// MiniDebugInfo, which has what .dynsym lacks.
std::vector<SymbolSections> find_tables(const SymbolFiles& files) {
    const ElfImage* image = files.debug_file != nullptr ? files.debug_file : files.binary;
    std::vector<SymbolSections> tables;
    for (const SymbolSections& found :
         {symbols_of(files.mini, SHT_SYMTAB), symbols_of(image, SHT_SYMTAB),
          symbols_of(image, SHT_DYNSYM)}) {
        if (found.image != nullptr) tables.push_back(found);
    }
    return tables;
}

// Symbols and names of one binary while they are gathered.
struct Gathered {
    std::vector<RawSymbol> symbols;
    StringTables names;
    std::uint64_t malformed = 0;
};

constexpr auto every_address = [](std::uint64_t) { return true; };

// One table, and where its names begin among all.
class TableOfSymbols {
public:
    // `all_names`: those of all symbols will be looked at.
    TableOfSymbols(const SymbolSections& sections, bool all_names, Gathered& gathered)
        : code_(*sections.image),
          bytes_(sections.image->contents(*sections.symbols)),
          is_marked_(marks_code_or_data(sections.image->machine())),
          has_texts_(all_names || is_marked_ || (sections.names->flags & SHF_COMPRESSED) != 0),
          gathered_(gathered) {
        StringTables& names = gathered.names;
        names_ = has_texts_ ? names.add(sections.image->contents(*sections.names))
                            : names.add(*sections.image, *sections.names);
        const std::uint64_t room = max_name_offset + 1 - std::min(names_, max_name_offset + 1);
        names_size_ = std::min(names.size() - names_, room);
    }

    void add_all() {
        gathered_.malformed += each_usable(
            every_address,
            [this](const auto& symbol, std::uint64_t address) { keep(symbol, address); });
    }
    // Those that `relevant` finds so when it sees them.
    void add(RelevantSymbols& relevant) {
        gathered_.malformed +=
            each_usable(every_address, [&](const auto& symbol, std::uint64_t address) {
                if (relevant.see(address, symbol.size())) keep(symbol, address);
            });
    }
    // What is relevant of the others, once all tables were seen.
    void add_starts(const RelevantSymbols& relevant) {
        const auto matters = [&](std::uint64_t address) { return relevant.may_be_start(address); };
        each_usable(matters, [&](const auto& symbol, std::uint64_t address) {
            if (relevant.is_start(address)) keep(symbol, address);
        });
    }

private:
    // Returns how many there are that make no sense.
    template <typename Matters, typename Visit>
    std::uint64_t each_usable(const Matters& matters, const Visit& visit) {
        std::uint64_t malformed = 0;
        code_.each(bytes_.view(), matters, [&](const auto& symbol, std::uint64_t address) {
            const bool has_name = symbol.name() < names_size_;
            const std::string_view text = has_name && has_texts_ ? text_of(symbol) : "";
            if (!has_name || (has_texts_ && text.empty())) {
                ++malformed;
            } else if (!is_marked_ || !is_mapping_symbol(text)) {
                visit(symbol, address);
            }
        });
        return malformed;
    }
    template <typename Symbol>
    [[nodiscard]] std::string_view text_of(const Symbol& symbol) const {
        return gathered_.names[names_ + symbol.name()];
    }
    template <typename Symbol>
    void keep(const Symbol& symbol, std::uint64_t address) {
        const std::uint64_t name = names_ + symbol.name();
        gathered_.symbols.push_back({address, end_of_symbol(address, symbol.size()),
                                     static_cast<std::uint32_t>(name), binding_of(symbol.info())});
    }

    CodeSymbols code_;
    OwnedBytes bytes_;
    bool is_marked_;  // some are not names
    bool has_texts_;
    Gathered& gathered_;
    std::uint64_t names_ = 0;
    std::uint64_t names_size_ = 0;  // those that can be told from aliases
};

// Go knows its functions without a symbol table.
void add_go_functions(const SymbolFiles& files, const std::vector<SymbolSections>& tables,
                      Gathered& gathered) {
    const bool stripped =
        std::none_of(tables.begin(), tables.end(),
                     [](const SymbolSections& each) { return each.symbols->type == SHT_SYMTAB; });
    const Section* section = stripped ? find_go_table(*files.binary) : nullptr;
    if (section == nullptr) return;
    OwnedBytes table = files.binary->contents(*section);
    const std::uint64_t names = gathered.names.size();
    each_go_function(*files.binary, table.view(), [&](const GoFunction& function) {
        const std::uint64_t name = names + function.name;
        if (name > max_name_offset) return;
        gathered.symbols.push_back({function.start.value, function.end.value,
                                    static_cast<std::uint32_t>(name), SymbolBinding::global});
    });
    gathered.names.add(std::move(table));
}

Gathered gather_symbols(const SymbolFiles& files, const WantedAddresses* wanted) {
    const std::vector<SymbolSections> tables = find_tables(files);
    Gathered gathered;
    std::vector<TableOfSymbols> all;
    for (const SymbolSections& each : tables) all.emplace_back(each, wanted == nullptr, gathered);
    if (wanted == nullptr) {
        for (TableOfSymbols& table : all) table.add_all();
    } else {
        RelevantSymbols relevant(*wanted);
        for (TableOfSymbols& table : all) table.add(relevant);
        relevant.all_seen();
        for (TableOfSymbols& table : all) table.add_starts(relevant);
    }
    add_go_functions(files, tables, gathered);
    std::string stubs;
    add_plt_symbols(*files.binary, wanted, static_cast<std::uint32_t>(gathered.names.size()), stubs,
                    gathered.symbols);
    OwnedBytes bytes(stubs.size());
    std::transform(stubs.begin(), stubs.end(), bytes.writable().begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    gathered.names.add(std::move(bytes));
    return gathered;
}

}  // namespace

SymbolTable SymbolTable::read(const ElfImage& binary, const ElfImage* debug_file,
                              std::uint64_t& malformed, const WantedAddresses* wanted) {
    SymbolFiles files{&binary, debug_file, nullptr};
    if (symbols_of(debug_file, SHT_SYMTAB).image == nullptr) files.debug_file = nullptr;
    std::optional<ElfImage> mini;
    if (files.debug_file == nullptr && symbols_of(&binary, SHT_SYMTAB).image == nullptr) {
        mini = read_mini_debug_info(binary);
        files.mini = mini ? &*mini : nullptr;
    }
    Gathered gathered = gather_symbols(files, wanted);
    SymbolTable table = build(std::move(gathered.symbols), std::move(gathered.names));
    if (wanted != nullptr) {
        table.wanted_ = *wanted;
        if (!table.keep_only_asked_names()) return read(binary, debug_file, malformed);
    }
    malformed += gathered.malformed;
    return table;
}

// Turns symbols that may contain each other into intervals: the innermost one names an address,
// and after its end the one around it goes on.
class SymbolTable::IntervalBuilder {
public:
    explicit IntervalBuilder(SymbolTable& table) : table_(table) {}

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
            emit(end, open_.empty() ? no_name : open_.back().name);
            if (!open_.empty()) table_.continued_.push_back({end, open_.back().address});
        }
    }
    void emit(std::uint64_t start, std::uint32_t name) {
        if (!table_.continued_.empty() && table_.continued_.back().at == start) {
            table_.continued_.pop_back();
        }
        if (!table_.starts_.empty() && table_.starts_.back() == start) {
            table_.names_.back() = name;
            return;
        }
        table_.starts_.push_back(start);
        table_.names_.push_back(name);
    }

    SymbolTable& table_;
    std::vector<RawSymbol> open_;
};

SymbolTable SymbolTable::build(std::vector<RawSymbol> symbols, StringTables names) {
    SymbolTable table;
    choose_symbols(symbols);
    table.starts_.reserve(symbols.size() + symbols.size() / 2);
    table.names_.reserve(symbols.size() + symbols.size() / 2);
    IntervalBuilder builder(table);
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
    if (!table.aliases_.empty()) {
        const std::size_t count = table.aliases_.size();
        table.chosen_ = std::make_unique<std::atomic<std::uint32_t>[]>(count);
        for (std::size_t i = 0; i < count; ++i) table.chosen_[i].store(no_name);
    }
    return table;
}

std::uint32_t SymbolTable::add_aliases(const RawSymbol* first, std::size_t count) {
    aliases_.push_back(
        {static_cast<std::uint32_t>(alias_names_.size()), static_cast<std::uint32_t>(count)});
    for (std::size_t i = 0; i < count; ++i) alias_names_.push_back(first[i].name);
    return alias_flag | static_cast<std::uint32_t>(aliases_.size() - 1);
}

// Finds the intervals that wanted addresses lie in.
void SymbolTable::find_asked_intervals() {
    std::uint32_t after = 0;
    for (const std::uint64_t address : wanted_->all()) {
        while (after < starts_.size() && starts_[after] <= address) ++after;
        asked_.push_back(after == 0 ? no_interval : after - 1);
    }
}

// Calls visit(name) with each element of names_ and alias_names_ that an answer may need, once.
template <typename Visit>
void SymbolTable::each_asked_name(const Visit& visit) {
    std::vector<bool> seen(aliases_.size(), false);  // what goes on elsewhere has them twice
    std::uint32_t before = no_interval;
    for (const std::uint32_t interval : asked_) {
        if (interval == before || interval == no_interval) continue;
        before = interval;
        std::uint32_t& name = names_[interval];
        if (name == no_name) continue;
        if ((name & alias_flag) == 0) {
            visit(name);
            continue;
        }
        const std::uint32_t place = name & ~alias_flag;
        if (seen[place]) continue;
        seen[place] = true;
        const Aliases& aliases = aliases_[place];
        for (std::uint32_t i = 0; i < aliases.count; ++i) visit(alias_names_[aliases.first + i]);
    }
}

// Replaces the string tables by one of the names that may be asked for. False if that cannot be:
// some have no text, and the whole table, which skips such symbols, has to be read.
bool SymbolTable::keep_only_asked_names() {
    find_asked_intervals();
    std::vector<std::uint32_t*> asked;
    each_asked_name([&](std::uint32_t& name) { asked.push_back(&name); });
    sort_by_number(std::span(asked), [](const std::uint32_t* name) { return *name; });
    std::vector<std::uint32_t> offsets, places;
    offsets.reserve(asked.size());
    for (const std::uint32_t* name : asked) {
        if (offsets.empty() || offsets.back() != *name) offsets.push_back(*name);
    }
    std::optional<StringTables> kept = strings_.gather(offsets, places);
    if (!kept) return false;
    for (const std::uint32_t place : places) {
        if ((*kept)[place].empty()) return false;
    }
    std::size_t at = 0;
    for (std::uint32_t* name : asked) {
        if (offsets[at] != *name) ++at;
        *name = places[at];
    }
    strings_ = std::move(*kept);
    return true;
}

std::uint32_t SymbolTable::choose(std::uint32_t place) const {
    std::uint32_t chosen = chosen_[place].load(std::memory_order_relaxed);
    if (chosen != no_name) return chosen;
    const Aliases& aliases = aliases_[place];
    chosen = alias_names_[aliases.first];
    BestName best(strings_[chosen]);
    for (std::uint32_t i = 1; i < aliases.count; ++i) {
        const std::uint32_t other = alias_names_[aliases.first + i];
        if (best.improve(strings_[other])) chosen = other;
    }
    chosen_[place].store(chosen, std::memory_order_relaxed);
    return chosen;
}

// The interval that `address` lies in; no_interval if it lies in front of all.
std::uint32_t SymbolTable::interval_of(std::uint64_t address) const {
    if (wanted_) {
        const auto place = wanted_->place_of(address);
        return place ? asked_[*place] : no_interval;
    }
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), address);
    if (after == starts_.begin()) return no_interval;
    return static_cast<std::uint32_t>(after - starts_.begin()) - 1;
}

// Of the symbol that the interval which begins at `interval_start` belongs to.
std::uint64_t SymbolTable::start_of(std::uint64_t interval_start) const {
    const auto found = std::lower_bound(
        continued_.begin(), continued_.end(), interval_start,
        [](const Continued& continued, std::uint64_t at) { return continued.at < at; });
    return found != continued_.end() && found->at == interval_start ? found->start : interval_start;
}

std::optional<SymbolTable::Match> SymbolTable::find(Svma address) const {
    const std::uint32_t interval = interval_of(address.value);
    if (interval == no_interval) return std::nullopt;
    std::uint32_t name = names_[interval];
    if (name == no_name) return std::nullopt;
    if ((name & alias_flag) != 0) name = choose(name & ~alias_flag);
    const bool is_last = interval + 1 == starts_.size();
    const Svma until{is_last ? ~std::uint64_t{0} : starts_[interval + 1]};
    return Match{strings_[name], name, Svma{start_of(starts_[interval])}, until};
}

}  // namespace fgread
