#include "symbols/map_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string_view>
#include <vector>

#include "symbols/boot_time.h"

namespace fgread {
namespace {

constexpr std::size_t max_status_file = std::size_t{1} << 20;
constexpr std::uint64_t second_ns = 1'000'000'000;

std::string text_of(const std::string& path) {
    std::string text;
    if (const auto content = read_whole_file(path, max_status_file)) {
        for (const std::byte byte : content->view()) text += static_cast<char>(byte);
    }
    return text;
}

std::uint64_t number_in(std::string_view text) {
    const std::size_t first = std::min(text.find_first_of("0123456789"), text.size());
    std::uint64_t value = 0;
    std::from_chars(text.data() + first, text.data() + text.size(), value);
    return value;
}

// "NSpid:\t30248\t7": the pid in each namespace, the innermost last.
std::int32_t innermost_pid(const std::string& status) {
    const std::size_t at = status.find("\nNSpid:");
    if (at == std::string::npos) return 0;
    const std::string line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
    return static_cast<std::int32_t>(number_in(line.substr(line.find_last_of("\t "))));
}

// Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses.
std::uint64_t started_at_ns(const std::string& stat) {
    constexpr int fields_after_name = 20;
    std::size_t at = stat.rfind(')');
    for (int i = 0; i < fields_after_name && at != std::string::npos; ++i) {
        at = stat.find(' ', at + 1);
    }
    const long ticks = ::sysconf(_SC_CLK_TCK);
    if (at == std::string::npos || ticks <= 0) return 0;
    const std::uint64_t start = number_in(std::string_view(stat).substr(at));
    return booted_at_ns() + start * (second_ns / static_cast<std::uint64_t>(ticks));
}

std::string base_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

std::string_view map_file_reason(MapFileState state) {
    switch (state) {
        case MapFileState::found:
        case MapFileState::missing:
            return {};
        case MapFileState::not_owned:
            return "it is a link, or belongs neither to root nor to you nor to the process";
        case MapFileState::not_regular:
            return "it is not a regular file";
        case MapFileState::unreadable:
            return "it cannot be read";
        case MapFileState::too_large:
            return "it is too large";
        case MapFileState::replaced:
            return "it is not the file that the process mapped";
    }
    return {};
}

MapFiles::MapFiles(const FileFinder& finder) : finder_(finder) {
    const std::uint64_t recorded_at = finder.sources().recorded_at_ns;
    // Pids start anew with every boot: a recording from before has nothing to do with today's /tmp.
    const bool this_boot = recorded_at == 0 || recorded_at >= booted_at_ns();
    local_ = finder.recording_is_local() && this_boot;
}

std::optional<MapFiles::Living> MapFiles::living(Pid pid) const {
    if (!local_ || pid.value <= 0) return std::nullopt;
    const std::string directory = "/proc/" + std::to_string(pid.value);
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) return std::nullopt;
    const std::uint64_t recorded_at = finder_.sources().recorded_at_ns;
    if (recorded_at != 0 && started_at_ns(text_of(directory + "/stat")) > recorded_at) {
        return std::nullopt;  // the pid was reused since
    }
    Living process{directory + "/root", innermost_pid(text_of(directory + "/status")),
                   status.st_uid};
    return process;
}

bool MapFiles::is_trusted(uid_t owner, const std::optional<Living>& process) const {
    const std::optional<std::uint32_t> recorder = finder_.sources().recording_owner;
    return owner == 0 || owner == ::geteuid() || (recorder && owner == *recorder) ||
           (process && owner == process->owner);
}

MapFile MapFiles::read(const Place& place, const Image* image, const std::optional<Living>& process,
                       std::size_t max_size) const {
    MapFile found;
    const auto fail = [&](MapFileState state) {
        found.state = state;
        return std::move(found);
    };
    OpenFailure failure{};
    const auto file = RegularFile::open(place.path, place.root, failure);
    if (!file && failure == OpenFailure::missing) return found;
    found.path = place.root + place.path;
    if (!file) {
        return fail(failure == OpenFailure::not_regular ? MapFileState::not_regular
                                                        : MapFileState::unreadable);
    }
    struct stat opened {};
    if (::fstat(file->descriptor(), &opened) != 0) return fail(MapFileState::unreadable);
    if (!place.named_by_user) {
        // Whoever may write to /tmp could have a link point to any file of ours.
        struct stat named {};
        const bool linked = ::lstat(found.path.c_str(), &named) != 0 ||
                            named.st_ino != opened.st_ino || named.st_dev != opened.st_dev;
        if (linked || !is_trusted(opened.st_uid, process)) return fail(MapFileState::not_owned);
        const bool other = image != nullptr && image->has_inode && image->inode != 0 &&
                           image->inode != opened.st_ino;
        if (other) return fail(MapFileState::replaced);
    }
    if (file->size() > max_size) return fail(MapFileState::too_large);
    found.content = OwnedBytes(static_cast<std::size_t>(file->size()));
    if (!file->read_at(0, found.content.writable())) return fail(MapFileState::unreadable);
    found.state = MapFileState::found;
    return found;
}

MapFile MapFiles::perf_map(Pid pid, std::size_t max_size) const {
    const ModuleSources& sources = finder_.sources();
    const auto name = [](std::int32_t number) {
        return "/perf-" + std::to_string(number) + ".map";
    };
    const std::optional<Living> process = living(pid);
    std::vector<Place> places;
    if (!sources.perf_map_directory.empty()) {
        places.push_back({sources.perf_map_directory, name(pid.value), true});
    }
    if (!sources.symfs.empty()) places.push_back({sources.symfs, "/tmp" + name(pid.value), true});
    if (process && process->inner_pid > 0) {
        places.push_back({process->root, "/tmp" + name(process->inner_pid), false});
    }
    if (local_) places.push_back({"", sources.temporary_directory + name(pid.value), false});

    MapFile best;
    for (const Place& place : places) {
        MapFile next = read(place, nullptr, process, max_size);
        if (next.state == MapFileState::found) return next;
        if (best.state == MapFileState::missing) best = std::move(next);
    }
    return best;
}

MapFile MapFiles::jitdump(const Image& image, Pid pid, std::size_t max_size) const {
    const ModuleSources& sources = finder_.sources();
    const std::string path(without_deleted(image.path));
    const std::optional<Living> process = living(pid);
    std::vector<Place> places;
    if (!sources.perf_map_directory.empty()) {
        places.push_back({sources.perf_map_directory, "/" + base_name(path), true});
    }
    if (!sources.symfs.empty()) places.push_back({sources.symfs, path, true});
    if (process) places.push_back({process->root, path, false});
    if (local_) places.push_back({"", path, false});

    MapFile best;
    for (const Place& place : places) {
        MapFile next = read(place, &image, process, max_size);
        if (next.state == MapFileState::found) return next;
        if (best.state == MapFileState::missing) best = std::move(next);
    }
    return best;
}

}  // namespace fgread
