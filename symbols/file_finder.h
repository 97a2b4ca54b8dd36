// FileFinder: which file of this machine, if any, is the binary a recording mapped.
//
// A wrong binary is worse than none: it gives wrong names and wrong stacks. What decides, in this
// order: build-ids where the recording has one; else whether the recording is from this machine
// and the file has not changed since.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address_space.h"
#include "symbols/debug_file.h"
#include "symbols/elf_image.h"
#include "symbols/module_sources.h"

namespace fgread {

// What a recorded path stands for.
enum class PathKind : std::uint8_t {
    file,
    vdso,
    kernel,     // the kernel's text or one of its modules
    anonymous,  // "//anon", "[heap]", "/memfd:...": memory without a file to open
};
[[nodiscard]] PathKind path_kind(const Image& image);

// "/tmp/x (deleted)" is how the kernel shows a file that was unlinked or replaced.
[[nodiscard]] std::string_view without_deleted(std::string_view path);

struct FoundFile {
    ModuleState state = ModuleState::missing;
    std::optional<ElfImage> image;  // if state is loaded
    std::string path;               // of the file found, symfs included; "[vdso]" if from memory
    std::string root;  // `path` lies beneath it as beneath a chroot: symfs or a container's root
    BuildId file_build_id;  // of the file found, even if it is not used
    std::string fault;      // as ModuleInfo's
};

// Immutable; safe for any number of threads.
class FileFinder {
public:
    explicit FileFinder(ModuleSources sources);

    // For an image of kind file or vdso. `users` are processes that may still live and have the
    // file, if it is in their container and not here. Opens a few files and reads their headers.
    [[nodiscard]] FoundFile find(const Image& image, const std::vector<Pid>& users = {}) const;

    // True if the recording was made on this machine, or does not say where.
    [[nodiscard]] bool recording_is_local() const { return local_; }
    [[nodiscard]] const ModuleSources& sources() const { return sources_; }
    // Where the debug file of `file` is looked for.
    [[nodiscard]] DebugDirectories debug_directories(const FoundFile& file) const;

private:
    enum class FileOrigin : std::uint8_t { here, symfs, container };
    // What is known about a file before it is decided whether to use it.
    struct Candidate {
        BuildId build_id;
        std::uint64_t modified_ns = 0;
        bool same_inode = true;
        FileOrigin origin = FileOrigin::here;
    };
    [[nodiscard]] ModuleState judge(const Image& image, const Candidate& file) const;
    [[nodiscard]] FoundFile try_path(const Image& image, const std::string& path,
                                     const std::string& root, FileOrigin origin) const;
    [[nodiscard]] FoundFile find_in_containers(const Image& image, const std::string& path,
                                               const std::vector<Pid>& users) const;
    [[nodiscard]] FoundFile find_archived(const Image& image, const std::string& file) const;
    [[nodiscard]] FoundFile find_fetched(const Image& image) const;
    [[nodiscard]] FoundFile find_vdso(const Image& image) const;
    [[nodiscard]] FoundFile find_cached(const Image& image, const std::string& file) const;

    ModuleSources sources_;
    bool local_ = true;
};

}  // namespace fgread
