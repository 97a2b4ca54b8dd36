// MapFiles: where the files lie in which programs name code they made themselves, and whether
// they may be believed: /tmp/perf-PID.map (perf_map.h) and jit-PID.dump (jitdump.h).
//
// Anybody can make a file in /tmp, and pids are reused. So what lies there is used only if
//   - the recording is from this machine and this boot: by its features (host, kernel release,
//     architecture), and its file is not older than the boot;
//   - it is a regular file, not a link, that belongs to root, to this user, to the owner of the
//     recording, or to the owner of the process if that still runs.
// What the user names (--perf-map-dir, --symfs) serves any recording, and its owner is no matter.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "perfdata/address_space.h"
#include "symbols/file_finder.h"
#include "symbols/regular_file.h"

namespace fgread {

enum class MapFileState : std::uint8_t {
    found,
    missing,
    not_owned,    // belongs to somebody else, or is a link
    not_regular,  // FIFO, device, directory
    unreadable,
    too_large,
    replaced,  // not the file that was mapped: another inode
};
// Why such a file was not used, for the user; empty for found and missing.
[[nodiscard]] std::string_view map_file_reason(MapFileState state);

struct MapFile {
    MapFileState state = MapFileState::missing;
    std::string path;  // of what was found, used or not
    OwnedBytes content;
};

// Immutable; safe for any number of threads.
class MapFiles {
public:
    explicit MapFiles(const FileFinder& finder);  // which must outlive this

    // perf-PID.map of the recorded `pid`, looked for in --perf-map-dir, /tmp under --symfs, the
    // /tmp of the process's own root by the pid it has in its namespace (while it runs: that is
    // how one in a container is found), and /tmp. A handful of opens.
    [[nodiscard]] MapFile perf_map(Pid pid, std::size_t max_size) const;

    // The jitdump `image` that `pid` mapped: by its base name in --perf-map-dir, by its path under
    // --symfs, under the process's root, and on this machine.
    [[nodiscard]] MapFile jitdump(const Image& image, Pid pid, std::size_t max_size) const;

private:
    // A process of this machine that was there when the recording ended.
    struct Living {
        std::string root;            // "/proc/PID/root"
        std::int32_t inner_pid = 0;  // in its own pid namespace
        uid_t owner = 0;
    };
    [[nodiscard]] std::optional<Living> living(Pid pid) const;
    struct Place {
        std::string root, path;
        bool named_by_user = false;
    };
    [[nodiscard]] MapFile read(const Place& place, const Image* image,
                               const std::optional<Living>& process, std::size_t max_size) const;
    [[nodiscard]] bool is_trusted(uid_t owner, const std::optional<Living>& process) const;

    const FileFinder& finder_;
    bool local_ = false;  // this machine, this boot
};

}  // namespace fgread
