#include "perfdata/process_table.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "perfdata/format.h"

namespace fgread {
namespace {

// CommIds of threads without a name hold the tid itself, so that asking for one changes nothing.
// Linux tids need 22 bits (PID_MAX_LIMIT), so 31 with a sign lose none.
constexpr std::uint32_t unnamed_bit = 1U << 31;

CommId unnamed(Tid tid) { return {unnamed_bit | static_cast<std::uint32_t>(tid.value)}; }

std::int32_t tid_of_unnamed(CommId id) {
    const std::uint32_t low = id.value & ~unnamed_bit;
    const std::uint32_t sign = 1U << 30;
    return static_cast<std::int32_t>((low & sign) != 0 ? low | unnamed_bit : low);
}

// One entry of a timeline: `value` holds from `from` until the next entry.
template <class T>
struct Since {
    EventTime from;
    T value;
};

// The last entry that starts at or before `when`; null if all start later.
template <class T>
const Since<T>* entry_at(const std::vector<Since<T>>& timeline, EventTime when) {
    if (timeline.empty()) return nullptr;
    if (timeline.back().from <= when) return &timeline.back();
    const auto after =
        std::upper_bound(timeline.begin(), timeline.end(), when,
                         [](EventTime t, const Since<T>& entry) { return t < entry.from; });
    return after == timeline.begin() ? nullptr : &*(after - 1);
}

// Names by number. Appended to by one thread, except for ":<tid>", which readers may ask for.
class CommNames {
public:
    CommId intern(std::string_view name) {
        const auto [entry, is_new] =
            index_.insert({std::string(name), static_cast<std::uint32_t>(names_.size())});
        if (is_new) names_.push_back(entry->first);
        return {entry->second};
    }
    std::string_view name(CommId id) const {
        if ((id.value & unnamed_bit) == 0) {
            return id.value < names_.size() ? std::string_view(names_[id.value])
                                            : std::string_view();
        }
        const std::lock_guard lock(mutex_);
        std::string& text = unnamed_[id.value];  // a map, because views of its values are out
        if (text.empty()) text = ":" + std::to_string(tid_of_unnamed(id));
        return text;
    }

private:
    std::deque<std::string> names_;  // a deque, because views of them are out
    tsl::robin_map<std::string, std::uint32_t> index_;
    mutable std::mutex mutex_;
    mutable std::map<std::uint32_t, std::string> unnamed_;
};

// The kernel calls the vdso of all tasks the same; perf's build-id table, which has the build-ids
// of both, calls that of 32-bit tasks on a 64-bit machine so.
constexpr std::string_view vdso = "[vdso]", narrow_vdso = "[vdso32]";
constexpr std::uint64_t narrow_addresses = std::uint64_t{1} << 32;

Image image_of(const MmapView& record) {
    Image image;
    const bool is_narrow = record.path == vdso && record.start.value < narrow_addresses;
    image.path = is_narrow ? narrow_vdso : record.path;
    for (const std::byte byte : record.build_id) {
        image.build_id.bytes.push_back(std::to_integer<std::uint8_t>(byte));
    }
    image.has_inode = record.has_inode;
    image.device_major = record.device_major;
    image.device_minor = record.device_minor;
    image.inode = record.inode;
    image.inode_generation = record.inode_generation;
    return image;
}

// ".../jit-4711.dump", deleted or not.
bool is_jitdump(std::string_view path) {
    path = path.substr(path.rfind('/') + 1);
    return path.starts_with("jit-") && path.find(".dump") != std::string_view::npos;
}

// Programs that remap their text onto huge pages copy it to anonymous memory of whole huge pages
// and put that where the text was: node --use-largepages, iodlr, hugify.
constexpr std::uint64_t huge_page = std::uint64_t{2} << 20;

bool is_huge_anonymous(const Image& image, const Mapping& mapping) {
    if (image.path.starts_with("/anon_hugepage")) return true;
    return image.path == "//anon" && mapping.start.value % huge_page == 0 &&
           mapping.end.value % huge_page == 0;
}

bool is_file(const Image& image) {
    const std::string_view path = image.path;
    return path.starts_with('/') && !path.starts_with("//") &&
           !path.starts_with("/anon_hugepage") && !path.starts_with("/memfd:") &&
           !path.starts_with("/dev/zero") && !path.starts_with("/SYSV");
}

// perf records the kernel up to _etext or _edata. Behind that lies .init.text, whose start_kernel
// is in every stack of the first processor's idle thread. All of a kernel with everything in it has
// less than this.
constexpr std::string_view kernel_image = "[kernel.kallsyms]";
constexpr std::uint64_t max_unrecorded_kernel = std::uint64_t{64} << 20;

struct Process {
    Pid pid;
    AddressSpace user;
    Ancestry ancestry{};
};

}  // namespace

struct ProcessTable::State {
    MappingTable mappings;
    CommNames comms;
    CommId swapper = comms.intern("swapper");
    AddressSpace kernel;
    std::deque<Process> processes;                       // by ProcessId
    std::map<ProcessId, std::vector<ImageId>> jitdumps;  // of the few that have some
    tsl::robin_map<std::int32_t, std::vector<Since<ProcessId>>> incarnations;  // by pid
    tsl::robin_map<std::int32_t, std::vector<Since<CommId>>> names;            // by tid
    std::map<std::uint64_t, std::string> cgroups;                              // paths by id
    EventTime now;  // of the last event applied
    Diagnostics diagnostics;

