#include "perfdata/diagnostics.h"

namespace fgread {
namespace {

struct ProblemWords {
    Problem problem;
    bool damage;  // part of the input was lost: the tool's exit status tells
    std::string_view key;
    std::string_view text;
};

constexpr ProblemWords words[] = {
    {Problem::file_truncated, true, "file_truncated",
     "the file is shorter than its header says; everything before the end was read"},
    {Problem::file_not_finalised, true, "file_not_finalised",
     "the recording was not closed (recorder killed?); read up to the end of the file, without "
     "header features"},
    {Problem::record_size_invalid, true, "record_size_invalid",
     "record of impossible size; reading stopped there"},
    {Problem::stream_cut, true, "stream_cut",
     "the stream ends inside a record; everything before it was read"},
    {Problem::stream_garbage, true, "stream_garbage",
     "text in the place of a record (perf's own messages, with stderr joined to stdout?); reading "
     "stopped there"},
    {Problem::compression_damaged, true, "compression_damaged",
     "compressed data that cannot be unpacked; everything before it was read"},
    {Problem::record_too_small, true, "record_too_small", "record too small for its type; skipped"},
    {Problem::record_unknown_type, false, "record_unknown_type", "record of unknown type; skipped"},
    {Problem::record_unknown_id, true, "record_unknown_id",
     "sample whose id belongs to no event of the header; skipped"},
    {Problem::sample_malformed, true, "sample_malformed",
     "sample whose contents run past its end; skipped"},
    {Problem::feature_malformed, false, "feature_malformed",
     "header feature that could not be read; treated as absent"},
    {Problem::late_record, false, "late_record",
     "record further out of order than its round allows; delivered late"},
    {Problem::deferred_chain_missing, false, "deferred_chain_missing",
     "sample whose user stack was to be recorded later, and was not (its thread ended, the record "
     "was lost, or the recording stopped); shown without it"},
    {Problem::map_limit, false, "map_limit",
     "more mappings in one process than are kept; the rest ignored"},
    {Problem::module_missing, false, "module_missing", "binary not found"},
    {Problem::module_mismatch, false, "module_mismatch",
     "binary found, but its build-id is not the recorded one; not used"},
    {Problem::module_not_regular, false, "module_not_regular",
     "path of a binary is not a regular file; not opened"},
    {Problem::module_unreadable, false, "module_unreadable", "binary that cannot be read as ELF"},
    {Problem::module_foreign, false, "module_foreign",
     "recorded on another machine without a build-id; the local file of that name is not used"},
    {Problem::cfi_malformed, false, "cfi_malformed",
     "malformed unwind entry (CIE or FDE); skipped"},
    {Problem::symbol_malformed, false, "symbol_malformed",
     "malformed symbol or symbol table; skipped"},
    {Problem::name_too_long, false, "name_too_long", "name too long to demangle; kept as it is"},
    {Problem::kallsyms_restricted, false, "kallsyms_restricted",
     "/proc/kallsyms shows no addresses to this user (kernel.kptr_restrict)"},
    {Problem::kallsyms_mismatch, false, "kallsyms_mismatch",
     "the running kernel is not the recorded one; its symbols are not used"},
    {Problem::kernel_unknown, false, "kernel_unknown",
     "the recording does not say which kernel it was; the running one's symbols are not used"},
    {Problem::debug_info_malformed, false, "debug_info_malformed",
     "malformed debug information (section, unit, range list or line table); skipped"},
    {Problem::archive_damaged, false, "archive_damaged",
     "archive that is cut or damaged, or has a member of unreasonable size; what precedes was "
     "used"},
    {Problem::archive_unused, false, "archive_unused",
     "archive without a binary of this recording's build-ids"},
    {Problem::debuginfod_failed, false, "debuginfod_failed",
     "file that no debuginfod server delivered: not reached, too slow, or too large"},
    {Problem::split_debug_missing, false, "split_debug_missing",
     "debug information split off into a .dwo file that is missing or of another build; functions "
     "inlined there are not shown"},
    {Problem::jit_file_refused, false, "jit_file_refused",
     "perf map or jitdump found, but not used"},
    {Problem::jit_file_malformed, false, "jit_file_malformed",
     "malformed line of a perf map or record of a jitdump; skipped"},
    {Problem::jitdump_clock, false, "jitdump_clock",
     "jitdump used without its times: the recording was not made with perf record -k mono"},
    {Problem::debug_info_too_large, false, "debug_info_too_large",
     "binary whose debug information does not fit in half of --max-memory; its inlined functions "
     "and "
     "lines are not shown"},
};

static_assert(sizeof words / sizeof words[0] == problem_count, "a Problem without words");

constexpr bool in_order() {
    for (std::size_t i = 0; i < problem_count; ++i) {
        if (static_cast<std::size_t>(words[i].problem) != i) return false;
    }
    return true;
}
static_assert(in_order(), "the table is indexed by Problem");

const ProblemWords* words_of(Problem problem) {
    const auto index = static_cast<std::size_t>(problem);
    return index < problem_count ? &words[index] : nullptr;
}

}  // namespace

void Diagnostics::add(Problem problem, std::uint64_t offset, std::string_view detail) {
    ProblemEntry& entry = entries_.at(static_cast<std::size_t>(problem));
    if (entry.count++ == 0) {
        entry.first_offset = offset;
        entry.first_detail = detail;
    }
}

const ProblemEntry& Diagnostics::operator[](Problem problem) const {
    return entries_.at(static_cast<std::size_t>(problem));
}

void Diagnostics::merge(const Diagnostics& other) {
    for (std::size_t i = 0; i < problem_count; ++i) {
        ProblemEntry& mine = entries_[i];
        const ProblemEntry& theirs = other.entries_[i];
        if (theirs.count == 0) continue;
        // Ties by detail, so that problems without an offset do not depend on the order of merging.
        const bool earlier = theirs.first_offset != mine.first_offset
                                 ? theirs.first_offset < mine.first_offset
                                 : theirs.first_detail < mine.first_detail;
        if (mine.count == 0 || earlier) {
            mine.first_offset = theirs.first_offset;
            mine.first_detail = theirs.first_detail;
        }
        mine.count += theirs.count;
    }
}

bool Diagnostics::input_damaged() const {
    for (const ProblemWords& word : words) {
        if (word.damage && (*this)[word.problem].count != 0) return true;
    }
    return false;
}

std::string_view problem_key(Problem problem) {
    const ProblemWords* word = words_of(problem);
    return word ? word->key : std::string_view("unknown");
}

std::string_view problem_text(Problem problem) {
    const ProblemWords* word = words_of(problem);
    return word ? word->text : std::string_view("unknown problem");
}

}  // namespace fgread
