// Diagnostics: what was wrong with the input, counted, with the place where it first happened.
//
// A record, module or unit that is bad is skipped and counted here; the tool tells each kind once,
// at the end. Nothing in the library prints.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fgread {

enum class Problem : std::uint8_t {
    file_truncated,          // the file ends before the data section does
    file_not_finalised,      // data.size is 0: the recorder was killed
    record_size_invalid,     // record size below 8 or past the end: reading stops here
    stream_cut,              // a pipe ends inside a record
    stream_garbage,          // text after a pipe's records: reading stops here
    compression_damaged,     // compressed records cannot be unpacked: reading stops here
    record_too_small,        // record too small for its type: skipped
    record_unknown_type,     // type this reader does not know: skipped by size
    record_unknown_id,       // sample of an id no attr owns: skipped
    sample_malformed,        // a count or size inside a SAMPLE runs past its end: skipped
    feature_malformed,       // a header feature could not be read: treated as absent
    late_record,             // record out of order beyond what its round allows: delivered late
    deferred_chain_missing,  // sample whose user chain was to follow and did not: shown without it
    map_limit,               // more maps in one process than kept
    module_missing,          // binary not found
    module_mismatch,         // binary found, but its build-id differs: not used
    module_not_regular,      // path is a FIFO, device, directory ...: not opened
    module_unreadable,       // binary found that cannot be read as ELF: why is in the detail
    module_foreign,          // no build-id recorded and the recording is from another machine
    cfi_malformed,           // CIE or FDE skipped
    symbol_malformed,        // symbol table or entry skipped
    name_too_long,           // name over the demangler's bounds: kept mangled
    kallsyms_restricted,     // /proc/kallsyms has only zero addresses (kernel.kptr_restrict)
    kallsyms_mismatch,       // the running kernel is not the recorded one: its names are not used
    kernel_unknown,          // the recording does not say which kernel it was: no names are used
    debug_info_malformed,    // unit, range list or line table of DWARF: what precedes is used
    archive_damaged,         // --archive: cut, damaged or endless; what precedes is used
    archive_unused,          // --archive: has none of the recorded binaries
    debuginfod_failed,       // --debuginfod: server not reached, too slow, or file too large
    split_debug_missing,     // .dwo file not found, or of another build
    jit_file_refused,        // perf map or jitdump found, but not used
    jit_file_malformed,      // line of a perf map or record of a jitdump skipped
    jitdump_clock,           // jitdump, but the recording's clock is not CLOCK_MONOTONIC
    debug_info_too_large,    // left out: more than --max-memory leaves for debug information
    count_,
};

inline constexpr std::size_t problem_count = static_cast<std::size_t>(Problem::count_);

struct ProblemEntry {
    std::uint64_t count = 0;
    std::uint64_t first_offset = 0;  // file offset in the recording, where that has a meaning
    std::string first_detail;        // path, name or number; of the first case only
};

// Not synchronised: one object per thread, merged at the end.
class Diagnostics {
public:
    void add(Problem problem, std::uint64_t offset = 0, std::string_view detail = {});
    [[nodiscard]] const ProblemEntry& operator[](Problem problem) const;

    // Adds the counts of `other`; the earlier of the two first cases (by offset) is kept, so the
    // result does not depend on which thread met it.
    void merge(const Diagnostics& other);

    // True if input was damaged or cut (exit status 3), as opposed to merely incomplete.
    [[nodiscard]] bool input_damaged() const;

private:
    std::array<ProblemEntry, problem_count> entries_;
};

// Stable identifier as used in --stats=json, e.g. "record_size_invalid".
std::string_view problem_key(Problem problem);
// What it means, for the user, without the count, e.g. "record of impossible size; reading
// stopped".
std::string_view problem_text(Problem problem);

}  // namespace fgread
