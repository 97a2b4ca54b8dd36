#include "tools/slice_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "tools/output_file.h"

namespace fgread::tools {

namespace {

// As perf script prints times; whole, where a double would round.
std::string seconds(std::uint64_t ns) {
    return fmt::format("{}.{:09}", ns / 1'000'000'000, ns % 1'000'000'000);
}

// So many that a listing by name is one by time.
std::size_t digits_of(std::size_t count) {
    constexpr std::size_t least = 3;
    return std::max(least, std::to_string(count).size());
}

}  // namespace

SliceOutput::SliceOutput(std::string directory, OutputFormat format, PictureOptions picture)
    : directory_(std::move(directory)),
      format_(format),
      picture_(std::move(picture)),
      list_("file\tfrom_s\tto_s\tsamples\tweight\n") {}

Result<SliceOutput> SliceOutput::create(const std::string& directory, OutputFormat format,
                                        const PictureOptions& picture) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error || !std::filesystem::is_directory(directory, error)) {
        return Error{ErrorKind::io, directory + ": cannot be made: " +
                                        (error ? error.message() : "it is not a directory")};
    }
    return SliceOutput(directory, format, picture);
}

std::string SliceOutput::name_of(const TimeSlice& slice) const {
    return fmt::format("slice-{:0{}}{}", slice.number, digits_of(slice.count),
                       format_ending(format_));
}

Result<void> SliceOutput::write_file(const FoldedProfile& folded, const std::string& path) const {
    Result<OutputFile> file = OutputFile::create(path);
    if (!file) return file.error();
    PictureOptions options = picture_;
    options.subtitle =
        fmt::format("slice {} of {}: {} s to {} s", folded.slice.number, folded.slice.count,
                    seconds(folded.slice.from), seconds(folded.slice.to));
    write_profile(folded, format_, options,
                  [&](std::string_view text) { return file->write(text); });
    return file->commit();
}

void SliceOutput::write(const FoldedProfile& folded) {
    if (error_) return;
    const std::string name = name_of(folded.slice);
    if (const Result<void> written = write_file(folded, directory_ + "/" + name); !written) {
        error_ = written.error();
        return;
    }
    ++count_;
    std::uint64_t samples = 0;
    std::uint64_t weight = 0;
    for (const StackWeight& one : folded.profile.weights) {
        if (!folded.weights.events[one.event]) continue;
        samples += one.samples;
        weight += folded.weights.by_samples ? one.samples : one.period;
    }
    list_ += fmt::format("{}\t{}\t{}\t{}\t{}\n", name, seconds(folded.slice.from),
                         seconds(folded.slice.to), samples, weight);
}

Result<void> SliceOutput::commit() {
    if (error_) return *error_;
    Result<OutputFile> file = OutputFile::create(directory_ + "/slices.tsv");
    if (!file) return file.error();
    file->write(list_);
    return file->commit();
}

}  // namespace fgread::tools
