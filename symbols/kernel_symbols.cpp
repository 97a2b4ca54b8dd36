#include "symbols/kernel_symbols.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

#include "symbols/build_id_path.h"
#include "symbols/elf_notes.h"

namespace fgread {
namespace {

// A kernel built with every option lists 250,000 symbols in 12 MB.
constexpr std::size_t max_listing = 256 << 20;
static_assert(max_listing <= std::size_t{0xffffffff}, "offsets of lines are 32 bits wide");
constexpr std::size_t max_kernel_notes = 1 << 20;
constexpr std::uint64_t page = 4096;
constexpr std::size_t address_digits = 16;
constexpr std::size_t typical_line = 40;  // a virtual machine's kernel has 44

constexpr std::uint8_t no_digit = 0xff;
constexpr std::array<std::uint8_t, 256> make_hex_digits() {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(no_digit);
    for (std::uint8_t i = 0; i < 10; ++i) digits[std::size_t{'0'} + i] = i;
    for (std::uint8_t i = 0; i < 6; ++i) {
        digits[std::size_t{'a'} + i] = digits[std::size_t{'A'} + i] =
            static_cast<std::uint8_t>(10 + i);
    }
    return digits;
}
constexpr std::array<std::uint8_t, 256> hex_digits = make_hex_digits();

// "ffffffff81000000 T _text": what stands in front of the name.
struct LineHead {
    std::uint64_t address = 0;
    char type = 0;
    std::size_t size = 0;  // up to the name
};

// A few bytes of text as one number.
std::uint64_t eight_bytes(std::string_view text) {
    return load_unchecked<std::uint64_t>(std::as_bytes(std::span(text)).data(), Endian::big);
}

constexpr std::uint64_t each_byte = 0x0101010101010101;

// The value of eight lower-case hexadecimal digits, all at once; false if one is none.
inline bool eight_digits(std::uint64_t text, std::uint32_t& value) {
    const std::uint64_t letters = text >> 6 & each_byte;
    std::uint64_t digits = (text & 0x0f * each_byte) + 9 * letters;
    const std::uint64_t above_nine = (digits + 6 * each_byte) >> 4 & each_byte;
    const std::uint64_t as_text = digits + '0' * each_byte + ('a' - '0' - 10) * above_nine;
    if (as_text != text || (digits & 0xf0 * each_byte) != 0) return false;
    digits = (digits | digits >> 4) & 0x00ff00ff00ff00ff;
    digits = (digits | digits >> 8) & 0x0000ffff0000ffff;
    value = static_cast<std::uint32_t>(digits | digits >> 16);
    return true;
}

// Reads the heads of lines one after the other: there are 120,000, and nearly all begin with
// sixteen digits, of which the first eight are those of the line before.
class LineHeads {
public:
    // False, with `head` undefined, if the line makes no sense.
    bool read(std::string_view line, LineHead& head) {
        std::uint32_t lower = 0;
        const bool is_usual = line.size() >= usual_size && eight_bytes(line) == upper_text_ &&
                              eight_digits(eight_bytes(line.substr(8)), lower);
        if (!is_usual) return read_slowly(line, head);
        head.address = upper_ | lower;
        return take_rest(line, address_digits, head);
    }

private:
    // The address is followed by " T ", and that by a name.
    static constexpr std::size_t usual_size = address_digits + 4;
    static bool take_rest(std::string_view line, std::size_t digits, LineHead& head) {
        head.type = line[digits + 1];
        head.size = digits + 3;
        return line[digits] == ' ' && line[digits + 2] == ' ' && line[digits + 3] != '\t';
    }

    [[gnu::noinline]] bool read_slowly(std::string_view line, LineHead& head) {
        if (line.size() >= usual_size && take_upper(eight_bytes(line))) {
            std::uint32_t lower = 0;
            if (eight_digits(eight_bytes(line.substr(8)), lower)) {
                head.address = upper_ | lower;
                return take_rest(line, address_digits, head);
            }
        }
        const std::size_t digits = read_digits(line, head.address);
        return digits != 0 && line.size() - digits >= 4 && take_rest(line, digits, head);
    }

    bool take_upper(std::uint64_t text) {
        std::uint32_t upper = 0;
        if (!eight_digits(text, upper)) return false;
        upper_text_ = text;
        upper_ = std::uint64_t{upper} << 32;
        return true;
    }

    // How many there are, whatever their case.
    static std::size_t read_digits(std::string_view line, std::uint64_t& value) {
        value = 0;
        std::size_t at = 0;
        for (; at < std::min(line.size(), address_digits); ++at) {
            const std::uint8_t digit = hex_digits[static_cast<unsigned char>(line[at])];
            if (digit == no_digit) break;
            value = value << 4 | digit;
        }
        return at;
    }

