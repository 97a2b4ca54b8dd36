// Recording: the samples of a file of truth_recorder, one by one, with what the judges need.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "perfdata/reader.h"

namespace truth {

// Valid during the call it is handed to.
struct Sample {
    const fgread::SampleView& view;
    fgread::EventTime when;
    const fgread::AddressSpace& space;
    std::uint64_t file_offset = 0;
    std::vector<std::uint64_t> user_chain;  // the kernel's, leaf first, without context markers
};

class Recording {
public:
    static fgread::Result<Recording> open(const std::string& path);

    // Calls `judge` with each sample that has user registers and a stack, in file order, and
    // `end_chunk` after those of each chunk: what their views see is still there.
    fgread::Result<void> for_each_sample(
        const std::function<void(const Sample&)>& judge,
        const std::function<void()>& end_chunk = [] {}) const;

    [[nodiscard]] const fgread::PerfFile& file() const { return file_; }
    [[nodiscard]] const fgread::MappingTable& mappings() const {
        return scan_.processes.mappings();
    }
    // Deepest chain the kernel was asked to record.
    [[nodiscard]] std::size_t max_stack() const;
    [[nodiscard]] std::uint64_t lost_events() const { return scan_.lost.total(); }

private:
    Recording(fgread::PerfFile file, fgread::Scan scan)
        : file_(std::move(file)), scan_(std::move(scan)) {}

    fgread::PerfFile file_;
    fgread::Scan scan_;
};

}  // namespace truth
