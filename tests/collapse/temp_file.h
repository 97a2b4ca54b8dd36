// TempFile: a file of given contents that exists as long as the object.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace fgread::testing {

class TempFile {
public:
    explicit TempFile(const std::vector<std::byte>& bytes) {
        const int fd = mkstemp(path_.data());
        std::FILE* file = fd < 0 ? nullptr : fdopen(fd, "wb");
        if (file == nullptr) return;
        std::fwrite(bytes.data(), 1, bytes.size(), file);
        std::fclose(file);
    }
    ~TempFile() { unlink(path_.c_str()); }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/fgread-collapse-XXXXXX";
};

}  // namespace fgread::testing
