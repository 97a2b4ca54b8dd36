// truth_hidden_cfi: how right the frame-pointer rule and the analysis of instructions are. Code
// that has call-frame information is walked with it and with it hidden, and what they find is held
// against the rules' answer.
//
//   truth_hidden_cfi RECORDING [--by code|frame-pointers|both] [--module NAME] [--code hidden]
//                    [--min-judged N]
//
// NAME: only of the module of this file name is the CFI hidden, else of all. With --code hidden its
// code cannot be read either, as a JIT's. Exit status 0: at least 99 % of the frames are right.

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "recording.h"
#include "symbols/module_cache.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"
#include "walk.h"

namespace {

using namespace fgread;

constexpr double pass_precision = 99;  // percent

struct Options {
    WalkLimits limits;
    std::string module;  // the one whose rules are hidden; empty: all
    bool hide_code = false, hide_symbols = false;
    std::uint64_t min_judged = 0, shown_mistakes = 0;
};

// The modules of a recording, some without their rules.
class HidingModules final : public ModuleProvider {
public:
    HidingModules(ModuleCache& modules, const Options& options)
        : modules_(modules), options_(options) {}

    CodeMapping resolve(MappingId mapping) override {
        CodeMapping code = modules_.resolve(mapping);
        if (is_hidden(code.module)) {
            code.table = nullptr;
            code.generated = true;
        }
        return code;
    }
    std::optional<FunctionRange> function_at(ModuleId module, Svma pc) override {
        if (options_.hide_symbols && is_hidden(module)) return std::nullopt;
        return modules_.function_at(module, pc);
    }
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        if (options_.hide_code && is_hidden(module)) return std::nullopt;
        return modules_.read_word(module, svma);
    }
    [[nodiscard]] bool is_hidden(ModuleId module) const {
        if (module.value == 0) return false;
        if (options_.module.empty()) return true;
        const std::string path = modules_.info(module).path;
        return path.substr(path.rfind('/') + 1) == options_.module;
    }

private:
    ModuleCache& modules_;
    const Options& options_;
};

// Where there is no rule, the truth is not known.
constexpr WalkLimits rules_only{.frame_pointers = false, .analyse_code = false};

ModuleSources sources_of(const PerfFile& file) {
    ModuleSources sources;
    sources.hostname = file.features().hostname;
    sources.os_release = file.features().os_release;
    sources.arch = file.features().arch;
    return sources;
}

// Of callers that were found: all, and those whose return address and callee differ.
struct Found {
    std::uint64_t frames = 0, right = 0;
    std::set<std::tuple<ModuleId, std::uint64_t, std::uint64_t>> places, right_places;
};

struct Counts {
    std::uint64_t samples = 0, wanted = 0;
    Found innermost, outer;
};

class Judge {
public:
    Judge(const truth::Recording& recording, const Options& options)
        : options_(options),
          modules_(recording.mappings(), sources_of(recording.file())),
          hiding_(modules_, options_),
          with_rules_(modules_, rules_only),
          without_(hiding_, options_.limits),
          describe_(recording) {}

    void add(const truth::Sample& sample) {
        const RegisterFile registers = x86_64::registers_from_sample(sample.view.user_regs);
        const StackMemory stack({registers[x86_64::rsp]}, sample.view.user_stack);
        with_rules_.walk(sample.space, sample.when, registers, stack, truth_);
        without_.walk(sample.space, sample.when, registers, stack, found_);
        ++counts_.samples;
        compare(sample);
    }
    [[nodiscard]] const Counts& counts() const { return counts_; }

private:
    // Frame by frame up to the first mistake: what stands on it is no mistake of its own.
    void compare(const truth::Sample& sample) {
        for (std::size_t i = 0; i + 1 < truth_.size(); ++i) {
            const bool by_rule = !hiding_.is_hidden(truth_[i].frame.module);
            if (!by_rule) ++counts_.wanted;
            if (i + 1 >= found_.size()) return;
            const WalkedFrame &is = found_[i + 1], &should = truth_[i + 1];
            const bool right = is.pc == should.pc && is.sp == should.sp;
            if (!by_rule) count(i, right);
            if (!right) {
                if (++mistakes_ <= options_.shown_mistakes) show(sample, i);
                return;
            }
        }
    }

