#include "collapse/aggregate.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "collapse/profile_merger.h"
#include "collapse/sample_worker.h"

namespace fgread {

namespace {

// Looking takes 5 us, a chunk 300.
constexpr std::size_t chunks_per_memory_check = 16;

// Counts what is read. A chunk of a file is as large there; one of a packed recording is not, so
// that such a batch counts as what was read for it, all when its first chunk is done.
class ReadingProgress {
public:
    ReadingProgress(const ProgressObserver& observer, const PerfFile& file, const Scan& scan)
        : by_batch_(scan.input_bytes != 0),
          counter_(observer, ProgressStage::reading,
                   by_batch_ || !file.comes_in_batches() ? file.file_size() : 0) {}

    // No chunk is worked on.
    void begin_batch(const Scan& scan) {
        batch_bytes_ = scan.input_bytes - counted_;
        counted_ = scan.input_bytes;
    }
    void advance(const Chunk& chunk, std::uint64_t samples) {
        counter_.advance(by_batch_ ? batch_bytes_.exchange(0) : chunk.size, samples);
    }

private:
    const bool by_batch_;
    std::uint64_t counted_ = 0;
    std::atomic<std::uint64_t> batch_bytes_ = 0;  // not counted yet
    ProgressCounter counter_;
};

// The chunks of one batch, handed out one after the other; the first failure ends it. `first` is
// the number of its first chunk in the recording.
class Job {
public:
    Job(std::size_t first, const std::vector<Chunk>& chunks, ProfileMerger& merger,
        ReadingProgress& progress, const MemoryLimit& max_memory)
        : first_(first),
          chunks_(chunks),
          merger_(merger),
          progress_(progress),
          max_memory_(max_memory) {}

    void work(SampleWorker& worker) {
        while (true) {
            const std::size_t chunk = next_.fetch_add(1);
            if (chunk >= chunks_.size()) return;
            Result<ChunkResult> result = worker.run(chunk, first_ + chunk);
            if (result && chunk % chunks_per_memory_check == 0) {
                const auto exceeded = max_memory_.exceeded("while reading the samples");
                if (exceeded) result = *exceeded;
            }
            if (!result) {
                fail(result.error());
                // Later chunks still wait for this one in the merger.
                ChunkResult nothing;
                nothing.chunk = first_ + chunk;
                merger_.deliver(std::move(nothing));
                return;
            }
            const std::size_t samples = result->samples.size();
            merger_.deliver(std::move(*result));
            progress_.advance(chunks_[chunk], samples);
        }
    }

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

private:
    void fail(const Error& error) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
    }

    const std::size_t first_;
    const std::vector<Chunk>& chunks_;
    ProfileMerger& merger_;
    ReadingProgress& progress_;
    const MemoryLimit& max_memory_;
    std::atomic<std::size_t> next_ = 0;
    std::mutex mutex_;
    std::optional<Error> error_;
};

void run_job(Job& job, std::vector<SampleWorker>& workers, std::size_t chunks) {
    std::vector<std::thread> threads;
    const std::size_t useful = std::clamp<std::size_t>(chunks, 1, workers.size());
    for (std::size_t i = 1; i < useful; ++i) {
        threads.emplace_back([&job, &worker = workers[i]] { job.work(worker); });
    }
    job.work(workers[0]);
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

unsigned wanted_threads(unsigned jobs) {
    return jobs != 0 ? jobs : std::max(1u, std::thread::hardware_concurrency());
}

Result<Profile> aggregate(const PerfFile& file, Scan& scan, ModuleProvider& modules,
                          const AggregateOptions& options, Diagnostics& diagnostics) {
    const unsigned count = wanted_threads(options.jobs);
    ProfileMerger merger(file.attrs().size(), count);
    StackTables* tables = count == 1 ? &merger.shared_tables() : nullptr;
    ReadingProgress progress(options.progress, file, scan);
    std::vector<SampleWorker> workers;
    std::size_t done = 0;
    do {
        const std::size_t useful = std::clamp<std::size_t>(scan.chunks.size(), 1, count);
        while (workers.size() < useful) {
            const auto number = static_cast<unsigned>(workers.size());
            workers.emplace_back(number, file, scan, modules, options, tables);
            if (options.max_worker_tables != 0) {
                workers.back().limit_tables(options.max_worker_tables / count);
            }
        }
        for (SampleWorker& worker : workers) worker.begin_batch();
        progress.begin_batch(scan);
        Job job(done, scan.chunks, merger, progress, options.max_memory);
        run_job(job, workers, scan.chunks.size());
        if (job.error()) return *job.error();
        done += scan.chunks.size();
    } while (file.next_batch(scan, diagnostics));
    file.leave_all_chunks();
    Profile profile = merger.take(diagnostics);
    profile.events.resize(file.attrs().size());  // some may have no samples
    return profile;
}

}  // namespace fgread
