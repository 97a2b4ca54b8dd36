// A directory of its own for a test, removed at its end.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace fgread::test {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "fgread-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] std::string path(const std::string& name = {}) const {
        return name.empty() ? path_ : path_ + "/" + name;
    }
    // Writes a file, making its directories; returns its path.
    std::string write(const std::string& name, const std::vector<std::byte>& content) const {
        const std::filesystem::path file = path(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out(file, std::ios::binary);
        for (const std::byte byte : content) out.put(std::to_integer<char>(byte));
        return file.string();
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::vector<std::byte> content;
        for (const char c : text) content.push_back(std::byte(c));
        return write(name, content);
    }

private:
    std::string path_;
};

}  // namespace fgread::test
