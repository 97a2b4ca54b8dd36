#include "collapse/name_gaps.h"

#include <algorithm>
#include <array>

#include "collapse/shell_line.h"

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
    {NameGap::unreadable, "unreadable", "the file cannot be read, or is not ELF"},
    {NameGap::foreign, "foreign", "recorded on another machine, without a build-id"},
    {NameGap::stripped, "stripped", "stripped: no symbol table and no debug file"},
    {NameGap::no_symbol, "no_symbol", "its symbols name no function there"},
    {NameGap::no_map, "no_map", "code made at run time, without a map of it"},
    {NameGap::kernel_restricted, "kernel_restricted", "/proc/kallsyms shows only zeros"},
    {NameGap::kernel_differs, "kernel_differs", "the running kernel is not the recorded one"},
    {NameGap::kernel_unknown, "kernel_unknown", "the recording does not say which kernel it was"},
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

}  // namespace

NameGap kernel_name_gap(KernelNames names) {
    switch (names) {
        case KernelNames::loaded:
            return NameGap::no_symbol;
        case KernelNames::restricted:
            return NameGap::kernel_restricted;
        case KernelNames::mismatch:
            return NameGap::kernel_differs;
        case KernelNames::unknown:
            return NameGap::kernel_unknown;
        case KernelNames::unavailable:
            break;
    }
    return NameGap::kernel_unreadable;
}

namespace {

constexpr const char* debuginfod_url = "https://debuginfod.elfutils.org";

// Where a distribution's packages put their files.
bool is_packaged(std::string_view path) {
    constexpr std::array<std::string_view, 5> directories = {"/usr/", "/lib/", "/lib64/", "/bin/",
                                                             "/sbin/"};
    return !path.starts_with("/usr/local/") &&
           std::any_of(directories.begin(), directories.end(),
                       [&](std::string_view each) { return path.starts_with(each); });
}

// Servers are asked by build-id. Who has asked them knows that they have nothing.
bool may_be_fetched(const ModuleInfo& module, const RepeatedCommands& commands) {
    const bool has_id = !module.file_build_id.empty() || !module.recorded_build_id.empty();
    return has_id && is_packaged(module.path) && !commands.fold_has("--debuginfod");
}

Advice from_servers(std::string text, const RepeatedCommands& commands) {
    return {std::move(text) + ", which a server of its distribution has",
            commands.fold_with("--debuginfod", debuginfod_url)};
}

Advice recorded_file(const ModuleInfo& module, const RepeatedCommands& commands) {
    if (!module.recorded_build_id.empty() && may_be_fetched(module, commands)) {
        return from_servers("give the recorded file", commands);
    }
    return {"give the recorded file, in a copy DIR of the recorded machine's files",
            commands.fold_with("--symfs", "DIR")};
}

Advice debug_file(const ModuleInfo& module, const RepeatedCommands& commands) {
    if (may_be_fetched(module, commands)) return from_servers("give its debug file", commands);
    return {"give its debug file, which lies under DIR; or build it with -g and do not strip it",
            commands.fold_with("--debug-dir", "DIR")};
}

Advice perf_map(const RepeatedCommands& commands) {
    std::string again = commands.record_jit(RepeatedCommands::JitFile::perf_map);
    if (!again.empty()) return {"record again, and have the runtime write a perf map", again};
    return {
        "run it so that it writes a perf map: node --perf-basic-prof, python3 -X perf (3.12), "
        "java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit (17); or give the map, if "
        "it is in DIR instead of /tmp",
        commands.fold_with("--perf-map-dir", "DIR")};
}

Advice readable_file(const ModuleInfo& module) {
    const std::string& path = module.file.empty() ? module.path : module.file;
    return {"see what the file is, and whether you may read it",
            shell_line({"file", path}) + "; " + shell_line({"ls", "-l", path})};
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
    return kernel_name_gap(kernel);
}

Advice name_gap_advice(NameGap gap, const ModuleInfo& module, const RepeatedCommands& commands) {
    switch (gap) {
        case NameGap::file_missing:
        case NameGap::foreign:
        case NameGap::build_id_differs:
        case NameGap::file_changed:
        case NameGap::not_regular:
            return recorded_file(module, commands);
        case NameGap::unreadable:
            return readable_file(module);
        case NameGap::stripped:
            return debug_file(module, commands);
        case NameGap::no_map:
            return perf_map(commands);
        case NameGap::kernel_restricted:
            return {"let users see the kernel's addresses, then fold again",
                    "sudo sysctl kernel.kptr_restrict=0 && " + commands.fold_again()};
        case NameGap::kernel_unknown:
            return {
                "give the kernel's listing: the running one's, if that was recorded, else a "
                "copy of /proc/kallsyms of the recorded machine, as it was booted then",
                commands.fold_with("--kallsyms", "/proc/kallsyms")};
        case NameGap::kernel_differs:
        case NameGap::kernel_unreadable:
            return {
                "give FILE, a copy of /proc/kallsyms of the recorded machine, as it was booted "
                "then",
                commands.fold_with("--kallsyms", "FILE")};
        case NameGap::none:
        case NameGap::unmapped:
        case NameGap::no_symbol:
        case NameGap::count_:
            break;
    }
    return {};
}

Advice debug_info_advice(const ModuleInfo& module, const RepeatedCommands& commands) {
    return debug_file(module, commands);
}

}  // namespace fgread
