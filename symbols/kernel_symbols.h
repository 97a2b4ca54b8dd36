// KernelSymbols: names of kernel addresses, from a kallsyms listing.
//
// Lines of /proc/kallsyms (kernel/kallsyms.c): "ffffffff81000000 T _text", and for modules
// "ffffffffc0001000 t ext4_find\t[ext4]". Ordinary users see only zeros as addresses
// (kernel.kptr_restrict).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/address_space.h"
#include "symbols/regular_file.h"

namespace fgread {

// Immutable once made; safe for any number of threads.
class KernelSymbols {
public:
    KernelSymbols() = default;
    // Takes over a listing and finds its lines; names are read when asked for. Lines that make no
    // sense are skipped and counted. Cost: 2 ms for 120,000 lines, and 4 bytes for each.
    explicit KernelSymbols(OwnedBytes listing);

    struct Match {
        std::string_view name;
        std::string_view module;    // "ext4"; empty for the kernel itself
        std::uint32_t name_id = 0;  // equal for equal symbols
        Avma start;                 // of the symbol
        // Addresses from the one asked for up to this one, not including it, have this match.
        Avma until{~std::uint64_t{0}};
    };
    // The symbol at or before `address`, as kallsyms has no sizes; of several at one address the
    // last one, as perf does (symbol_choice.h).
    [[nodiscard]] std::optional<Match> find(Avma address) const;
    // Where the kernel's own symbol `name` is.
    [[nodiscard]] std::optional<Avma> address_of(std::string_view name) const;

    [[nodiscard]] bool empty() const { return lines_.empty(); }
    // True if there were symbols, but all at address 0.
    [[nodiscard]] bool restricted() const { return restricted_; }
    [[nodiscard]] std::uint64_t malformed_lines() const { return malformed_; }

private:
    [[nodiscard]] std::string_view text() const;
    [[nodiscard]] std::uint64_t address_in(std::uint32_t line) const;
    [[nodiscard]] Match match_of(std::uint32_t line) const;
    void sort_lines();

    OwnedBytes listing_;
    // Where in the listing lines begin: by address, those of one address in the listing's order.
    std::vector<std::uint32_t> lines_;
    // Text of the anchors that MMAP records of the kernel refer to.
    std::optional<Avma> text_, stext_;
    std::uint64_t malformed_ = 0;
    bool restricted_ = false;
};

enum class KernelNames : std::uint8_t {
    loaded,
    restricted,   // readable, but all addresses are zero: kernel.kptr_restrict
    mismatch,     // the running kernel is not the recorded one, and no other source was given
    unknown,      // the recording does not say which kernel it was, and no source was given
    unavailable,  // the file named by --kallsyms (or /proc/kallsyms) cannot be read
};

// Whose listing it is, and why it is believed.
enum class KernelSource : std::uint8_t {
    none,
    given,     // by --kallsyms, taken at its word
    build_id,  // the running kernel's, which has the recorded build-id
    boot,      // the running kernel's: recorded here since it booted, and its anchor is in place
    cache,     // perf's copy for the recorded build-id
};

struct KernelListing {
    KernelNames names = KernelNames::loaded;
    KernelSource source = KernelSource::none;  // of what is loaded
};

// "_text" and where the recording has it. Randomised at every boot, as a rule.
struct KernelAnchor {
    std::string symbol;
    Avma address;
};

// perf's copy of the listing in `cache_directory`, for addresses of the kernel's own image:
// believed if it has the anchor's symbol where the recording has it. What it says of modules holds
// for its own time only. Reading a file costs a tenth of having the kernel print its listing (35
// ms).
[[nodiscard]] std::optional<KernelSymbols> load_cached_kernel_image(
    const BuildId& recorded, const KernelAnchor& anchor, const std::string& cache_directory);

// Finds a listing for the recorded kernel: `kallsyms_file` if given, taken at its word; else the
// running kernel's if `recorded` is its build-id, or, where none was recorded, if `here` says that
// the recording is this machine's of this boot and the symbol stands where it was recorded; else
// the copy perf made in `cache_directory`
// (~/.debug/.build-id/xx/yyy/kallsyms).
[[nodiscard]] KernelListing load_kernel_symbols(const std::string& kallsyms_file,
                                                const BuildId& recorded,
                                                const std::optional<KernelAnchor>& here,
                                                const std::string& cache_directory,
                                                KernelSymbols& symbols);

}  // namespace fgread
