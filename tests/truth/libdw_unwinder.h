// LibdwUnwinder: the stack of a sample as libdw's own unwinder (libdwfl) sees it.
//
// An oracle that shares nothing with fgread but the decoding of records: files are opened, CFI is
// read and evaluated by elfutils.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "recording.h"

struct Dwfl;

namespace truth {

class LibdwUnwinder {
public:
    // The recording must outlive it.
    explicit LibdwUnwinder(const Recording& recording);
    ~LibdwUnwinder();
    LibdwUnwinder(const LibdwUnwinder&) = delete;
    LibdwUnwinder& operator=(const LibdwUnwinder&) = delete;

    // Return addresses as found, leaf first; valid until the next call. The files are those that
    // the sample's process had mapped executable then; what it had unmapped, no recording says.
    const std::vector<std::uint64_t>& pcs(const Sample& sample);
    // Whether libdw finds call-frame information for a pc of the last sample (not its leaf: for the
    // call before it). Without it libdw goes on by rbp, whatever that holds.
    [[nodiscard]] bool has_rule(std::uint64_t pc, bool leaf) const;
    // libdw's word on why the last unwinding ended; empty at the end of the stack.
    [[nodiscard]] const std::string& end() const { return end_; }

private:
    struct Asked;
    struct End {
        void operator()(Dwfl* dwfl) const;
    };
    Dwfl* session_of(const Sample& sample);

    // Each holds the files of a process open.
    static constexpr std::size_t max_sessions = 64;
    const fgread::MappingTable& table_;
    std::unique_ptr<Asked> asked_;
    Dwfl* last_ = nullptr;  // of the last sample
    std::map<std::vector<fgread::MappingId>, std::unique_ptr<Dwfl, End>> sessions_;
    std::string end_;
};

}  // namespace truth
