#include "tools/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace fgread::tools {

namespace {

Error cannot_create(const std::string& path) {
    return {ErrorKind::io, fmt::format("{}: cannot be written: {}", path, std::strerror(errno))};
}

// Written directly: pipes and devices, and names of descriptors. The latter are links to whatever
// was opened: a rename would put our file in place of /dev/stderr.
bool is_special(const std::string& path) {
    for (const char* prefix : {"/dev/fd/", "/dev/stderr", "/proc/"}) {
        if (path.starts_with(prefix)) return true;
    }
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

// The file that `path` leads to, if it exists, so that a rename does not replace a link.
std::string without_links(const std::string& path) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::canonical(path, error);
    return error ? path : target.string();
}

// That of the file to be replaced, else what a new file would get: 0666 less the umask, which
// mkstemp does not look at.
mode_t mode_for(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) return info.st_mode & 0777;
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

constexpr std::array deadly_signals = {SIGHUP, SIGINT, SIGTERM};

// The unfinished file, for the signal handler; empty if there is none.
std::array<char, PATH_MAX> unfinished{};

extern "C" void remove_unfinished_and_die(int number) {
    if (unfinished[0] != '\0') unlink(unfinished.data());
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void clean_up_after_signals(const std::string& path) {
    if (path.size() >= unfinished.size()) return;
    std::memcpy(unfinished.data(), path.c_str(), path.size() + 1);
    for (const int number : deadly_signals) {
        // nohup and shells without job control ignore some of them for us: let them.
        if (std::signal(number, remove_unfinished_and_die) == SIG_IGN) {
            std::signal(number, SIG_IGN);
        }
    }
}

void forget_unfinished() { unfinished[0] = '\0'; }

// Holds back the signals while it lives. One that comes between the making of a file and the
// handler that removes it would leave the file behind.
class SignalsHeldBack {
public:
    SignalsHeldBack() {
        sigset_t held;
        sigemptyset(&held);
        for (const int number : deadly_signals) sigaddset(&held, number);
        pthread_sigmask(SIG_BLOCK, &held, &before_);
    }
    SignalsHeldBack(const SignalsHeldBack&) = delete;
    SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
    ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
    if (path.empty() || path == "-" || path == "/dev/stdout") {
        return OutputFile(STDOUT_FILENO, "standard output", "");
    }
    if (is_special(path)) {
        const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd < 0) return cannot_create(path);
        return OutputFile(fd, path, "");
    }
    const std::string target = without_links(path);
    std::string temporary = target + ".XXXXXX";
    const SignalsHeldBack held_back;
    const int fd = mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) return cannot_create(path);
    clean_up_after_signals(temporary);
    OutputFile file(fd, target, std::move(temporary));
    if (fchmod(fd, mode_for(target)) != 0) return cannot_create(path);
    return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      error_(other.error_),
      reader_gone_(other.reader_gone_) {}

OutputFile::~OutputFile() {
    if (fd_ >= 0 && fd_ != STDOUT_FILENO) close(fd_);
    if (temporary_.empty()) return;
    unlink(temporary_.c_str());
    forget_unfinished();
}

bool OutputFile::write(std::string_view text) {
    while (!text.empty() && error_ == 0) {
        const ssize_t written = ::write(fd_, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EPIPE) {
            reader_gone_ = true;
            error_ = errno;
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    return error_ == 0;
}

Error OutputFile::failure() const {
    return {ErrorKind::io, fmt::format("{}: write failed: {}", path_, std::strerror(error_))};
}

Result<void> OutputFile::commit() {
    if (error_ != 0) return failure();
    if (fd_ == STDOUT_FILENO) return {};
    if (close(std::exchange(fd_, -1)) != 0) {
        error_ = errno;
        return failure();
    }
    if (temporary_.empty()) return {};
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot_create(path_);
    forget_unfinished();
    temporary_.clear();
    return {};
}

}  // namespace fgread::tools
