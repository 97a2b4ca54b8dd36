// OutputFile: where a tool's result goes: standard output, or a file that appears only when whole.
#pragma once

#include <string>
#include <string_view>

#include "perfdata/result.h"

namespace fgread::tools {

// A result for "-o FILE" is written beside it and renamed by commit(), so that a failure or Ctrl-C
// leaves no partial file and an old one stays as it was. A link is followed, an old file's mode
// kept. Pipes and devices are written directly.
//
// One at a time is cleaned up after a signal: commit one before creating the next.
class OutputFile {
public:
    // An empty path, "-" or /dev/stdout is standard output.
    static Result<OutputFile> create(const std::string& path);

    // False once nothing more can be written; failure() says why.
    bool write(std::string_view text);
    // Flushes and puts the file in place.
    Result<void> commit();

    // The reader of our pipe has gone: not an error, the tool ends quietly.
    [[nodiscard]] bool reader_gone() const { return reader_gone_; }

    ~OutputFile();
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;
    OutputFile(const OutputFile&) = delete;

private:
    OutputFile(int fd, std::string path, std::string temporary)
        : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)) {}
    Error failure() const;

    int fd_;
    std::string path_;       // for messages; "standard output"
    std::string temporary_;  // empty if written directly
    int error_ = 0;
    bool reader_gone_ = false;
};

}  // namespace fgread::tools
