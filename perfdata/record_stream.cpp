#include "perfdata/record_stream.h"

#include <utility>

namespace fgread {

RecordStream::RecordStream(StreamBatches batches)
    : batches_(std::move(batches)), thread_([this] { work(); }) {}

RecordStream::~RecordStream() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    batches_.blocks().source().cancel();
    changed_.notify_all();
    thread_.join();
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

std::optional<StreamBatch> RecordStream::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_ || at_end_; });
    std::optional<StreamBatch> batch = std::exchange(ready_, std::nullopt);
    changed_.notify_all();
    return batch;
}

}  // namespace fgread
