// truth_recorder: records a command with both call chains in every sample: the kernel's own
// frame-pointer chain, and the registers and stack bytes from which DWARF unwinding starts.
//
// `perf record` cannot do that: --call-graph dwarf sets exclude_callchain_user. The kernel can.
// The file is an ordinary perf.data, readable by perf script and by fgread.
//
//   truth_recorder -o FILE [-F HZ] [--stack BYTES] [--max-stack FRAMES] -- COMMAND...
//
// Exit status: 0 recorded; 77 the kernel does not let this user record (a skipped test); 1 failed.

#include <linux/perf_event.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "event_rings.h"
#include "perf_data_writer.h"

namespace {

constexpr int exit_skip = 77;
constexpr int exec_failed = 127;
constexpr std::size_t ring_bytes = 8 * 1024 * 1024;  // as root; shrunk to the mlock limit otherwise
constexpr int poll_ms = 20;
// All that asm/perf_regs.h has for 64-bit tasks: not ds, es, fs, gs (bits 12 to 15).
constexpr std::uint64_t user_registers = 0xff0fff;

struct Options {
    std::string output;
    std::uint64_t frequency = 1999;
    std::uint32_t stack_bytes = 16384;
    std::uint16_t max_stack = 127;  // the default limit of kernel.perf_event_max_stack
    std::vector<std::string> command;
};

int usage() {
    std::fputs(
        "usage: truth_recorder -o FILE [-F HZ] [--stack BYTES] [--max-stack FRAMES] -- COMMAND...\n"
        "BYTES: a multiple of 8, at most 65528\n",
        stderr);
    return 2;
}

bool parse(int argc, char** argv, Options& options) {
    int i = 1;
    for (; i < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
        const std::string name = argv[i];
        if (i + 1 >= argc) return false;
        const char* value = argv[i + 1];
        const unsigned long number = std::strtoul(value, nullptr, 10);
        if (name == "-o") {
            options.output = value;
        } else if (name == "-F" && number > 0) {
            options.frequency = number;
        } else if (name == "--stack" && number > 0 && number <= 65528 && number % 8 == 0) {
            options.stack_bytes = static_cast<std::uint32_t>(number);
        } else if (name == "--max-stack" && number > 0 && number <= 127) {
            options.max_stack = static_cast<std::uint16_t>(number);
        } else {
            return false;
        }
    }
    for (++i; i < argc; ++i) options.command.emplace_back(argv[i]);
    return !options.output.empty() && !options.command.empty();
}

perf_event_attr make_attr(const Options& options) {
    perf_event_attr attr{};
    attr.size = sizeof attr;
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CPU_CLOCK;
    attr.freq = 1;
    attr.sample_freq = options.frequency;
    attr.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
                       PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
                       PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    attr.read_format = PERF_FORMAT_ID;
    attr.sample_regs_user = user_registers;
    attr.sample_stack_user = options.stack_bytes;
    attr.sample_max_stack = options.max_stack;
    attr.disabled = 1;
    attr.enable_on_exec = 1;
    attr.inherit = 1;
    attr.exclude_kernel = 1;  // user pcs only; also what perf_event_paranoid 2 allows
    attr.exclude_hv = 1;
    attr.exclude_callchain_kernel = 1;
    attr.exclude_callchain_user = 0;  // the point of this program
    attr.sample_id_all = 1;
    attr.mmap = 1;
    attr.mmap2 = 1;
    attr.comm = 1;
    attr.comm_exec = 1;
    attr.task = 1;
    attr.watermark = 1;
    attr.wakeup_watermark = 128 * 1024;
    return attr;
}

// A child that waits for a byte on `go`, then becomes the command; the events start with its exec.
pid_t start_child(const Options& options, int go_read, int go_write) {
    const pid_t child = fork();
    if (child != 0) return child;
    close(go_write);
    char byte = 0;
    if (read(go_read, &byte, 1) != 1) _exit(exec_failed);  // the recorder gave up
    std::vector<char*> words;
    for (const std::string& word : options.command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    std::fprintf(stderr, "truth_recorder: %s: %s\n", words[0], std::strerror(errno));
    _exit(exec_failed);
}

int refused(const truth::EventRings& rings, int error) {
    std::fprintf(stderr, "truth_recorder: %s: %s\n", rings.failed_call().c_str(),
                 std::strerror(error));
    const bool not_allowed = error == EACCES || error == EPERM || error == ENOSYS ||
                             error == ENOENT || error == ENODEV || error == EOPNOTSUPP;
    if (!not_allowed) return 1;
    std::fputs(
        "truth_recorder: this kernel does not let this user record; see "
        "/proc/sys/kernel/perf_event_paranoid (2 or less is needed) and the container's seccomp "
        "profile\n",
        stderr);
    return exit_skip;
}

int record(const Options& options, pid_t child, int go) {
    truth::EventRings rings;
    truth::RecordingInfo info;
    info.attr = make_attr(options);
    info.event_name = "cpu-clock:u";
    info.command_line = options.command;
    if (const int error = rings.open(info.attr, child, ring_bytes); error != 0) {
        return refused(rings, error);
    }
    info.ids = rings.ids();
    truth::PerfDataWriter out(options.output, info);
    if (!out.ok()) {
        std::fprintf(stderr, "truth_recorder: %s: %s\n", options.output.c_str(),
                     std::strerror(errno));
        return 1;
    }
    if (write(go, "g", 1) != 1) return 1;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        rings.wait(poll_ms);
        rings.drain(out);
    }
    rings.drain(out);
    if (!out.finish()) {
        std::fprintf(stderr, "truth_recorder: %s: could not be written\n", options.output.c_str());
        return 1;
    }
    if (status == 0) return 0;
    std::fprintf(stderr, "truth_recorder: %s failed (wait status %d)\n", options.command[0].c_str(),
                 status);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) return usage();
    int go[2];
    if (pipe(go) != 0) return 1;
    const pid_t child = start_child(options, go[0], go[1]);
    if (child < 0) return 1;
    close(go[0]);
    const int result = record(options, child, go[1]);
    close(go[1]);  // a child that never got its byte ends here
    waitpid(child, nullptr, 0);
    return result;
}
