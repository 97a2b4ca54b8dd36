#include "tools/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

namespace fgread::tools {

namespace {

constexpr mode_t private_file = 0600;

bool is_program(const std::string& path) {
    struct stat info {};
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           access(path.c_str(), X_OK) == 0;
}

// The pieces of posix_spawn(3) that have to be freed.
class SpawnSetup {
public:
    explicit SpawnSetup(const Command& command) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawnattr_init(&attributes_);
        redirect(STDOUT_FILENO, command.output_file);
        redirect(STDERR_FILENO, command.error_file);
        if (!command.directory.empty()) {
            posix_spawn_file_actions_addchdir_np(&actions_, command.directory.c_str());
        }
        sigset_t signals;
        sigemptyset(&signals);
        posix_spawnattr_setsigmask(&attributes_, &signals);
        sigaddset(&signals, SIGPIPE);  // our tools ignore it
        posix_spawnattr_setsigdefault(&attributes_, &signals);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    void redirect(int fd, const std::string& path) {
        if (path.empty()) return;
        posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         private_file);
    }

    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

// Our variables without those that `command` sets, then these.
std::vector<std::string> environment_of(const Command& command) {
    std::vector<std::string> out;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        bool replaced = false;
        for (const auto& [name, value] : command.environment) {
            replaced |= text.starts_with(name + "=");
        }
        if (!replaced) out.emplace_back(text);
    }
    for (const auto& [name, value] : command.environment) out.push_back(name + "=" + value);
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

}  // namespace

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
    const char* variable = std::getenv("PATH");
    std::string_view rest = variable == nullptr ? "/usr/bin:/bin" : variable;
    while (!name.empty()) {
        const std::size_t end = rest.find(':');
        const std::string directory(rest.substr(0, end));
        std::string path = (directory.empty() ? "." : directory) + "/" + name;
        if (is_program(path)) return path;
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return {};
}

Result<pid_t> start(const Command& command) {
    const std::string program = find_program(command.arguments.front());
    if (program.empty()) {
        return Error{ErrorKind::io, command.arguments.front() + ": there is no such program"};
    }
    const SpawnSetup setup(command);
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_of(command);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, program.c_str(), setup.actions(), setup.attributes(),
                                  pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        return Error{ErrorKind::io,
                     fmt::format("{}: cannot be run: {}", program, std::strerror(error))};
    }
    return pid;
}

Result<int> run(const Command& command) {
    const Result<pid_t> pid = start(command);
    if (!pid) return pid.error();
    int status = 0;
    while (waitpid(*pid, &status, 0) < 0) {
        if (errno == EINTR) continue;
        return Error{ErrorKind::io, fmt::format("{}: cannot be waited for: {}",
                                                command.arguments.front(), std::strerror(errno))};
    }
    return status;
}

std::string status_text(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        const int number = WTERMSIG(wait_status);
        return fmt::format("signal {} ({})", number, strsignal(number));
    }
    const int status = WEXITSTATUS(wait_status);
    return status == 0 ? "" : fmt::format("exit status {}", status);
}

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string command_line(const std::vector<std::string>& arguments) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    std::string out;
    for (const std::string& argument : arguments) {
        if (!out.empty()) out += ' ';
        if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos) {
            out += argument;
            continue;
        }
        out += '\'';
        for (const char letter : argument) out += letter == '\'' ? "'\\''" : std::string(1, letter);
        out += '\'';
    }
    return out;
}

}  // namespace fgread::tools