    std::uint64_t upper_text_ = '0' * each_byte;
    std::uint64_t upper_ = 0;  // what it says
};

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

std::string_view as_text(ByteView bytes) {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

}  // namespace

KernelSymbols::KernelSymbols(OwnedBytes listing) : listing_(std::move(listing)) {
    const std::string_view all = text();
    lines_.reserve(all.size() / typical_line);
    bool any_address = false, is_sorted = true;
    std::uint64_t last = 0;
    LineHeads heads;
    LineHead head;
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end + 1) {
        end = std::min(all.find('\n', begin), all.size());
        const std::string_view line = all.substr(begin, end - begin);
        if (!heads.read(line, head)) {
            ++malformed_;
            continue;
        }
        any_address = any_address || head.address != 0;
        if (!is_kept(head.type)) continue;
        const std::string_view name = line.substr(head.size);
        if (name == "_text") text_ = Avma{head.address};
        if (name == "_stext") stext_ = Avma{head.address};
        is_sorted = is_sorted && last <= head.address;
        last = head.address;
        lines_.push_back(static_cast<std::uint32_t>(begin));
    }
    restricted_ = !lines_.empty() && !any_address;
    if (restricted_) lines_.clear();
    // The kernel's own symbols are listed in order since Linux 6.2, and many machines, virtual ones
    // above all, have no modules.
    if (!is_sorted) sort_lines();
}

void KernelSymbols::sort_lines() {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> by_address;
    by_address.reserve(lines_.size());
    for (const std::uint32_t line : lines_) by_address.emplace_back(address_in(line), line);
    std::sort(by_address.begin(), by_address.end());
    std::transform(by_address.begin(), by_address.end(), lines_.begin(),
                   [](const auto& each) { return each.second; });
}

// Of a line that made sense.
std::uint64_t KernelSymbols::address_in(std::uint32_t line) const {
    LineHead head;
    return LineHeads().read(text().substr(line), head) ? head.address : 0;
}

std::string_view KernelSymbols::text() const { return as_text(listing_.view()); }

// Behind the name of a module's symbol: a tab and "[ext4]".
KernelSymbols::Match KernelSymbols::match_of(std::uint32_t line) const {
    std::string_view rest = text().substr(line);
    rest = rest.substr(0, rest.find('\n'));
    LineHead head;
    if (!LineHeads().read(rest, head)) return {};
    const std::string_view name = rest.substr(head.size);
    const std::size_t tab = std::min(name.find('\t'), name.size());
    Match match;
    match.name = name.substr(0, tab);
    match.name_id = static_cast<std::uint32_t>(line + head.size);
    match.start = Avma{head.address};
    std::string_view module = name.substr(tab);
    const std::size_t end = module.find(']');
    if (module.starts_with("\t[") && end != std::string_view::npos) {
        match.module = module.substr(2, end - 2);
    }
    return match;
}

std::optional<KernelSymbols::Match> KernelSymbols::find(Avma address) const {
    const auto after = std::upper_bound(
        lines_.begin(), lines_.end(), address.value,
        [this](std::uint64_t wanted, std::uint32_t line) { return wanted < address_in(line); });
    if (after == lines_.begin()) return std::nullopt;
    Match match = match_of(*std::prev(after));
    if (after != lines_.end()) match.until = Avma{address_in(*after)};
    // The kernel's last symbol and each module area's last one end soon after their start, not
    // where the next area, gigabytes away, begins.
    const std::uint64_t start = match.start.value;
    const std::uint64_t soon = (start + page + page - 1) & ~(page - 1);
    if (soon < start) return match;
    if (address.value < soon) {
        match.until = std::min(match.until, Avma{soon});
        return match;
    }
    const bool last_of_area =
        after == lines_.end() || match_of(*after).module.empty() != match.module.empty();
    return last_of_area ? std::nullopt : std::optional(match);
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

KernelListing loaded_from(KernelSource source, KernelNames names) {
    return {names, names == KernelNames::loaded ? source : KernelSource::none};
}

// Of a recording without its kernel's build-id.
KernelListing load_by_anchor(const std::optional<KernelAnchor>& here, KernelSymbols& symbols) {
    if (!here) return {KernelNames::unknown};
    const KernelNames running = load_listing("/proc/kallsyms", symbols);
    const bool in_place = symbols.address_of(here->symbol) == here->address;
    if (running != KernelNames::loaded || in_place) return loaded_from(KernelSource::boot, running);
    symbols = KernelSymbols();
    return {KernelNames::mismatch};
}

}  // namespace

std::optional<KernelSymbols> load_cached_kernel_image(const BuildId& recorded,
                                                      const KernelAnchor& anchor,
                                                      const std::string& cache_directory) {
    if (recorded.empty() || cache_directory.empty() || anchor.address.value == 0) return {};
    const std::string cached = build_id_cache_path(cache_directory, recorded, "kallsyms");
    KernelSymbols symbols;
    if (load_listing(cached, symbols) != KernelNames::loaded) return {};
    if (symbols.address_of(anchor.symbol) != anchor.address) return {};
    return symbols;
}

KernelListing load_kernel_symbols(const std::string& kallsyms_file, const BuildId& recorded,
                                  const std::optional<KernelAnchor>& here,
                                  const std::string& cache_directory, KernelSymbols& symbols) {
    if (!kallsyms_file.empty()) {
        return loaded_from(KernelSource::given, load_listing(kallsyms_file, symbols));
    }
    if (recorded.empty()) return load_by_anchor(here, symbols);
    KernelNames running = KernelNames::mismatch;
    if (is_running_kernel(recorded)) {
        running = load_listing("/proc/kallsyms", symbols);
        if (running == KernelNames::loaded) return {running, KernelSource::build_id};
    }
    if (cache_directory.empty()) return {running};
    const std::string cached = build_id_cache_path(cache_directory, recorded, "kallsyms");
    if (load_listing(cached, symbols) != KernelNames::loaded) return {running};
    return {KernelNames::loaded, KernelSource::cache};
}

}  // namespace fgread
