#include "symbols/file_finder.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "symbols/binary_archive.h"
#include "symbols/build_id_path.h"
#include "symbols/debuginfod.h"
#include "symbols/elf_notes.h"
#include "symbols/vdso.h"

namespace fgread {
namespace {

constexpr std::string_view deleted_suffix = " (deleted)";

// Memory that perf and the kernel give names that look like paths.
constexpr std::array<std::string_view, 7> anonymous_prefixes = {
    "//",  // "//anon", "//deleted", "//toolong"
    "/dev/zero", "/anon_hugepage", "/memfd:", "/SYSV", "anon_inode:", "[",
};

bool same_machine(const ModuleSources& sources) {
    utsname self{};
    if (::uname(&self) != 0) return false;
    const auto agrees = [](const std::string& recorded, const char* here) {
        return recorded.empty() || recorded == here;
    };
    return agrees(sources.hostname, self.nodename) && agrees(sources.os_release, self.release) &&
           agrees(sources.arch, self.machine);
}

ModuleState state_of(OpenFailure failure) {
    switch (failure) {
        case OpenFailure::missing:
            return ModuleState::missing;
        case OpenFailure::not_regular:
            return ModuleState::not_regular;
        case OpenFailure::unreadable:
            break;
    }
    return ModuleState::unreadable;
}

// dev_t of Linux, as user space sees it: 12 bits of major, 20 of minor, interleaved.
std::uint64_t device_number(std::uint64_t major, std::uint64_t minor) {
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~std::uint64_t{0xff}) << 12 |
           (major & ~std::uint64_t{0xfff}) << 32;
}

bool same_inode(const Image& image, const RegularFile& file) {
    if (!image.has_inode || image.inode == 0) return true;
    if (file.identity().inode != image.inode) return false;
    return file.identity().device == device_number(image.device_major, image.device_minor) ||
           file.has_private_device_number();
}

// The more telling one of two failures: a file that is there but wrong says more than none.
FoundFile better_failure(FoundFile first, FoundFile second) {
    return first.state == ModuleState::missing ? std::move(second) : std::move(first);
}

}  // namespace

std::string_view without_deleted(std::string_view path) {
    if (path.ends_with(deleted_suffix)) path.remove_suffix(deleted_suffix.size());
    return path;
}

PathKind path_kind(const Image& image) {
    if (image.mode == CpuMode::kernel || image.mode == CpuMode::guest_kernel ||
        image.mode == CpuMode::hypervisor) {
        return PathKind::kernel;
    }
    if (image.path == "[vdso]" || image.path == "[vdso32]") return PathKind::vdso;
    const bool anonymous =
        std::any_of(anonymous_prefixes.begin(), anonymous_prefixes.end(),
                    [&](std::string_view prefix) { return image.path.starts_with(prefix); });
    return anonymous || image.path.empty() ? PathKind::anonymous : PathKind::file;
}

FileFinder::FileFinder(ModuleSources sources) : sources_(std::move(sources)) {
    local_ = same_machine(sources_);
    if (sources_.build_id_cache.empty()) {
        const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): only read
        if (home != nullptr && home[0] == '/')
            sources_.build_id_cache = std::string(home) + "/.debug";
    }
}

DebugDirectories FileFinder::debug_directories(const FoundFile& file) const {
    return {sources_.debug_directory,
            sources_.build_id_cache,
            file.root.empty() ? sources_.symfs : file.root,
            sources_.debug_directories,
            sources_.archives,
            sources_.debuginfod};
}

// May this file be used? Whoever names a symfs answers for its origin.
ModuleState FileFinder::judge(const Image& image, const Candidate& file) const {
    if (!image.build_id.empty()) {
        return same_build_id(image.build_id, file.build_id) ? ModuleState::loaded
                                                            : ModuleState::mismatch;
    }
    if (file.origin == FileOrigin::symfs) return ModuleState::loaded;
    // A process id may have been given to another process since.
    const bool proven =
        file.origin != FileOrigin::container || (image.has_inode && image.inode != 0);
    const bool newer = sources_.recorded_at_ns != 0 && file.modified_ns > sources_.recorded_at_ns;
    const bool deleted = image.path.ends_with(deleted_suffix);
    return !proven || deleted || newer || !file.same_inode ? ModuleState::mismatch
                                                           : ModuleState::loaded;
}

