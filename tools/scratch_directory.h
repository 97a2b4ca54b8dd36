// A directory for files that go when the tool ends.
#pragma once

#include <string>
#include <utility>

#include "perfdata/result.h"

namespace fgread::tools {

// Removed with what is in it by the destructor. Recordings are large: it is made in TMPDIR, else in
// /var/tmp, which unlike /tmp is seldom memory, else in /tmp. Only its owner may enter it.
class ScratchDirectory {
public:
    static Result<ScratchDirectory> create();

    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

    // Opens the file of that name and removes the directory at once, so that not even SIGKILL
    // leaves something behind. The path returned is good until this process ends.
    Result<std::string> keep_open_only(const std::string& name);

    ~ScratchDirectory();
    ScratchDirectory(ScratchDirectory&& other) noexcept;
    ScratchDirectory& operator=(ScratchDirectory&&) = delete;
    ScratchDirectory(const ScratchDirectory&) = delete;

private:
    explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
    void remove();

    std::string path_;  // empty: removed
};

}  // namespace fgread::tools
