#include "collapse/source_report.h"

#include <fmt/format.h>

#include <array>

#include "collapse/name_gaps.h"
#include "perfdata/format.h"

namespace fgread {
namespace {

// What made reading stop, or skipped records.
constexpr std::array stops = {Problem::file_truncated, Problem::record_size_invalid,
                              Problem::stream_cut, Problem::stream_garbage,
                              Problem::compression_damaged};
constexpr std::array skips = {Problem::record_too_small, Problem::record_unknown_id,
                              Problem::sample_malformed};

std::string about_stop(const FoldStats& stats) {
    const Coverage& coverage = stats.coverage;
    if (!coverage.closed) return "never closed, so the recorder was killed or is still recording";
    if (coverage.missing_bytes != 0) {
        const std::uint64_t declared =
            coverage.read_bytes + coverage.unread_bytes.value_or(0) + coverage.missing_bytes;
        return fmt::format("cut: {} of {} bytes of records are not in it", coverage.missing_bytes,
                           declared);
    }
    for (const Problem problem : stops) {
        if (stats.diagnostics[problem].count != 0) return std::string(problem_text(problem));
    }
    return "damaged";
}

// By the bytes that are not there, where the recording says how many there should be.
std::string about_missing_samples(const FoldStats& stats) {
    const Coverage& coverage = stats.coverage;
    const std::uint64_t read = stats.samples + stats.filtered_samples + stats.guest_samples;
    const std::uint64_t lacking = coverage.missing_bytes + coverage.unread_bytes.value_or(0);
    if (!coverage.end_known || lacking == 0 || coverage.read_bytes == 0) {
        return "how many samples are missing, nobody knows";
    }
    const double share = static_cast<double>(lacking) / static_cast<double>(coverage.read_bytes);
    return fmt::format("by their size, some {:.0f} samples are missing",
                       share * static_cast<double>(read));
}

void append_coverage(const FoldStats& stats, std::string& out) {
    const Coverage& coverage = stats.coverage;
    if (!coverage.is_whole()) {
        out += fmt::format("file     {}\n", about_stop(stats));
        out += fmt::format("         read up to byte {}", coverage.read_end);
        if (!coverage.unread_bytes) {
            out += "; what follows there was not looked at";
        } else if (*coverage.unread_bytes != 0) {
            out += fmt::format("; the {} bytes behind it could not be read as records",
                               *coverage.unread_bytes);
        }
        out += fmt::format(
            "\n         {} samples were read, and all that is said here is of them; {}\n",
            stats.samples, about_missing_samples(stats));
    }
    if (coverage.lost_features) {
        out +=
            "file     without its end, where build-ids, host and command stand: binaries were "
            "taken by path, inode and age\n";
    }
    for (const Problem problem : skips) {
        const std::uint64_t count = stats.diagnostics[problem].count;
        if (count == 0) continue;
        out += fmt::format("file     {} {}: {}\n", count, count == 1 ? "time" : "times",
                           problem_text(problem));
    }
}

std::string_view listing_text(KernelSource source) {
    switch (source) {
        case KernelSource::given:
            return "the listing that was given, taken at its word";
        case KernelSource::build_id:
            return "/proc/kallsyms: the running kernel has the recorded build-id";
        case KernelSource::boot:
            return "/proc/kallsyms: recorded here since the machine booted, and the kernel's text "
                   "is where it was";
        case KernelSource::cache:
            return "perf's copy of the listing for the recorded build-id";
        case KernelSource::none:
            break;
    }
    return "no listing";
}

void append_kernel(const FoldStats& stats, std::string& out) {
    const KernelStats& kernel = stats.kernel;
    if (!kernel.sampled) return;
    if (!kernel.file.empty()) {
        out += fmt::format("kernel   names from {}\n", escape_control_bytes(kernel.file));
    } else if (kernel.listing.source != KernelSource::none) {
        out += fmt::format("kernel   names from {}\n", listing_text(kernel.listing.source));
    } else if (kernel.listing.names != KernelNames::loaded) {
        out += fmt::format("kernel   no names: {}\n",
                           name_gap_text(kernel_name_gap(kernel.listing.names)));
    }
}

}  // namespace

std::string source_text(const FoldStats& stats) {
    std::string out;
    append_coverage(stats, out);
    append_kernel(stats, out);
    return out;
}

std::string_view kernel_names_key(KernelNames names) {
    switch (names) {
        case KernelNames::loaded:
            return "loaded";
        case KernelNames::restricted:
            return "restricted";
        case KernelNames::mismatch:
            return "mismatch";
        case KernelNames::unknown:
            return "unknown";
        case KernelNames::unavailable:
            break;
    }
    return "unavailable";
}

std::string_view kernel_source_key(KernelSource source) {
    switch (source) {
        case KernelSource::given:
            return "given";
        case KernelSource::build_id:
            return "build_id";
        case KernelSource::boot:
            return "boot";
        case KernelSource::cache:
            return "cache";
        case KernelSource::none:
            break;
    }
    return "none";
}

}  // namespace fgread
