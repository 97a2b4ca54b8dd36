#include "tools/record_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "tools/fold_messages.h"
#include "tools/output_file.h"
#include "tools/perf_event_choice.h"
#include "tools/picture_arguments.h"
#include "tools/recorder.h"
#include "tools/scratch_directory.h"
#include "tools/standard_streams.h"
#include "tools/subprocess.h"

namespace fgread::tools {

namespace {

using std::chrono::milliseconds;

constexpr double megabyte = 1e6;
// From this share of stacks cut by the size of their copies on, say so.
constexpr double notable_share = 0.02;

double seconds(milliseconds time) { return std::chrono::duration<double>(time).count(); }

double megabytes_of(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error ? 0 : static_cast<double>(size) / megabyte;
}

std::string canonical(const std::string& path) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::canonical(path, error);
    return error ? path : found.string();
}

class Session {
public:
    explicit Session(RecordSession& session) : session_(session), plan_(session.plan) {}

    bool run() {
        if (!check_programs() || !choose() || !find_main_module()) return false;
        // Before the recording: who has waited for it should not learn then of a missing directory.
        Result<OutputFile> output = OutputFile::create(session_.output);
        if (!output) return fail(output.error().message);
        Result<ScratchDirectory> scratch = ScratchDirectory::create();
        if (!scratch) return fail(scratch.error().message);
        return record(*scratch) && write(*scratch, *output);
    }

private:
    void say(const std::string& text) const { tools::say(session_.tool, text); }
    void note(const std::string& text) const {
        if (!session_.quiet) say(text);
    }
    [[nodiscard]] bool fail(const std::string& text) const {
        say(text);
        return false;
    }

    bool check_programs() {
        if (find_program(plan_.perf).empty()) {
            if (plan_.perf != "perf") return fail(plan_.perf + ": there is no such program");
            return fail("perf is not installed: " +
                        perf_package_remedy(file_text("/etc/os-release")));
        }
        if (plan_.command.empty()) return true;
        const std::string& name = plan_.command.front();
        // Another directory: perf looks there.
        if (!session_.directory.empty() || !find_program(name).empty()) return true;
        if (name.find('/') == std::string::npos && !find_program("./" + name).empty()) {
            return fail(fmt::format("{0}: command not found; did you mean ./{0}?", name));
        }
        return fail(name + ": command not found, or not executable");
    }

    bool choose() {
        session_.fold.time = plan_.time;
        if (plan_.time != TimeKind::recorded) {
            plan_.event = "cpu-clock";
            const Result<void> allowed = check_off_cpu(plan_.all_cpus);
            return allowed || fail(allowed.error().message);
        }
        if (!plan_.event.empty()) return true;
        const Result<EventChoice> choice = choose_event(plan_.all_cpus);
        if (!choice) return fail(choice.error().message);
        plan_.event = choice->event;
        if (!choice->note.empty()) note(choice->note);
        return true;
    }

    // The program whose debug information its user can do something about.
    bool find_main_module() {
        if (!plan_.command.empty()) main_module_ = canonical(find_program(plan_.command.front()));
        if (plan_.pids.empty()) return true;
        std::string rest = plan_.pids;
        while (!rest.empty()) {
            const std::string pid = rest.substr(0, rest.find(','));
            rest.erase(0, pid.size() + 1);
            if (access(("/proc/" + pid).c_str(), F_OK) != 0) {
                return fail(fmt::format("there is no process {}", pid));
            }
            std::error_code error;
            const auto link = std::filesystem::read_symlink("/proc/" + pid + "/exe", error);
            if (!error) main_module_ = link.string();
        }
        return true;
    }

    std::string what() const {
        if (plan_.time == TimeKind::off_cpu) return "whenever a thread leaves the CPU";
        return fmt::format(
            "{}, {} Hz{}", plan_.event, plan_.frequency,
            plan_.time == TimeKind::wall ? ", and whenever a thread leaves the CPU" : "");
    }

    std::string subject() const {
        if (!plan_.command.empty()) return command_line(plan_.command);
        return plan_.all_cpus ? "all processors" : "process " + plan_.pids;
    }

    void show_progress(milliseconds time) const {
        fmt::print(stderr, "\r\x1b[K{}: {:.0f} s, {:.0f} MB", session_.tool, seconds(time),
                   megabytes_of(data_));
        std::fflush(stderr);
    }

    bool record(const ScratchDirectory& scratch) {
        // perf may run in another directory.
        data_ = std::filesystem::absolute(session_.keep.empty() ? scratch.file("perf.data")
                                                                : session_.keep)
                    .string();
        const std::string end = session_.duration > milliseconds(0)
                                    ? fmt::format("for {:g} s", seconds(session_.duration))
                                    : "until it ends or Ctrl-C";
        note(fmt::format(
            "recording {} {} ({}, {} bytes of each stack)", subject(),
            plan_.all_cpus && session_.duration == milliseconds(0) ? "until Ctrl-C" : end, what(),
            plan_.stack_size));
        const bool alone = plan_.command.empty();  // nobody else writes to the terminal
        Command command{
            perf_arguments(plan_, data_), session_.environment, session_.directory, {}, {}};
        RecorderOptions options;
        options.duration = session_.duration;
        if (alone) {
            command.output_file = command.error_file = scratch.file("messages");
        }
        const bool progress = alone && !session_.quiet && isatty(STDERR_FILENO) == 1;
        if (progress) options.progress = [this](milliseconds time) { show_progress(time); };
        const Result<RecorderRun> run = run_recorder(command, options);
        if (progress) std::fputs("\r\x1b[K", stderr);
        if (!run) return fail(run.error().message);
        run_ = *run;
        const std::string status = run_.stopped ? "" : status_text(run_.wait_status);
        if (!has_data()) return explain_failure(scratch);
        if (!status.empty() && alone) return explain_failure(scratch);
        if (!status.empty()) note("the command ended with " + status);
        note(fmt::format("recorded {:.1f} s, {:.1f} MB; folding", seconds(run_.time),
                         megabytes_of(data_)));
        return true;
    }

