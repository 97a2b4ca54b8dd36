// Coverage: how much of a recording's records was there to be read.
//
// A recorder that is killed leaves data.size 0 and no features; a copy that was cut lacks its end.
// Bytes are those of the file as recorded: compressed records count as they stand there, a file
// that was packed as a whole (gzip, xz, zstd) by what it unpacks to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace fgread {

struct Coverage {
    bool closed = true;     // false: the recorder was killed; what it did not write, nobody knows
    bool end_known = true;  // false: so, or a pipe, which does not say how long it was to be
    bool lost_features = false;  // they stand at the end: build-ids, host, command line
    bool stopped = false;        // reading ended before the records did: see Diagnostics
    // Where reading ended: of the first part that ended early, else of the recording's main file.
    std::uint64_t read_end = 0;
    std::uint64_t read_bytes = 0;  // of whole records
    // In the file behind them: the beginning of a record, or what follows damage. Nothing: a pipe
    // that was not read on.
    std::optional<std::uint64_t> unread_bytes = 0;
    std::uint64_t missing_bytes = 0;  // of records that the header promises and the file lacks

    [[nodiscard]] bool is_whole() const { return closed && !stopped && missing_bytes == 0; }

    // Of a part that stands in [begin, end) of its file and was read up to `stop`; `early`: because
    // reading had to stop there.
    void add_part(std::uint64_t begin, std::uint64_t stop, std::uint64_t end, bool early) {
        if (read_bytes == 0 || (early && !stopped)) read_end = stop;
        stopped = stopped || early;
        read_bytes += stop - begin;
        if (unread_bytes) *unread_bytes += end - std::min(stop, end);
    }
};

}  // namespace fgread