    void count(std::size_t at, bool right) {
        Found& found = at == 0 ? counts_.innermost : counts_.outer;
        const Frame& frame = truth_[at].frame;
        const auto place = std::tuple(frame.module, frame.offset, found_[at + 1].pc.value);
        ++found.frames;
        found.places.insert(place);
        if (!right) return;
        ++found.right;
        found.right_places.insert(place);
    }

    void show(const truth::Sample& sample, std::size_t at) const {
        const auto name = [&](const std::vector<WalkedFrame>& frames, std::size_t i) {
            return i < frames.size() ? describe_.describe(sample, frames[i].pc.value)
                                     : std::string("-");
        };
        fmt::print("mistake at record {:#x}, frame {}: the caller of {} is {}, not {}\n",
                   sample.file_offset, at, name(truth_, at), name(truth_, at + 1),
                   name(found_, at + 1));
    }

    const Options& options_;
    ModuleCache modules_;
    HidingModules hiding_;
    StackWalker with_rules_, without_;
    truth::Walk describe_;
    std::vector<WalkedFrame> truth_, found_;
    Counts counts_;
    std::uint64_t mistakes_ = 0;
};

double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

void print(const char* which, const Found& found) {
    fmt::print("  {}: found {}, right {} ({:.2f} %); distinct {}, right {}\n", which, found.frames,
               found.right, percent(found.right, found.frames), found.places.size(),
               found.right_places.size());
}

Options read_options(int argc, char** argv) {
    const auto number = [&](const char* name, const char* otherwise) {
        return std::strtoul(truth::option(argc, argv, name, otherwise).c_str(), nullptr, 10);
    };
    const std::string by = truth::option(argc, argv, "--by", "both");
    Options options;
    options.limits.analyse_code = by != "frame-pointers";
    options.limits.frame_pointers = by != "code";
    options.module = truth::option(argc, argv, "--module", "");
    options.hide_code = truth::option(argc, argv, "--code", "") == "hidden";
    options.hide_symbols = truth::option(argc, argv, "--symbols", "") == "hidden";
    options.min_judged = number("--min-judged", "500");
    options.shown_mistakes = number("--shown", "10");
    return options;
}

int run(int argc, char** argv) {
    auto recording = truth::Recording::open(argv[1]);
    if (!recording) {
        fmt::print("FAILED: {}\n", recording.error().message);
        return 1;
    }
    const Options options = read_options(argc, argv);
    Judge judge(*recording, options);
    const auto done = recording->for_each_sample([&](const auto& sample) { judge.add(sample); });
    if (!done) {
        fmt::print("FAILED: {}\n", done.error().message);
        return 1;
    }
    const Counts& counts = judge.counts();
    const std::uint64_t found = counts.innermost.frames + counts.outer.frames;
    const std::uint64_t right = counts.innermost.right + counts.outer.right;
    const double precision = percent(right, found);
    fmt::print(
        "samples {}, callers of hidden frames {}, found {} ({:.2f} %), right {} ({:.3f} %)\n",
        counts.samples, counts.wanted, found, percent(found, counts.wanted), right, precision);
    print("innermost frames", counts.innermost);
    print("others", counts.outer);
    if (found < options.min_judged) fmt::print("FAILED: too few frames judged\n");
    if (precision < pass_precision) fmt::print("FAILED: too many mistakes\n");
    return found >= options.min_judged && precision >= pass_precision ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr,
                   "usage: truth_hidden_cfi RECORDING [--by WHAT] [--module NAME] [--code hidden] "
                   "[--symbols hidden]\n");
        return 2;
    }
    return run(argc, argv);
}
