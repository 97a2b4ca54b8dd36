#include "tools/standard_streams.h"

#include <fcntl.h>

#include <csignal>
#include <cstdio>

#include "collapse/frame_names.h"

namespace fgread::tools {

void prepare_standard_streams() {
    std::signal(SIGPIPE, SIG_IGN);  // write() says EPIPE instead
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
    }
}

void say(const char* tool, const std::string& text) {
    const std::string line = std::string(tool) + ": " + escape_control_bytes(text) + "\n";
    std::fputs(line.c_str(), stderr);
}

}  // namespace fgread::tools
