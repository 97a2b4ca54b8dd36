// LibdwUnwinder: the stack of a sample as libdw's own unwinder (libdwfl) sees it.
//
// An oracle that shares nothing with fgread but the decoding of records: files are opened, CFI is
// read and evaluated by elfutils.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "recording.h"

namespace truth {

class LibdwUnwinder {
public:
    // Reports every file that the recording maps executable; the recording must be of one process
    // that unmaps nothing.
    explicit LibdwUnwinder(const Recording& recording);
    ~LibdwUnwinder();
    LibdwUnwinder(const LibdwUnwinder&) = delete;
    LibdwUnwinder& operator=(const LibdwUnwinder&) = delete;

    // Empty, or why nothing can be unwound.
    [[nodiscard]] const std::string& problem() const { return problem_; }

    // Return addresses as found, leaf first; valid until the next call.
    const std::vector<std::uint64_t>& pcs(const Sample& sample);
    // libdw's word on why the last unwinding ended; empty at the end of the stack.
    [[nodiscard]] const std::string& end() const { return end_; }

private:
    struct State;
    std::unique_ptr<State> state_;
    std::string problem_, end_;
};

}  // namespace truth
