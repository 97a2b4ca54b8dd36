#include "symbols/jit_code.h"

#include <elf.h>

#include <algorithm>

#include <fmt/format.h>

namespace fgread {
namespace {

// A fork of a fork of a fork: further back lies nothing that still runs the same code.
constexpr int max_ancestors = 16;

// What uname calls the machines whose e_machine is known here; 0 for others, which all pass.
std::uint16_t elf_machine(std::string_view architecture) {
    if (architecture == "x86_64") return EM_X86_64;
    if (architecture == "aarch64") return EM_AARCH64;
    return 0;
}

bool is_for(const JitDumpHeader& header, const std::string& architecture) {
    const std::uint16_t machine = elf_machine(architecture);
    return machine == 0 || header.machine == machine;
}

// The part of `span` in which `found` holds.
void cut(CodeSpan& span, const AddressSpace::Found& found) {
    span.start = std::max(span.start, found.start);
    span.end = std::min(span.end, found.end);
    span.from = std::max(span.from, found.from);
    span.until = std::min(span.until, found.until);
}

}  // namespace

std::optional<JitProcess::Dumped> JitProcess::find_dumped(Avma address, EventTime when,
                                                          CodeSpan& span) const {
    for (const Dump& each : dumps_) {
        const bool inherited = each.until < when;
        AddressSpace::Found found = each.dump->find(address, std::min(when, each.until));
        // What the parent did after the fork says nothing about this process.
        if (inherited) found.until = std::max(found.until, span.until);
        if (found.id) {
            cut(span, found);
            return Dumped{each.dump, each.dump->placed(found.id)};
        }
        cut(span, found);
    }
    return std::nullopt;
}

std::optional<JitProcess::Mapped> JitProcess::name_in_map(Avma address) const {
    for (const PerfMap* map : maps_) {
        if (const auto match = map->find(address)) return Mapped{map, *match};
    }
    return std::nullopt;
}

JitCode::JitCode(const ProcessTable& processes, const FileFinder& finder, bool monotonic)
    : processes_(processes),
      files_(finder),
      architecture_(finder.sources().arch),
      monotonic_(monotonic) {}

const JitProcess* JitCode::process_of(const AddressSpace& space) {
    const ProcessId id = space.owner();
    // Process 0 stands for pids that no record announced: which file would be theirs?
    if (id == ProcessId{}) return nullptr;
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = loaded_.try_emplace(id.value, nullptr);
    if (is_new) known->second = load(id);
    return known->second;
}

const JitProcess* JitCode::load(ProcessId id) {
    JitProcess process;
    EventTime until{~std::uint64_t{0}, ~std::uint64_t{0}};
    for (int i = 0; i < max_ancestors && id.value != 0; ++i) {
        const Pid pid = processes_.pid_of(id);
        for (const ImageId image : processes_.jitdumps(id)) {
            if (const JitDump* dump = dump_of(image, pid)) process.dumps_.push_back({dump, until});
        }
        if (const NamedMap* map = map_of(pid)) {
            if (process.maps_.empty()) process.map_path_ = map->path;
            process.maps_.push_back(&map->map);
        }
        const Ancestry ancestry = processes_.ancestry(id);
        until = std::min(until, ancestry.forked_at);
        id = ancestry.parent;
    }
    if (process.maps_.empty() && process.dumps_.empty()) return nullptr;
    // Thousands of children that have no files of their own are named by one and the same.
    if (process.dumps_.empty()) {
        for (const JitProcess& known : with_files_) {
            if (known.dumps_.empty() && known.maps_ == process.maps_) return &known;
        }
    }
    return &with_files_.emplace_back(std::move(process));
}

const JitCode::NamedMap* JitCode::map_of(Pid pid) {
    const auto [known, is_new] = maps_.try_emplace(pid.value, nullptr);
    if (!is_new) return known->second.get();
    const MapFile file = files_.perf_map(pid, PerfMap::max_size);
    if (file.state != MapFileState::found) {
        refuse(file.path, map_file_reason(file.state));
        return nullptr;
    }
    known->second = std::make_unique<NamedMap>(NamedMap{PerfMap(file.content.view()), file.path});
    count_malformed(known->second->map.malformed(), file.path);
    return known->second.get();
}

const JitDump* JitCode::dump_of(ImageId image, Pid pid) {
    const auto [known, is_new] = dumps_.try_emplace(image.value, nullptr);
    if (!is_new) return known->second.get();
    const Image& recorded = processes_.mappings().image(image);
    MapFile file = files_.jitdump(recorded, pid, JitDump::max_size);
    if (file.state != MapFileState::found) {
        // The process mapped it, so it is missed.
        const bool missing = file.state == MapFileState::missing;
        refuse(missing ? recorded.path : file.path,
               missing ? "not found" : map_file_reason(file.state));
        return nullptr;
    }
    Result<JitDump> dump = JitDump::read(std::move(file.content), monotonic_);
    if (!dump) {
        refuse(file.path, dump.error().message);
        return nullptr;
    }
    if (!is_for(dump->header(), architecture_)) {
        refuse(file.path,
               fmt::format("it is for the machine number {}, the recording was made on {}",
                           dump->header().machine, architecture_));
        return nullptr;
    }
    if (!monotonic_ || dump->header().processor_clock) timeless_.insert(file.path);
    count_malformed(dump->malformed(), file.path);
    known->second = std::make_unique<JitDump>(std::move(*dump));
    dump_paths_[known->second.get()] = file.path;
    return known->second.get();
}

void JitCode::refuse(const std::string& path, std::string_view reason) {
    if (!reason.empty()) refused_[path] = reason;
}

void JitCode::count_malformed(std::uint64_t count, const std::string& path) {
    if (count != 0) malformed_[path] += count;
}

std::string JitCode::path_of(const JitDump& dump) const {
    const std::lock_guard lock(mutex_);
    return dump_paths_.at(&dump);
}

Diagnostics JitCode::diagnostics() const {
    const std::lock_guard lock(mutex_);
    Diagnostics result;
    for (const auto& [path, reason] : refused_) {
        result.add(Problem::jit_file_refused, 0, fmt::format("{}: {}", path, reason));
    }
    for (const auto& [path, count] : malformed_) {
        for (std::uint64_t i = 0; i < count; ++i) {
            result.add(Problem::jit_file_malformed, 0, path);
        }
    }
    for (const std::string& path : timeless_) result.add(Problem::jitdump_clock, 0, path);
    return result;
}

}  // namespace fgread
