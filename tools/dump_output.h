// DumpOutput: the text of fgdump on its way to standard output, in large pieces.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "render/append_format.h"
#include "tools/output_file.h"

namespace fgread::tools {

class DumpOutput {
public:
    explicit DumpOutput(OutputFile& file) : file_(file) {}

    // Adds formatted text; nothing once the reader has gone.
    template <class... Args>
    void add(fmt::format_string<Args...> format, Args&&... args) {
        append_format(buffer_, format, std::forward<Args>(args)...);
        if (buffer_.size() >= flush_size) flush();
    }
    void add_text(std::string_view text) {
        buffer_ += text;
        if (buffer_.size() >= flush_size) flush();
    }
    void flush() {
        wanted_ = file_.write(buffer_) && wanted_;
        buffer_.clear();
    }
    // False once nothing more can be written: a long dump may stop.
    [[nodiscard]] bool wanted() const { return wanted_; }

private:
    // A pipe takes 64 KiB at a time.
    static constexpr std::size_t flush_size = 64 * 1024;

    OutputFile& file_;
    std::string buffer_;
    bool wanted_ = true;
};

// `text` of a recording or binary as it may go to a terminal and stand in one line: control bytes
// become "\xNN".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace fgread::tools
