// How long walking alone takes: no counting, no names, no completing of cut stacks. On one thread:
//     walking RECORDING
// Once with the dumps in the processor's cache, once over the whole file. What is compiled, opened
// and found on the way is there already: the first walk of either is not counted.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collapse/chain_parts.h"
#include "collapse/fold.h"
#include "perfdata/format.h"
#include "perfdata/mapped_file.h"
#include "perfdata/reader.h"
#include "symbols/module_cache.h"
#include "unwind/architecture.h"
#include "unwind/frame_table.h"
#include "unwind/walker.h"

namespace {

using namespace fgread;

constexpr std::uint64_t slice_bytes = 16 << 20;
constexpr std::size_t prefetched_bytes = 4096, prefetched_at_once = 1024;  // as in SampleWorker
constexpr int slice_passes = 101, file_passes = 7;

struct Frames {
    std::uint64_t looked_up = 0;
    std::uint64_t shared = 0;  // with the sample before: WalkResult::shared
    [[nodiscard]] std::uint64_t all() const { return looked_up + shared; }
};

// Walks samples as SampleWorker does, and keeps nothing but how many frames there were.
class Walking {
public:
    Walking(const PerfFile& file, const ProcessTable& processes, ModuleProvider& modules)
        : processes_(processes),
          machine_(recorded_machine(file.features().arch, file.features().elf_machine)),
          walker_(modules, {}, &numbers_) {}

    void forget_trails() { trails_ = {}; }

    void walk(const PerfFile& file, const Chunk& chunk, ByteView bytes) {
        RecordCursor cursor = file.records(chunk, bytes);
        while (const std::optional<RecordView> record = cursor.next()) {
            walker_.prefetch(cursor.ahead(prefetched_bytes), prefetched_at_once);
            if (record->type == format::record_sample) walk_sample(file, *record);
        }
    }

    [[nodiscard]] Frames take_frames() { return std::exchange(frames_, {}); }

private:
    void walk_sample(const PerfFile& file, const RecordView& record) {
        const std::optional<std::size_t> attr = file.attr_of_sample(record);
        const std::optional<SampleView> sample =
            attr ? file.layout(*attr).decode(record) : std::nullopt;
        if (!sample) return;
        WalkTrail& trail = trails_[static_cast<std::uint32_t>(sample->tid.value) % trails_.size()];
        if (sample->user_regs.abi == 0 || is_guest(record.cpu_mode())) return trail.clear();
        const EventTime when = file.event_time(record);
        const ProcessAt process = processes_.process_at(sample->pid, when);
        const RegisterFile registers = registers_from_sample(machine_, sample->user_regs);
        const StackMemory stack = stack_from_sample(machine_, registers, sample->user_stack);
        const WalkResult walked =
            walker_.walk(*process.user, when, registers, stack, walked_, &trail);
        frames_.looked_up += walked_.size();
        frames_.shared += walked.shared;
    }

    const ProcessTable& processes_;
    RecordedMachine machine_;
    FrameTable numbers_;  // of frames: SampleWorker has them from the walker
    StackWalker walker_;
    std::vector<WalkedFrame> walked_;
    std::array<WalkTrail, 64> trails_;
    Frames frames_;
};

using Clock = std::chrono::steady_clock;

double ns_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

Error lost_pages(const std::string& path) {
    return {ErrorKind::io, path + ": compressed, a pipe, or it has changed"};
}

void say(std::string_view what, std::vector<double> times, const Frames& frames) {
    std::sort(times.begin(), times.end());
    const auto per_frame = [&](double time) { return time / static_cast<double>(frames.all()); };
    fmt::print("{:<28} {:7.1f} {:7.1f}   of {} frames, {} ({:.1f} %) shared\n", what,
               per_frame(times.front()), per_frame(times[times.size() / 2]), frames.all(),
               frames.shared,
               100.0 * static_cast<double>(frames.shared) / static_cast<double>(frames.all()));
}

struct Piece {
    Chunk chunk;
    std::vector<std::byte> memory;
};

// The first chunks of the recording, copied to memory.
Result<std::vector<Piece>> read_slice(const PerfFile& file, const Scan& scan) {
    std::vector<Piece> slice;
    std::uint64_t size = 0;
    for (const Chunk& chunk : scan.chunks) {
        size += chunk.size;
        if (size > slice_bytes) break;
        slice.push_back({chunk, {}});
        const Result<ByteView> bytes = file.read_chunk(chunk, slice.back().memory);
        if (!bytes) return bytes.error();
    }
    return slice;
}

void time_slice(const PerfFile& file, const std::vector<Piece>& slice, Walking& walking) {
    Frames frames;
    std::vector<double> times;
    for (int pass = 0; pass <= slice_passes; ++pass) {
        walking.forget_trails();
        const auto begin = Clock::now();
        for (const Piece& piece : slice) walking.walk(file, piece.chunk, piece.memory);
        times.push_back(ns_since(begin));
        frames = walking.take_frames();
    }
    say("a slice, first time", {times.front()}, frames);
    times.erase(times.begin());
    say("a slice, in the cache", times, frames);
}

// Opens the file anew: the pages that its scan maps are given back behind the one that reads.
Result<void> time_file(const std::string& path, Walking& walking) {
    Frames frames;
    std::vector<double> hopping, all;
    for (int pass = 0; pass <= file_passes; ++pass) {
        walking.forget_trails();
        Diagnostics diagnostics;
        const auto begin = Clock::now();
        const Result<PerfFile> file = PerfFile::open(path, diagnostics);
        if (!file) return file.error();
        const Result<Scan> scan = file->scan(diagnostics);
        if (!scan) return scan.error();
        hopping.push_back(ns_since(begin));
        for (const Chunk& chunk : scan->chunks) {
            const auto bytes = file->mapped_chunk(chunk);
            if (bytes) walking.walk(*file, chunk, *bytes);
            if (!bytes || !file->leave_mapped_chunk(chunk)) return lost_pages(path);
        }
        all.push_back(ns_since(begin));
        frames = walking.take_frames();
    }
    say("the file, first time", {all.front()}, frames);
    all.erase(all.begin());
    hopping.erase(hopping.begin());
    say("the file", all, frames);
    say("  its first pass alone", hopping, frames);
    return {};
}

Result<void> time_recording(const std::string& path) {
    Diagnostics diagnostics;
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    const Result<Scan> scan = file->scan(diagnostics);
    if (!scan) return scan.error();
    const Result<std::vector<Piece>> slice = read_slice(*file, *scan);
    if (!slice) return slice.error();
    ModuleCache modules(scan->processes.mappings(), module_sources(*file, "", ""));
    modules.use_processes(scan->processes, has_monotonic_clock(*file));
    Walking walking(*file, scan->processes, modules);
    fmt::print("ns per frame                 minimum  median\n");
    time_slice(*file, *slice, walking);
    return time_file(path, walking);
}

}  // namespace

int main(int argc, char** argv) {
    MappedFile::catch_lost_pages();
    if (argc != 2) {
        fmt::print(stderr, "usage: walking RECORDING\n");
        return 2;
    }
    const Result<void> timed = time_recording(argv[1]);
    if (timed) return 0;
    fmt::print(stderr, "walking: {}\n", timed.error().message);
    return 1;
}