FoundFile FileFinder::try_path(const Image& image, const std::string& path, const std::string& root,
                               FileOrigin origin) const {
    FoundFile found;
    OpenFailure failure{};
    std::optional<RegularFile> file = RegularFile::open(path, root, failure);
    if (!file) {
        found.state = state_of(failure);
        if (found.state != ModuleState::unreadable) return found;
        found.fault = unreadable_text(errno);
        found.path = root + path;
        return found;
    }
    found.path = root + path;
    found.root = root;
    Candidate candidate{{}, file->identity().modified_ns, same_inode(image, *file), origin};
    std::optional<ElfImage> elf = ElfImage::read(std::move(*file), &found.fault);
    if (!elf) {
        found.state = ModuleState::unreadable;
        return found;
    }
    found.file_build_id = candidate.build_id = elf->build_id();
    found.state = judge(image, candidate);
    if (found.state == ModuleState::loaded) found.image = std::move(elf);
    return found;
}

FoundFile FileFinder::find_vdso(const Image& image) const {
    FoundFile found;
    if (!sources_.symfs.empty()) {
        found = try_path(image, "/" + image.path, sources_.symfs, FileOrigin::symfs);
        if (found.state == ModuleState::loaded) return found;
        found = {};
    }
    if (image.build_id.empty() && !local_) {
        found.state = ModuleState::foreign;
        return found;
    }
    // Of the vdsos of 32-bit tasks there is no copy in a 64-bit process.
    std::optional<ElfImage> own;
    if (image.path == "[vdso]") own = ElfImage::read(copy_own_vdso());
    if (own && (image.build_id.empty() || same_build_id(image.build_id, own->build_id()))) {
        found.state = ModuleState::loaded;
        found.path = image.path;
        found.file_build_id = own->build_id();
        found.image = std::move(own);
        return found;
    }
    return find_cached(image, "vdso");
}

FoundFile FileFinder::find_archived(const Image& image, const std::string& file) const {
    for (const auto& archive : sources_.archives) {
        const BinaryArchive::Member* member = archive->find(image.build_id, file);
        if (member == nullptr) continue;
        std::optional<ElfImage> elf = ElfImage::read(member->content);
        if (!elf || !same_build_id(image.build_id, elf->build_id())) continue;
        FoundFile found;
        found.state = ModuleState::loaded;
        found.path = archive->path() + ": " + member->name;
        found.file_build_id = elf->build_id();
        found.image = std::move(elf);
        return found;
    }
    return {};
}

FoundFile FileFinder::find_fetched(const Image& image) const {
    if (image.build_id.empty() || !sources_.debuginfod) return {};
    const std::optional<std::string> path =
        sources_.debuginfod->fetch(image.build_id, Debuginfod::File::executable);
    return path ? try_path(image, *path, {}, FileOrigin::here) : FoundFile{};
}

FoundFile FileFinder::find_cached(const Image& image, const std::string& file) const {
    if (image.build_id.empty()) return {};
    FoundFile archived = find_archived(image, file);
    if (archived.state == ModuleState::loaded || sources_.build_id_cache.empty()) return archived;
    return try_path(image, build_id_cache_path(sources_.build_id_cache, image.build_id, file), {},
                    FileOrigin::here);
}

// The file as the processes that mapped it see it: they may have another root than we.
FoundFile FileFinder::find_in_containers(const Image& image, const std::string& path,
                                         const std::vector<Pid>& users) const {
    for (const Pid pid : users) {
        const std::string root = "/proc/" + std::to_string(pid.value) + "/root";
        FoundFile found = try_path(image, path, root, FileOrigin::container);
        if (found.state == ModuleState::loaded) return found;
    }
    return {};
}

FoundFile FileFinder::find(const Image& image, const std::vector<Pid>& users) const {
    if (path_kind(image) == PathKind::vdso) return find_vdso(image);
    const std::string path(without_deleted(image.path));
    FoundFile best;
    if (!sources_.symfs.empty()) {
        best = try_path(image, path, sources_.symfs, FileOrigin::symfs);
        if (best.state == ModuleState::loaded) return best;
    }
    // Without a build-id to compare, a foreign recording gives no reason to read a file of this
    // machine, whatever its name; nor does a guest's.
    const bool local = local_ && image.mode != CpuMode::guest_user;
    if (image.build_id.empty() && !local) {
        if (best.state == ModuleState::missing) best.state = ModuleState::foreign;
        return best;
    }
    const auto settled = [&](FoundFile next) {
        const bool loaded = next.state == ModuleState::loaded;
        best = loaded ? std::move(next) : better_failure(std::move(best), std::move(next));
        return loaded;
    };
    if (settled(try_path(image, path, {}, FileOrigin::here))) return best;
    if (local && settled(find_in_containers(image, path, users))) return best;
    if (settled(find_cached(image, "elf"))) return best;
    (void)settled(find_fetched(image));
    return best;
}

}  // namespace fgread
