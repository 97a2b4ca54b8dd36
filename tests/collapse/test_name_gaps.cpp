#include "collapse/name_gaps.h"

#include <doctest/doctest.h>

#include <string>

using namespace fgread;

namespace {

ModuleInfo module(ModuleState state, bool recorded_id = true) {
    ModuleInfo info;
    info.id = {1};
    info.path = "/usr/lib/it's\x1b[31m.so";
    info.state = state;
    if (recorded_id) info.recorded_build_id.bytes = {0xab, 0xcd, 0xef};
    return info;
}

NameGap gap(ModuleState state, bool symbols = false, bool recorded_id = true,
            KernelNames kernel = KernelNames::loaded) {
    return name_gap(module(state, recorded_id), {symbols, false}, kernel);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each state of a module has its reason") {
    CHECK(name_gap(ModuleInfo{}, {}, KernelNames::loaded) == NameGap::unmapped);
    CHECK(gap(ModuleState::missing) == NameGap::file_missing);
    CHECK(gap(ModuleState::mismatch) == NameGap::build_id_differs);
    CHECK(gap(ModuleState::mismatch, false, false) == NameGap::file_changed);
    CHECK(gap(ModuleState::not_regular) == NameGap::not_regular);
    CHECK(gap(ModuleState::unreadable) == NameGap::unreadable);
    CHECK(gap(ModuleState::foreign) == NameGap::foreign);
    CHECK(gap(ModuleState::loaded, false) == NameGap::stripped);
    CHECK(gap(ModuleState::loaded, true) == NameGap::no_symbol);
    CHECK(gap(ModuleState::anonymous) == NameGap::no_map);
    CHECK(gap(ModuleState::kernel) == NameGap::no_symbol);
    CHECK(gap(ModuleState::kernel, false, true, KernelNames::restricted) ==
          NameGap::kernel_restricted);
    CHECK(gap(ModuleState::kernel, false, true, KernelNames::mismatch) == NameGap::kernel_differs);
    CHECK(gap(ModuleState::kernel, false, true, KernelNames::unknown) == NameGap::kernel_unknown);
    CHECK(gap(ModuleState::kernel, false, true, KernelNames::unavailable) ==
          NameGap::kernel_unreadable);
}

TEST_CASE("every reason has words of its own") {
    for (int i = 1; i < static_cast<int>(NameGap::count_); ++i) {
        const auto each = static_cast<NameGap>(i);
        CHECK_FALSE(name_gap_key(each).empty());
        CHECK_FALSE(name_gap_text(each).empty());
        for (int j = 1; j < i; ++j)
            CHECK(name_gap_key(static_cast<NameGap>(j)) != name_gap_key(each));
    }
    CHECK(name_gap_key(NameGap::none).empty());
}

TEST_CASE("each gap has its advice and, where there can be one, its command") {
    const RepeatedCommands commands{{"fgread", "my data"}, {}};
    const ModuleInfo info = module(ModuleState::loaded);
    const auto command = [&](NameGap each) {
        return name_gap_advice(each, info, commands).command;
    };
    const std::string servers = "fgread 'my data' --debuginfod=https://debuginfod.elfutils.org";
    CHECK(command(NameGap::stripped) == servers);
    CHECK(command(NameGap::build_id_differs) == servers);
    CHECK(command(NameGap::file_missing) == servers);
    CHECK(command(NameGap::kernel_restricted) ==
          "sudo sysctl kernel.kptr_restrict=0 && fgread 'my data'");
    CHECK(command(NameGap::kernel_differs) == "fgread 'my data' --kallsyms=FILE");
    CHECK(command(NameGap::kernel_unknown) == "fgread 'my data' --kallsyms=/proc/kallsyms");
    CHECK(command(NameGap::no_map) == "fgread 'my data' --perf-map-dir=DIR");
    CHECK(has(name_gap_advice(NameGap::no_map, info, commands).text, "node --perf-basic-prof"));
    CHECK(name_gap_advice(NameGap::unmapped, info, commands).empty());
    CHECK(name_gap_advice(NameGap::no_symbol, info, commands).empty());
    for (int i = 1; i < static_cast<int>(NameGap::count_); ++i) {
        const Advice advice = name_gap_advice(static_cast<NameGap>(i), info, commands);
        CHECK(advice.text.empty() == advice.command.empty());
        CHECK_FALSE(has(advice.text + advice.command, "\x1b"));
        CHECK_FALSE(has(advice.command, "\n"));
    }
}

TEST_CASE("servers of distributions are not asked for what they cannot have, nor twice") {
    ModuleInfo info = module(ModuleState::loaded);
    const RepeatedCommands commands{{"fgread"}, {}};
    info.path = "/home/me/prog";
    CHECK(name_gap_advice(NameGap::stripped, info, commands).command == "fgread --debug-dir=DIR");
    CHECK(name_gap_advice(NameGap::file_missing, info, commands).command == "fgread --symfs=DIR");
    info.path = "/usr/local/bin/prog";
    CHECK(debug_info_advice(info, commands).command == "fgread --debug-dir=DIR");
    info.path = "/usr/bin/prog";
    CHECK(has(debug_info_advice(info, commands).command, "--debuginfod="));
    const RepeatedCommands asked{{"fgread", "--debuginfod"}, {}};
    CHECK(debug_info_advice(info, asked).command == "fgread --debuginfod --debug-dir=DIR");
    info.recorded_build_id = info.file_build_id = {};
    CHECK(debug_info_advice(info, commands).command == "fgread --debug-dir=DIR");
    CHECK(name_gap_advice(NameGap::file_changed, info, commands).command == "fgread --symfs=DIR");
}

TEST_CASE("a path in a command can act on neither terminal nor shell") {
    const Advice advice = name_gap_advice(NameGap::unreadable, module(ModuleState::unreadable), {});
    CHECK(has(advice.command, "file $'/usr/lib/it\\'s\\x1b[31m.so'; ls -l "));
}
