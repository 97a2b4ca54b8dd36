// Programs that a tool runs: found on PATH, started without a shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "perfdata/result.h"

namespace fgread::tools {

// What to run, and how.
struct Command {
    std::vector<std::string> arguments;  // the first is the program, looked for on PATH
    std::vector<std::pair<std::string, std::string>> environment;  // added to ours
    std::string directory;                                         // empty: ours
    std::string output_file;  // where its stdout goes; empty: to ours
    std::string error_file;   // where its stderr goes; empty: to ours
};

// The file that `name` runs: itself if it has a slash, else the first executable file on PATH.
// Empty if there is none.
std::string find_program(const std::string& name);

// Starts it and returns at once. No signal is blocked in it,
// and SIGPIPE ends it, as programs expect.
Result<pid_t> start(const Command& command);

// Starts it and waits for its end: the status of waitpid(2).
Result<int> run(const Command& command);

// "exit status 3", "signal 11 (Segmentation fault)"; empty if it ended with status 0.
std::string status_text(int wait_status);

// What a small file holds, for the messages of programs; empty if it cannot be read.
std::string file_text(const std::string& path);

// As a line for people: words with blanks and the like in single quotes.
std::string command_line(const std::vector<std::string>& arguments);

}  // namespace fgread::tools