    State() { processes.push_back({Pid{}, AddressSpace(), {}}); }

    ProcessId add_process(Pid pid, EventTime from, AddressSpace user, Ancestry ancestry = {}) {
        const ProcessId id{static_cast<std::uint32_t>(processes.size())};
        user.set_owner(id);
        processes.push_back({pid, std::move(user), ancestry});
        incarnations[pid.value].push_back({from, id});
        return id;
    }

    // The living incarnation, made up from the beginning of time if there is none.
    ProcessId current_id(Pid pid) {
        const auto found = incarnations.find(pid.value);
        return found == incarnations.end() ? add_process(pid, {}, AddressSpace())
                                           : found->second.back().value;
    }
    Process& current(Pid pid) { return processes[current_id(pid).value]; }

    std::optional<CommId> name_at(Tid tid, EventTime when) const {
        const auto found = names.find(tid.value);
        if (found == names.end()) return std::nullopt;
        const Since<CommId>* entry = entry_at(found->second, when);
        return entry ? std::optional(entry->value) : std::nullopt;
    }

    void set_name(Tid tid, EventTime when, CommId comm) {
        std::vector<Since<CommId>>& timeline = names[tid.value];
        if (timeline.empty() || timeline.back().value != comm) timeline.push_back({when, comm});
    }

    void map(AddressSpace& space, EventTime when, const ProcessEvent& event, Avma end) {
        const Avma start = mappings.mapping(event.mapping).start;
        if (!space.map(when, start, end, event.mapping)) {
            diagnostics.add(Problem::map_limit, 0, "pid " + std::to_string(event.pid.value));
        }
    }

    // The kernel's image goes on behind what is recorded of it, as long as nothing else is there.
    void map_kernel(EventTime when, const ProcessEvent& event) {
        const Mapping& mapping = mappings.mapping(event.mapping);
        Avma end = mapping.end;
        if (mappings.image(mapping.image).path.starts_with(kernel_image)) {
            const AddressSpace::Found behind = kernel.find_span(end, when);
            const std::uint64_t room = behind.end.value - end.value;
            if (!behind.id) end.value += std::min(room, max_unrecorded_kernel);
        }
        map(kernel, when, event, end);
    }

    // The file's text keeps its names if all of such memory lies where one mapping of the file was.
    bool is_remapped_text(const Process& process, EventTime when, MappingId id) const {
        const Mapping& mapping = mappings.mapping(id);
        if (!is_huge_anonymous(mappings.image(mapping.image), mapping)) return false;
        const auto before = process.user.find_span(mapping.start, when);
        return before.id && mapping.end <= before.end &&
               is_file(mappings.image(mappings.mapping(before.id).image));
    }

    void map_user(EventTime when, const ProcessEvent& event) {
        Process& process = current(event.pid);
        if (is_remapped_text(process, when, event.mapping)) return;
        map(process.user, when, event, mappings.mapping(event.mapping).end);
        const ImageId image = mappings.mapping(event.mapping).image;
        if (!is_jitdump(mappings.image(image).path)) return;
        std::vector<ImageId>& known = jitdumps[process.user.owner()];
        if (std::find(known.begin(), known.end(), image) == known.end()) known.push_back(image);
    }

    void exec(EventTime when, const ProcessEvent& event) {
        add_process(event.pid, when, AddressSpace());
    }

