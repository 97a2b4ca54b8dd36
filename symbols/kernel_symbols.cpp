#include "symbols/kernel_symbols.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

#include "symbols/build_id_path.h"
#include "symbols/elf_notes.h"

namespace fgread {
namespace {

// A kernel built with every option lists 250,000 symbols in 12 MB.
constexpr std::size_t max_listing = 256 << 20;
constexpr std::size_t max_kernel_notes = 1 << 20;
constexpr std::uint64_t page = 4096;
constexpr std::size_t address_digits = 16;
constexpr std::size_t typical_line = 45;

// One line, as offsets into the listing.
struct Line {
    std::uint64_t address = 0;
    char type = 0;
    std::size_t name = 0, name_end = 0;
    bool in_module = false;
};

constexpr int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<Line> parse_line(std::string_view text, std::size_t begin, std::size_t end) {
    Line line;
    std::size_t at = begin;
    for (; at < std::min(end, begin + address_digits); ++at) {
        const int digit = hex_digit(text[at]);
        if (digit < 0) break;
        line.address = line.address << 4 | static_cast<unsigned>(digit);
    }
    if (at == begin) return std::nullopt;
    // The address is followed by " T ".
    if (end - at < 4 || text[at] != ' ' || text[at + 2] != ' ') return std::nullopt;
    line.type = text[at + 1];
    line.name = at + 3;
    const std::size_t tab = text.substr(0, end).find('\t', line.name);
    line.name_end = tab == std::string_view::npos ? end : tab;
    line.in_module = line.name_end + 1 < end && text[line.name_end + 1] == '[';
    if (line.name_end == line.name) return std::nullopt;
    return line;
}

// Text, weak, data and bss: what perf keeps. Data symbols name no code but end the one before.
bool is_kept(char type) {
    switch (type) {
        case 'T':
        case 't':
        case 'W':
        case 'w':
        case 'D':
        case 'd':
        case 'B':
        case 'b':
            return true;
        default:
            return false;
    }
}

SymbolBinding binding_of(char type) {
    if (type == 'W' || type == 'w') return SymbolBinding::weak;
    return std::isupper(static_cast<unsigned char>(type)) != 0 ? SymbolBinding::global
                                                               : SymbolBinding::local;
}

struct KernelSymbol {
    RawSymbol symbol;
    bool in_module = false;
};

// The kernel's last symbol and each module area's last one end soon after their start, not where
// the next area, gigabytes away, begins.
void end_areas(std::vector<KernelSymbol>& symbols) {
    const auto comes_first = [](const KernelSymbol& a, const KernelSymbol& b) {
        return a.symbol.address < b.symbol.address;
    };
    // The kernel's own symbols are listed in order since Linux 6.2, and many machines, virtual ones
    // above all, have no modules.
    if (!std::is_sorted(symbols.begin(), symbols.end(), comes_first)) {
        std::stable_sort(symbols.begin(), symbols.end(), comes_first);
    }
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        if (symbols[i].in_module == symbols[i + 1].in_module) continue;
        const std::uint64_t end = (symbols[i].symbol.address + page + page - 1) & ~(page - 1);
        symbols[i].symbol.end = std::max(symbols[i].symbol.address, end);
    }
}

std::string_view as_text(ByteView bytes) {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

}  // namespace

KernelSymbols::KernelSymbols(OwnedBytes listing) {
    const std::string_view text = as_text(listing.view());
    std::vector<KernelSymbol> symbols;
    symbols.reserve(text.size() / typical_line);
    bool any_address = false;
    std::uint32_t order = 0;
    for (std::size_t begin = 0; begin < text.size(); ++order) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::optional<Line> line = parse_line(text, begin, end);
        begin = end + 1;
        if (!line) {
            ++malformed_;
            continue;
        }
        any_address = any_address || line->address != 0;
        if (!is_kept(line->type)) continue;
        const std::string_view name = text.substr(line->name, line->name_end - line->name);
        if (!line->in_module && name == "_text") text_ = Avma{line->address};
        if (!line->in_module && name == "_stext") stext_ = Avma{line->address};
        symbols.push_back({{line->address, line->address, static_cast<std::uint32_t>(line->name),
                            order, binding_of(line->type)},
                           line->in_module});
        // The end of the name becomes the NUL that a string table has.
        if (line->name_end < text.size()) listing.writable()[line->name_end] = std::byte{0};
    }
    restricted_ = !symbols.empty() && !any_address;
    if (restricted_) return;
    end_areas(symbols);
    std::vector<RawSymbol> raw;
    raw.reserve(symbols.size());
    for (const KernelSymbol& each : symbols) raw.push_back(each.symbol);
    listing_ = listing.view();
    StringTables names;
    names.add(std::move(listing));
    table_ = SymbolTable::build(std::move(raw), std::move(names));
}

std::optional<KernelSymbols::Match> KernelSymbols::find(Avma address) const {
    const auto found = table_.find(Svma{address.value});
    if (!found) return std::nullopt;
    Match match{found->name, {}, found->name_id, Avma{found->start.value}};
    // Behind the name and its NUL: "[ext4]", or the next line, which begins with an address.
    const std::size_t behind = found->name_id + found->name.size() + 1;
    const std::string_view rest = as_text(listing_).substr(std::min(behind, listing_.size()));
    if (rest.starts_with('[')) {
        const std::size_t end = rest.find_first_of("]\n");
        if (end != std::string_view::npos) match.module = rest.substr(1, end - 1);
    }
    return match;
}

std::optional<Avma> KernelSymbols::address_of(std::string_view name) const {
    if (name == "_text") return text_;
    if (name == "_stext") return stext_;
    return std::nullopt;
}

namespace {

KernelNames load_listing(const std::string& path, KernelSymbols& symbols) {
    std::optional<OwnedBytes> listing = read_whole_file(path, max_listing);
    if (!listing) return KernelNames::unavailable;
    symbols = KernelSymbols(std::move(*listing));
    if (symbols.restricted()) return KernelNames::restricted;
    return symbols.empty() ? KernelNames::unavailable : KernelNames::loaded;
}

bool is_running_kernel(const BuildId& recorded) {
    const std::optional<OwnedBytes> notes = read_whole_file("/sys/kernel/notes", max_kernel_notes);
    constexpr Endian native =
        std::endian::native == std::endian::little ? Endian::little : Endian::big;
    return notes && same_build_id(recorded, build_id_of_notes(notes->view(), native));
}

}  // namespace

KernelNames load_kernel_symbols(const std::string& kallsyms_file, const BuildId& recorded,
                                const std::optional<KernelAnchor>& here,
                                const std::string& cache_directory, KernelSymbols& symbols) {
    if (!kallsyms_file.empty()) return load_listing(kallsyms_file, symbols);
    KernelNames running = KernelNames::mismatch;
    if (recorded.empty() && here) {
        running = load_listing("/proc/kallsyms", symbols);
        if (running != KernelNames::loaded || symbols.address_of(here->symbol) == here->address) {
            return running;
        }
        symbols = KernelSymbols();
        running = KernelNames::mismatch;
    } else if (is_running_kernel(recorded)) {
        running = load_listing("/proc/kallsyms", symbols);
        if (running == KernelNames::loaded) return running;
    }
    if (recorded.empty() || cache_directory.empty()) return running;
    const std::string cached = build_id_cache_path(cache_directory, recorded, "kallsyms");
    return load_listing(cached, symbols) == KernelNames::loaded ? KernelNames::loaded : running;
}

}  // namespace fgread