    // perf leaves a file with nothing but a header where it could not start.
    [[nodiscard]] bool has_data() const {
        constexpr std::uintmax_t header_size = 104;
        std::error_code error;
        const auto size = std::filesystem::file_size(data_, error);
        return !error && size > header_size;
    }

    // What perf says when it has nobody beside it: with a command, it is run again without that.
    bool explain_failure(const ScratchDirectory& scratch) const {
        const std::string messages = scratch.file("messages");
        if (!plan_.command.empty()) {
            const Result<int> again =
                tools::run({diagnosing_arguments(plan_, scratch.file("diagnosis")),
                            {},
                            {},
                            messages,
                            messages});
            if (again && *again == 0) return fail("perf ended without a recording");
        }
        const std::string text = file_text(messages);
        const std::string remedy = failure_remedy(text, plan_);
        if (remedy.empty() || plan_.command.empty()) {
            for (const std::string& line : gist_of(text)) say("perf: " + line);
        }
        const std::string status = status_text(run_.wait_status);
        return fail(remedy.empty() ? "perf could not record: " + status : remedy);
    }

    bool write(ScratchDirectory& scratch, OutputFile& output) {
        std::string path = data_;
        if (session_.keep.empty()) {
            const Result<std::string> opened = scratch.keep_open_only("perf.data");
            if (!opened) return fail(opened.error().message);
            path = *opened;
        }
        session_.fold.module_detail = ModuleDetail::always;
        Picture picture;
        const Result<FoldStats> stats =
            fold_recording(path, session_.fold, [&](const FoldedProfile& folded) {
                picture = write_profile(folded, session_.format, session_.picture,
                                        [&](std::string_view text) { return output.write(text); });
            });
        if (!stats) return fail(stats.error().message);
        if (stats->samples == 0) return no_samples();
        if (output.reader_gone()) return true;
        const Result<void> committed = output.commit();
        if (!committed) return fail(committed.error().message);
        if (!session_.quiet) tell(*stats, picture);
        if (session_.open) open_output();
        return true;
    }

    // Not waited for: it may be the browser itself, until it is closed.
    void open_output() const {
        if (find_program("xdg-open").empty()) {
            return say("--open wants xdg-open (package xdg-utils); open " + session_.output +
                       " with a browser");
        }
        const Result<pid_t> started = start({{"xdg-open", session_.output}, {}, {}, {}, {}});
        if (!started) say(started.error().message);
    }

    bool no_samples() const {
        if (!session_.keep.empty()) note("kept " + session_.keep);
        if (plan_.time == TimeKind::off_cpu) {
            return fail(
                "no samples: none of its threads left the CPU while it was recorded (one that "
                "waits all the time does not leave it either), so nothing was written");
        }
        return fail(
            "no samples: it used no processor time while it was recorded (too short, or it only "
            "waited), so nothing was written");
    }

    void tell(const FoldStats& stats, const Picture& picture) const {
        const std::string binaries = binaries_hint(data_, false);
        for (const std::string& warning : warnings(stats, binaries)) say("warning: " + warning);
        for (const std::string& hint : hints(stats)) say(hint);
        say(summary(stats));
        const std::string left = left_out(picture);
        if (!left.empty()) say(left);
        if (!session_.keep.empty()) say("kept " + session_.keep);
        say("wrote " + session_.output);
    }

    [[nodiscard]] std::vector<std::string> hints(const FoldStats& stats) const {
        std::vector<std::string> out;
        const auto cut = stats.stop_reasons[static_cast<std::size_t>(StopReason::truncated)];
        const double share = static_cast<double>(cut) / static_cast<double>(stats.samples);
        if (share > notable_share && plan_.stack_size < max_stack_size) {
            out.push_back(fmt::format(
                "{:.0f} % of the stacks are deeper than the {} bytes copied of each: try "
                "--stack-size {}",
                100 * share, plan_.stack_size, max_stack_size));
        }
        for (const ModuleStats& module : stats.modules) {
            if (module.path != main_module_ || module.debug_info) continue;
            out.push_back(fmt::format(
                "{}: has no debug information, so inlined functions are missing: compile it with "
                "-g (C, C++, also with -O2), or debug = 1 in [profile.release] of Cargo.toml "
                "(Rust; cargo fgrecord does that by itself)",
                module.path));
        }
        return out;
    }

    RecordSession& session_;
    RecordPlan& plan_;
    std::string main_module_;  // as recorded; empty: unknown
    std::string data_;
    RecorderRun run_;
};

}  // namespace

bool record_and_write(RecordSession session) { return Session(session).run(); }

}  // namespace fgread::tools
