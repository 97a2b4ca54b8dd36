// JitCode: which perf maps and jitdumps name the JIT code of a process.
//
// A process is named by its own files first, then, for what it had before the fork, by those of the
// process it was forked from. A jitdump knows times and so comes before a perf map, which does not.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/process_table.h"
#include "symbols/jitdump.h"
#include "symbols/map_files.h"
#include "symbols/perf_map.h"
#include "unwind/module_provider.h"

namespace fgread {

// The files of one process. Immutable, lives as long as its JitCode.
class JitProcess {
public:
    struct Dumped {
        const JitDump* dump = nullptr;
        JitDump::Placed placed;
    };
    // What a jitdump has at `address` at `when`. `span` is cut down to where and when that holds,
    // also if it is nothing.
    [[nodiscard]] std::optional<Dumped> find_dumped(Avma address, EventTime when,
                                                    CodeSpan& span) const;

    struct Mapped {
        const PerfMap* map = nullptr;
        PerfMap::Match match;
    };
    [[nodiscard]] std::optional<Mapped> name_in_map(Avma address) const;
    [[nodiscard]] bool has_map() const { return !maps_.empty(); }
    // Of the first map; empty if there is none.
    [[nodiscard]] const std::string& map_path() const { return map_path_; }

private:
    friend class JitCode;
    struct Dump {
        const JitDump* dump = nullptr;
        EventTime until;  // of a parent's dump: when this process was forked
    };
    std::vector<const PerfMap*> maps_;  // own first
    std::vector<Dump> dumps_;           // own first
    std::string map_path_;
};

// Thread-safe.
class JitCode {
public:
    // All must outlive this. `monotonic`: see ModuleCache::use_processes.
    JitCode(const ProcessTable& processes, const FileFinder& finder, bool monotonic);

    // The files of the process whose space this is, read on the first call; null if there are none,
    // or the space is not a process's.
    const JitProcess* process_of(const AddressSpace& space);

    // Where a dump was read from.
    [[nodiscard]] std::string path_of(const JitDump& dump) const;
    // Files that were not used, lines and records skipped; the first by name.
    [[nodiscard]] Diagnostics diagnostics() const;

private:
    struct NamedMap {
        PerfMap map;
        std::string path;
    };
    // What follows expects the lock.
    const JitProcess* load(ProcessId id);
    const NamedMap* map_of(Pid pid);
    const JitDump* dump_of(ImageId image, Pid pid);
    void refuse(const std::string& path, std::string_view reason);
    void count_malformed(std::uint64_t count, const std::string& path);

    const ProcessTable& processes_;
    const MapFiles files_;
    const std::string architecture_;  // of the recording; empty if unknown
    const bool monotonic_;

    mutable std::mutex mutex_;
    std::unordered_map<std::uint32_t, const JitProcess*> loaded_;  // by ProcessId
    std::deque<JitProcess> with_files_;
    std::map<std::int32_t, std::unique_ptr<NamedMap>> maps_;   // by pid; null: none
    std::map<std::uint32_t, std::unique_ptr<JitDump>> dumps_;  // by ImageId; null: not usable
    std::map<const JitDump*, std::string> dump_paths_;
    std::map<std::string, std::string> refused_;      // path -> reason
    std::map<std::string, std::uint64_t> malformed_;  // by path
    std::set<std::string> timeless_;                  // dumps used without their times
};

}  // namespace fgread
