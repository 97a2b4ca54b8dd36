#include "tools/scratch_directory.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace fgread::tools {

Result<ScratchDirectory> ScratchDirectory::create() {
    const char* chosen = std::getenv("TMPDIR");
    std::string tried;
    for (const char* parent : {chosen, "/var/tmp", "/tmp"}) {
        if (parent == nullptr || *parent == '\0') continue;
        std::string path = std::string(parent) + "/fgrecord-XXXXXX";
        if (mkdtemp(path.data()) != nullptr) return ScratchDirectory(path);
        tried = fmt::format("{}: no directory for the recording can be made there: {}; set TMPDIR",
                            parent, std::strerror(errno));
        if (parent == chosen) break;  // what the user asked for, not somewhere else
    }
    return Error{ErrorKind::io, tried};
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

ScratchDirectory::~ScratchDirectory() { remove(); }

void ScratchDirectory::remove() {
    if (path_.empty()) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    path_.clear();
}

Result<std::string> ScratchDirectory::keep_open_only(const std::string& name) {
    const std::string path = file(name);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return Error{ErrorKind::io,
                     fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
    }
    remove();
    return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace fgread::tools
