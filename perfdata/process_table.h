// ProcessTable: who was running, under which name and with which mappings, at every moment.
//
// Fed with the side-band of a recording (MMAP, MMAP2, COMM, FORK, EXIT, KSYMBOL, CGROUP) in order,
// it answers for any (pid, tid, time), present or past. Pids are reused and exec replaces an
// address space, so the identity of a process is its incarnation (ProcessId), never the pid.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/address_space.h"
#include "perfdata/diagnostics.h"
#include "perfdata/record.h"

namespace fgread {

// Name of a thread, interned; valid as long as the table.
struct CommId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const CommId&, const CommId&) = default;
};

struct ProcessAt {
    ProcessId id;
    const AddressSpace* user = nullptr;  // never null; lives as long as the table
};

// Where an incarnation came from.
struct Ancestry {
    ProcessId parent;     // 0 if it was not forked within the recording, or has called exec
    EventTime forked_at;  // until then it is the parent's life
};

// A side-band record without its strings: they are interned, so that a recording's whole
// side-band can be kept and sorted at 32 bytes a record.
struct ProcessEvent {
    enum class Kind : std::uint8_t {
        map_user,
        map_kernel,
        comm,
        exec,  // COMM by exec: a name, and a new address space
        fork,
        fork_synthesised,
        exit,
    };
    Kind kind = Kind::exit;
    Pid pid;
    Tid tid;
    Pid parent_pid;     // fork
    Tid parent_tid;     // fork
    MappingId mapping;  // map_*
    CommId comm;        // comm, exec
};
static_assert(sizeof(ProcessEvent) <= 32);

// Building (digest, apply) is for one thread; afterwards const calls are safe from several.
class ProcessTable {
public:
    ProcessTable();

    // Interns what the record names. May be called in any order; nothing changes until apply().
    // Nothing comes back for records that do not matter: data mappings, empty ones, guests'.
    [[nodiscard]] std::optional<ProcessEvent> digest(const MmapView& record);
    [[nodiscard]] std::optional<ProcessEvent> digest(const CommView& record);
    [[nodiscard]] std::optional<ProcessEvent> digest(const KsymbolView& record);
    [[nodiscard]] std::optional<ProcessEvent> digest_fork(const TaskView& record);
    [[nodiscard]] std::optional<ProcessEvent> digest_exit(const TaskView& record);
    // By the record's type; nothing also for other types and for malformed ones, which are
    // counted in `diagnostics` (record_too_small).
    [[nodiscard]] std::optional<ProcessEvent> digest(const RecordView& record,
                                                     Diagnostics& diagnostics);

    // Applies one event; events must come in rising order of `when` (one that does not counts as
    // happening now). Rules:
    //   FORK of a new process  a new incarnation with its parent's mappings at that time
    //   FORK of a thread       shares its process; inherits its parent thread's name
    //   COMM by exec           a new incarnation without mappings, of the same pid
    //   MMAP of an unknown pid creates its incarnation, valid from the beginning
    //   MMAP of anonymous memory in whole huge pages within one mapping of a file: ignored, it is
    //                          the file's text, remapped by the program itself
    //   KSYMBOL                a mapping of the kernel's; what is dropped stays until it is covered
    //   EXIT                   changes nothing: late samples still resolve
    // A process at AddressSpace::max_changes ignores further maps and counts Problem::map_limit.
    void apply(EventTime when, const ProcessEvent& event);

    // digest and apply in one.
    void apply(EventTime when, const MmapView& record);
    void apply(EventTime when, const CommView& record);
    void apply(EventTime when, const KsymbolView& record);
    void apply_fork(EventTime when, const TaskView& record);
    void apply_exit(EventTime when, const TaskView& record);

    // The incarnation of `pid` at `when`; before its first one, the first. A pid nobody announced
    // has ProcessId 0 and no mappings. O(log incarnations of the pid).
    [[nodiscard]] ProcessAt process_at(Pid pid, EventTime when) const;
    // The name of the thread at `when`: its own COMM, else (as it is inherited) its parent's at
    // the fork, else its process's; ":<tid>" if nobody ever named it (as perf does). tid 0 is
    // "swapper", the idle task, which no record announces.
    [[nodiscard]] CommId comm_at(Pid pid, Tid tid, EventTime when) const;
    [[nodiscard]] std::string_view comm(CommId id) const;

    // The path of a control group, as its CGROUP record has it; empty if there was none. Groups
    // have no times: an id is not given out twice while the machine runs.
    [[nodiscard]] std::string_view cgroup_path(std::uint64_t id) const;

    // The kernel's text and modules; one for all processes.
    [[nodiscard]] const AddressSpace& kernel() const;
    [[nodiscard]] MappingTable& mappings();
    [[nodiscard]] const MappingTable& mappings() const;
    // ProcessIds are 0 .. process_count() - 1; 0 stands for all unknown pids.
    [[nodiscard]] std::size_t process_count() const;
    [[nodiscard]] Pid pid_of(ProcessId id) const;
    [[nodiscard]] const AddressSpace& space_of(ProcessId id) const;
    [[nodiscard]] Ancestry ancestry(ProcessId id) const;
    // The jitdump files (".../jit-PID.dump") that this incarnation mapped itself, each once, in
    // order: perf's convention by which a JIT says where it describes its code.
    [[nodiscard]] const std::vector<ImageId>& jitdumps(ProcessId id) const;
    // Problems met while applying.
    [[nodiscard]] const Diagnostics& diagnostics() const;

    ~ProcessTable();
    ProcessTable(ProcessTable&&) noexcept;
    ProcessTable& operator=(ProcessTable&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
