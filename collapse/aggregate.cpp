#include "collapse/aggregate.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "collapse/profile_merger.h"
#include "collapse/sample_worker.h"

namespace fgread {

namespace {

unsigned worker_count(unsigned jobs, std::size_t chunks) {
    const unsigned wanted = jobs != 0 ? jobs : std::max(1u, std::thread::hardware_concurrency());
    return static_cast<unsigned>(std::clamp<std::size_t>(chunks, 1, wanted));
}

// The chunks of one recording, handed out one after the other; the first failure ends it.
class Job {
public:
    Job(std::size_t chunks, ProfileMerger& merger) : chunks_(chunks), merger_(merger) {}

    void work(SampleWorker worker) {
        while (true) {
            const std::size_t chunk = next_.fetch_add(1);
            if (chunk >= chunks_) return;
            Result<ChunkResult> result = worker.run(chunk);
            if (!result) {
                fail(result.error());
                // Later chunks still wait for this one in the merger.
                ChunkResult nothing;
                nothing.chunk = chunk;
                merger_.deliver(std::move(nothing));
                return;
            }
            merger_.deliver(std::move(*result));
        }
    }

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

private:
    void fail(const Error& error) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
    }

    const std::size_t chunks_;
    ProfileMerger& merger_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    std::optional<Error> error_;
};

}  // namespace

Result<Profile> aggregate(const PerfFile& file, const Scan& scan, ModuleProvider& modules,
                          const AggregateOptions& options, Diagnostics& diagnostics) {
    const unsigned workers = worker_count(options.jobs, scan.chunks.size());
    ProfileMerger merger(file.attrs().size(), workers);
    Job job(scan.chunks.size(), merger);
    const auto run = [&](unsigned number) {
        job.work(SampleWorker(number, file, scan, modules, options));
    };
    std::vector<std::thread> threads;
    for (unsigned number = 1; number < workers; ++number) threads.emplace_back(run, number);
    run(0);
    for (std::thread& thread : threads) thread.join();
    if (job.error()) return *job.error();
    return merger.take(diagnostics);
}

}  // namespace fgread
