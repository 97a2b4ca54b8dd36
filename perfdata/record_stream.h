// RecordStream: StreamBatches read ahead by a thread of their own, so that reading and unpacking
// cost no time as long as the workers need more. Of what is small, starting a thread would take
// most of the time: it starts once the stream turns out to be longer.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "perfdata/stream_batches.h"

namespace fgread {

class RecordStream {
public:
    explicit RecordStream(StreamBatches batches);
    // Does not wait for the rest of the stream.
    ~RecordStream();
    RecordStream(const RecordStream&) = delete;
    RecordStream& operator=(const RecordStream&) = delete;

    // Waits for the next batch; nothing at the end: then blocks() says why it ended. For one
    // thread.
    std::optional<StreamBatch> next();
    // Only after next() gave nothing.
    [[nodiscard]] const RecordBlocks& blocks() const { return batches_.blocks(); }

private:
    void work();
    std::optional<StreamBatch> read_here();

    StreamBatches batches_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<StreamBatch> ready_;  // at most one batch is read ahead: batches are large
    bool at_end_ = false;
    bool cancelled_ = false;
    std::thread thread_;  // none yet: next() reads
};

}  // namespace fgread
