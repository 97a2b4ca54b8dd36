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
#include <string>
#include <vector>

#include "recording.h"
#include "symbols/module_cache.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"
#include "walk.h"

namespace {

using namespace fgread;

constexpr double pass_precision = 0.99;
constexpr std::size_t shown_mistakes = 10;

// The modules of a recording, some without their rules.
class HidingModules final : public ModuleProvider {
public:
    HidingModules(ModuleCache& modules, std::string hidden, bool hide_code)
        : modules_(modules), hidden_(std::move(hidden)), hide_code_(hide_code) {}

    CodeMapping resolve(MappingId mapping) override {
        CodeMapping code = modules_.resolve(mapping);
        if (is_hidden(code.module)) {
            code.table = nullptr;
            code.generated = true;
        }
        return code;
    }
    std::optional<FunctionRange> function_at(ModuleId module, Svma pc) override {
        return modules_.function_at(module, pc);
    }
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        if (hide_code_ && is_hidden(module)) return std::nullopt;
        return modules_.read_word(module, svma);
    }
    [[nodiscard]] bool is_hidden(ModuleId module) const {
        if (module.value == 0) return false;
        if (hidden_.empty()) return true;
        const std::string path = modules_.info(module).path;
        return path.substr(path.rfind('/') + 1) == hidden_;
    }

private:
    ModuleCache& modules_;
    std::string hidden_;
    bool hide_code_;
};

ModuleSources sources_of(const PerfFile& file) {
    ModuleSources sources;
    sources.hostname = file.features().hostname;
    sources.os_release = file.features().os_release;
    sources.arch = file.features().arch;
    return sources;
}

struct Counts {
    std::uint64_t samples = 0, wanted = 0, found = 0, right = 0;
};

class Judge {
public:
    Judge(const truth::Recording& recording, const std::string& hidden, bool hide_code,
          WalkLimits limits)
        : modules_(recording.mappings(), sources_of(recording.file())),
          hiding_(modules_, hidden, hide_code),
          with_rules_(modules_),
          without_(hiding_, limits),
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
            if (!by_rule) ++counts_.found;
            if (!by_rule && right) ++counts_.right;
            if (!right) {
                if (++mistakes_ <= shown_mistakes) show(sample, i);
                return;
            }
        }
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

    ModuleCache modules_;
    HidingModules hiding_;
    StackWalker with_rules_, without_;
    truth::Walk describe_;
    std::vector<WalkedFrame> truth_, found_;
    Counts counts_;
    std::uint64_t mistakes_ = 0;
};

int run(int argc, char** argv) {
    auto recording = truth::Recording::open(argv[1]);
    if (!recording) {
        fmt::print("FAILED: {}\n", recording.error().message);
        return 1;
    }
    const std::string by = truth::option(argc, argv, "--by", "both");
    WalkLimits limits;
    limits.analyse_code = by != "frame-pointers";
    limits.frame_pointers = by != "code";
    Judge judge(*recording, truth::option(argc, argv, "--module", ""),
                truth::option(argc, argv, "--code", "") == "hidden", limits);
    const auto done = recording->for_each_sample([&](const auto& sample) { judge.add(sample); });
    if (!done) {
        fmt::print("FAILED: {}\n", done.error().message);
        return 1;
    }
    const Counts& counts = judge.counts();
    const auto share = [](std::uint64_t part, std::uint64_t whole) {
        return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    const double precision = share(counts.right, counts.found);
    fmt::print(
        "samples {}, callers of hidden frames {}, found {} ({:.2f} %), right {} ({:.3f} %)\n",
        counts.samples, counts.wanted, counts.found, 100 * share(counts.found, counts.wanted),
        counts.right, 100 * precision);
    const std::uint64_t min_judged =
        std::strtoul(truth::option(argc, argv, "--min-judged", "500").c_str(), nullptr, 10);
    if (counts.found < min_judged) fmt::print("FAILED: too few frames judged\n");
    if (precision < pass_precision) fmt::print("FAILED: too many mistakes\n");
    return counts.found >= min_judged && precision >= pass_precision ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(
            stderr,
            "usage: truth_hidden_cfi RECORDING [--by WHAT] [--module NAME] [--code hidden]\n");
        return 2;
    }
    return run(argc, argv);
}