    void fork(EventTime when, const ProcessEvent& event) {
        const bool new_process = event.pid != event.parent_pid;
        if (!new_process) {
            current(event.pid);
        } else if (event.kind == ProcessEvent::Kind::fork_synthesised) {
            add_process(event.pid, when, AddressSpace());
        } else {
            const ProcessId parent = current_id(event.parent_pid);
            add_process(event.pid, when, AddressSpace(processes[parent.value].user, when),
                        {parent, when});
        }
        // A reused tid must not keep the name of the thread that had it before.
        const auto inherited = name_at(event.parent_tid, when);
        set_name(event.tid, when, inherited.value_or(unnamed(event.tid)));
    }
};

ProcessTable::ProcessTable() : state_(std::make_unique<State>()) {}

std::optional<ProcessEvent> ProcessTable::digest(const MmapView& record) {
    const bool kernel = record.mode == CpuMode::kernel || record.pid == Pid{-1};
    const bool guest = record.mode == CpuMode::guest_kernel || record.mode == CpuMode::guest_user ||
                       record.mode == CpuMode::hypervisor;
    if (!record.executable || guest || record.length == 0) return std::nullopt;

    Image image = image_of(record);
    image.mode = kernel ? CpuMode::kernel : CpuMode::user;
    Mapping mapping;
    mapping.start = record.start;
    // Old perf gives the kernel's map the length ~0: as far as there are addresses.
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - record.start.value;
    mapping.end.value = record.start.value + std::min(record.length, room);
    if (mapping.start == mapping.end) return std::nullopt;
    mapping.file_offset = record.file_offset;
    mapping.image = state_->mappings.intern(image);
    state_->mappings.add_user(mapping.image, record.pid);

    ProcessEvent event;
    event.kind = kernel ? ProcessEvent::Kind::map_kernel : ProcessEvent::Kind::map_user;
    event.pid = record.pid;
    event.tid = record.tid;
    event.mapping = state_->mappings.intern(mapping);
    return event;
}

// BPF programs and trampolines come and go while the recording runs; the kernel's other records
// know nothing of them.
std::optional<ProcessEvent> ProcessTable::digest(const KsymbolView& record) {
    if (record.unregistered || record.length == 0 || record.name.empty()) return std::nullopt;
    Image image;
    image.path = record.name;
    image.mode = CpuMode::kernel;
    image.is_function = true;
    Mapping mapping;
    mapping.start = record.start;
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - record.start.value;
    mapping.end.value = record.start.value + std::min<std::uint64_t>(record.length, room);
    if (mapping.start == mapping.end) return std::nullopt;
    mapping.image = state_->mappings.intern(image);

    ProcessEvent event;
    event.kind = ProcessEvent::Kind::map_kernel;
    event.pid = Pid{-1};
    event.mapping = state_->mappings.intern(mapping);
    return event;
}

std::optional<ProcessEvent> ProcessTable::digest(const CommView& record) {
    ProcessEvent event;
    event.kind = record.from_exec ? ProcessEvent::Kind::exec : ProcessEvent::Kind::comm;
    event.pid = record.pid;
    event.tid = record.tid;
    event.comm = state_->comms.intern(record.comm);
    return event;
}

std::optional<ProcessEvent> ProcessTable::digest_fork(const TaskView& record) {
    ProcessEvent event;
    event.kind =
        record.synthesised ? ProcessEvent::Kind::fork_synthesised : ProcessEvent::Kind::fork;
    event.pid = record.pid;
    event.tid = record.tid;
    event.parent_pid = record.parent_pid;
    event.parent_tid = record.parent_tid;
    return event;
}

std::optional<ProcessEvent> ProcessTable::digest_exit(const TaskView& record) {
    ProcessEvent event;
    event.kind = ProcessEvent::Kind::exit;
    event.pid = record.pid;
    event.tid = record.tid;
    return event;
}

std::optional<ProcessEvent> ProcessTable::digest(const RecordView& record,
                                                 Diagnostics& diagnostics) {
    const auto use = [&](const auto& view, auto digest_view) -> std::optional<ProcessEvent> {
        if (view) return digest_view(*view);
        diagnostics.add(Problem::record_too_small, record.file_offset,
                        record_type_name(record.type));
        return std::nullopt;
    };
    const auto digest_any = [this](const auto& view) { return digest(view); };
    switch (record.type) {
        case format::record_mmap:
            return use(decode_mmap(record), digest_any);
        case format::record_mmap2:
            return use(decode_mmap2(record), digest_any);
        case format::record_ksymbol:
            return use(decode_ksymbol(record), digest_any);
        case format::record_cgroup:
            return use(decode_cgroup(record),
                       [this](const CgroupView& view) -> std::optional<ProcessEvent> {
                           state_->cgroups.insert_or_assign(view.id, std::string(view.path));
                           return std::nullopt;
                       });
        case format::record_comm:
            return use(decode_comm(record), digest_any);
        case format::record_fork:
            return use(decode_task(record), [this](const TaskView& v) { return digest_fork(v); });
        case format::record_exit:
            return use(decode_task(record), [this](const TaskView& v) { return digest_exit(v); });
        default:
            return std::nullopt;
    }
}

void ProcessTable::apply(EventTime when, const ProcessEvent& event) {
    when = state_->now = std::max(state_->now, when);  // timelines must rise
    switch (event.kind) {
        case ProcessEvent::Kind::map_user:
            state_->map_user(when, event);
            break;
        case ProcessEvent::Kind::map_kernel:
            state_->map_kernel(when, event);
            break;
        case ProcessEvent::Kind::exec:
            state_->exec(when, event);
            state_->set_name(event.tid, when, event.comm);
            break;
        case ProcessEvent::Kind::comm:
            state_->current(event.pid);
            state_->set_name(event.tid, when, event.comm);
            break;
        case ProcessEvent::Kind::fork:
        case ProcessEvent::Kind::fork_synthesised:
            state_->fork(when, event);
            break;
        case ProcessEvent::Kind::exit:
            break;
    }
}

void ProcessTable::apply(EventTime when, const MmapView& record) {
    if (const auto event = digest(record)) apply(when, *event);
}
void ProcessTable::apply(EventTime when, const CommView& record) {
    if (const auto event = digest(record)) apply(when, *event);
}
void ProcessTable::apply(EventTime when, const KsymbolView& record) {
    if (const auto event = digest(record)) apply(when, *event);
}
void ProcessTable::apply_fork(EventTime when, const TaskView& record) {
    if (const auto event = digest_fork(record)) apply(when, *event);
}
void ProcessTable::apply_exit(EventTime when, const TaskView& record) {
    if (const auto event = digest_exit(record)) apply(when, *event);
}

ProcessAt ProcessTable::process_at(Pid pid, EventTime when) const {
    ProcessId id{};
    if (const auto found = state_->incarnations.find(pid.value);
        found != state_->incarnations.end()) {
        const Since<ProcessId>* entry = entry_at(found->second, when);
        id = entry ? entry->value : found->second.front().value;
    }
    return {id, &state_->processes[id.value].user};
}

CommId ProcessTable::comm_at(Pid pid, Tid tid, EventTime when) const {
    if (tid == Tid{0}) return state_->swapper;
    const auto own = state_->name_at(tid, when);
    if (own && (own->value & unnamed_bit) == 0) return *own;
    return state_->name_at(Tid{pid.value}, when).value_or(unnamed(tid));
}

std::string_view ProcessTable::comm(CommId id) const { return state_->comms.name(id); }

std::string_view ProcessTable::cgroup_path(std::uint64_t id) const {
    const auto found = state_->cgroups.find(id);
    return found == state_->cgroups.end() ? std::string_view() : std::string_view(found->second);
}

const AddressSpace& ProcessTable::kernel() const { return state_->kernel; }
MappingTable& ProcessTable::mappings() { return state_->mappings; }
const MappingTable& ProcessTable::mappings() const { return state_->mappings; }
std::size_t ProcessTable::process_count() const { return state_->processes.size(); }
Pid ProcessTable::pid_of(ProcessId id) const { return state_->processes.at(id.value).pid; }
const AddressSpace& ProcessTable::space_of(ProcessId id) const {
    return state_->processes.at(id.value).user;
}
Ancestry ProcessTable::ancestry(ProcessId id) const {
    return state_->processes.at(id.value).ancestry;
}
const std::vector<ImageId>& ProcessTable::jitdumps(ProcessId id) const {
    static const std::vector<ImageId> none;
    const auto found = state_->jitdumps.find(id);
    return found == state_->jitdumps.end() ? none : found->second;
}
const Diagnostics& ProcessTable::diagnostics() const { return state_->diagnostics; }

ProcessTable::~ProcessTable() = default;
ProcessTable::ProcessTable(ProcessTable&&) noexcept = default;
ProcessTable& ProcessTable::operator=(ProcessTable&&) noexcept = default;

}  // namespace fgread
