#include "collapse/name_gaps.h"

#include <fmt/format.h>

#include "collapse/frame_names.h"

namespace fgread {
namespace {

struct GapWords {
    NameGap gap;
    std::string_view key;
    std::string_view text;
};

constexpr GapWords words[] = {
    {NameGap::none, "", ""},
    {NameGap::unmapped, "unmapped", "the recording does not say what was mapped there"},
    {NameGap::file_missing, "file_missing", "file not found"},
    {NameGap::build_id_differs, "build_id_differs", "the file is of another build"},
    {NameGap::file_changed, "file_changed", "the file was changed since it was recorded"},
    {NameGap::not_regular, "not_regular", "not a regular file"},
    {NameGap::unreadable, "unreadable", "the file is not readable, or not ELF"},
    {NameGap::foreign, "foreign", "recorded on another machine, without a build-id"},
    {NameGap::stripped, "stripped", "stripped: no symbol table and no debug file"},
    {NameGap::no_symbol, "no_symbol", "its symbols name no function there"},
    {NameGap::no_map, "no_map", "code made at run time, without a map of it"},
    {NameGap::kernel_restricted, "kernel_restricted", "/proc/kallsyms shows only zeros"},
    {NameGap::kernel_differs, "kernel_differs", "the running kernel is not the recorded one"},
    {NameGap::kernel_unreadable, "kernel_unreadable", "the kernel's symbols cannot be read"},
};

static_assert(sizeof words / sizeof words[0] == static_cast<std::size_t>(NameGap::count_));

constexpr bool in_order() {
    for (std::size_t i = 0; i < sizeof words / sizeof words[0]; ++i) {
        if (static_cast<std::size_t>(words[i].gap) != i) return false;
    }
    return true;
}
static_assert(in_order(), "the table is indexed by NameGap");

NameGap kernel_gap(KernelNames names) {
    switch (names) {
        case KernelNames::loaded:
            return NameGap::no_symbol;
        case KernelNames::restricted:
            return NameGap::kernel_restricted;
        case KernelNames::mismatch:
            return NameGap::kernel_differs;
        case KernelNames::unavailable:
            break;
    }
    return NameGap::kernel_unreadable;
}

// For a shell: in quotes that nothing in it can end.
std::string quoted(std::string_view path) {
    std::string out = "'";
    for (const char c : escape_control_bytes(path)) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string wanted_debug_file(const ModuleInfo& module) {
    const BuildId& id =
        module.file_build_id.empty() ? module.recorded_build_id : module.file_build_id;
    if (id.empty()) return "--debug-dir DIR with its debug file";
    return "`fgread --debuginfod=https://debuginfod.elfutils.org`, if it is a distribution's; else "
           "--debug-dir DIR with its debug file";
}

}  // namespace

std::string_view name_gap_key(NameGap gap) { return words[static_cast<std::size_t>(gap)].key; }
std::string_view name_gap_text(NameGap gap) { return words[static_cast<std::size_t>(gap)].text; }

NameGap name_gap(const ModuleInfo& module, const ModuleCache::NameSources& sources,
                 KernelNames kernel) {
    if (module.id.value == 0) return NameGap::unmapped;
    switch (module.state) {
        case ModuleState::generated:
            return NameGap::no_symbol;
        case ModuleState::loaded:
            return sources.symbols ? NameGap::no_symbol : NameGap::stripped;
        case ModuleState::missing:
            return NameGap::file_missing;
        case ModuleState::mismatch:
            return module.recorded_build_id.empty() ? NameGap::file_changed
                                                    : NameGap::build_id_differs;
        case ModuleState::not_regular:
            return NameGap::not_regular;
        case ModuleState::unreadable:
            return NameGap::unreadable;
        case ModuleState::foreign:
            return NameGap::foreign;
        case ModuleState::anonymous:
            return NameGap::no_map;
        case ModuleState::kernel:
            break;
    }
    return kernel_gap(kernel);
}

std::string name_gap_remedy(NameGap gap, const ModuleInfo& module) {
    switch (gap) {
        case NameGap::file_missing:
        case NameGap::foreign:
            return "--symfs DIR with a copy of the recorded machine's files";
        case NameGap::build_id_differs:
            return fmt::format(
                "--symfs DIR with the recorded file, or `perf buildid-cache --add "
                "FILE` with it; its build-id is {}",
                module.recorded_build_id.hex());
        case NameGap::file_changed:
            return "--symfs DIR with the recorded file";
        case NameGap::not_regular:
            return "--symfs DIR with the recorded file";
        case NameGap::unreadable:
            return fmt::format("`file {}` says what it is; `chmod a+r` if it is not readable",
                               quoted(module.file.empty() ? module.path : module.file));
        case NameGap::stripped:
            return wanted_debug_file(module);
        case NameGap::no_map:
            return "run it with its perf map on (node --perf-basic-prof, python -X perf, java "
                   "-XX:+DumpPerfMapAtExit); --perf-map-dir DIR if the map is not in /tmp";
        case NameGap::kernel_restricted:
            return "run as root, or `sysctl kernel.kptr_restrict=0`, or --kallsyms FILE";
        case NameGap::kernel_differs:
        case NameGap::kernel_unreadable:
            return "--kallsyms FILE with /proc/kallsyms of the recorded machine, or --vmlinux FILE";
        case NameGap::none:
        case NameGap::unmapped:
        case NameGap::no_symbol:
        case NameGap::count_:
            break;
    }
    return {};
}

std::string debug_info_remedy(const ModuleInfo& module) {
    return "build it with -g; " + wanted_debug_file(module);
}

}  // namespace fgread
