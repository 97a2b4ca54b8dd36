#include "perfdata/record_stream.h"

#include <utility>

namespace fgread {

namespace {

// Starting a thread takes as long as reading this.
constexpr std::uint64_t min_read_ahead = std::uint64_t{64} << 10;

}  // namespace

RecordStream::RecordStream(StreamBatches batches) : batches_(std::move(batches)) {}

RecordStream::~RecordStream() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    batches_.blocks().source().cancel();
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void RecordStream::work() {
    while (true) {
        auto batch = batches_.next();
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !ready_ || cancelled_; });
        at_end_ = !batch;
        ready_ = std::move(batch);
        changed_.notify_all();
        if (at_end_ || cancelled_) return;
    }
}

std::optional<StreamBatch> RecordStream::read_here() {
    if (at_end_) return std::nullopt;
    auto batch = batches_.next();
    at_end_ = !batch;
    if (batch && batch->input_bytes >= min_read_ahead) thread_ = std::thread([this] { work(); });
    return batch;
}

std::optional<StreamBatch> RecordStream::next() {
    if (!thread_.joinable()) return read_here();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_ || at_end_; });
    std::optional<StreamBatch> batch = std::exchange(ready_, std::nullopt);
    changed_.notify_all();
    return batch;
}

}  // namespace fgread
