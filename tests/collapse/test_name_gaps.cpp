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

TEST_CASE("the remedy names the place or the command, and no path can act on a terminal or shell") {
    const ModuleInfo info = module(ModuleState::loaded);
    CHECK(has(name_gap_remedy(NameGap::stripped, info), "--debuginfod=https://"));
    CHECK(has(name_gap_remedy(NameGap::build_id_differs, info), "abcdef"));
    CHECK(has(name_gap_remedy(NameGap::kernel_restricted, info), "kernel.kptr_restrict=0"));
    CHECK(has(name_gap_remedy(NameGap::kernel_differs, info), "--kallsyms"));
    CHECK(has(name_gap_remedy(NameGap::no_map, info), "--perf-basic-prof"));
    CHECK(has(name_gap_remedy(NameGap::file_missing, info), "--symfs"));
    CHECK(name_gap_remedy(NameGap::unmapped, info).empty());
    CHECK(has(name_gap_remedy(NameGap::unreadable, info), "'/usr/lib/it'\\''s\\x1b[31m.so'"));
    CHECK(has(debug_info_remedy(module(ModuleState::loaded, false)), "--debug-dir"));
}
