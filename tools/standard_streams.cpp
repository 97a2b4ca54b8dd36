#include "tools/standard_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "collapse/frame_names.h"

namespace fgread::tools {

namespace {

constexpr std::string_view warning = "warning:";

// https://no-color.org: set to anything but nothing.
bool wants_colors() {
    const char* refused = std::getenv("NO_COLOR");
    if (refused != nullptr && *refused != '\0') return false;
    const char* terminal = std::getenv("TERM");
    const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    return !dumb && isatty(STDERR_FILENO) == 1;
}

}  // namespace

void prepare_standard_streams() {
    std::signal(SIGPIPE, SIG_IGN);  // write() says EPIPE instead
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
    }
}

void say(const char* tool, const std::string& text) {
    static const bool colors = wants_colors();
    std::string shown = escape_control_bytes(text);
    if (colors && shown.starts_with(warning)) {
        shown.replace(0, warning.size(), "\033[1;33m" + std::string(warning) + "\033[0m");
    }
    const std::string_view before = colors ? "\033[1m" : "";
    const std::string_view after = colors ? "\033[0m" : "";
    const std::string line = fmt::format("{}{}:{} {}\n", before, tool, after, shown);
    std::fputs(line.c_str(), stderr);
}

}  // namespace fgread::tools
