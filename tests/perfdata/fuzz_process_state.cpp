// Ordering and process state: a script of side-band events and questions from arbitrary bytes.
// What is asked once must be answered the same again after anything that happens later.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "perfdata/process_table.h"
#include "perfdata/round_sorter.h"

using namespace fgread;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

constexpr std::size_t max_answers = 64;  // keeps a run quadratic in little

struct Answer {
    Pid pid;
    Tid tid;
    EventTime when;
    Avma address;
    ProcessId process;
    MappingId mapping;
    CommId comm;
};

// Few pids, addresses and times, so that they meet.
struct Script {
    ByteReader in;
    Pid pid() { return {in.u8() % 6 - 1}; }
    Tid tid() { return {in.u8() % 8 - 1}; }
    Avma address() { return {in.u8() * 16ULL}; }
};

ProcessEvent next_event(Script& script, ProcessTable& table, unsigned kind) {
    const Pid pid = script.pid();
    const Tid tid = script.tid();
    static constexpr const char* names[] = {"a", "b", "c", ""};
    if (kind < 3) {
        MmapView view;
        view.pid = pid;
        view.start = script.address();
        view.length = script.in.u8() * 8ULL;
        view.executable = true;
        view.path = names[script.in.u8() % 4];
        view.mode = kind == 0 ? CpuMode::kernel : CpuMode::user;
        return table.digest(view).value_or(ProcessEvent{});
    }
    if (kind < 5) {
        CommView view;
        view.pid = pid;
        view.tid = tid;
        view.comm = names[script.in.u8() % 4];
        view.from_exec = kind == 3;
        return table.digest(view).value_or(ProcessEvent{});
    }
    TaskView view;
    view.pid = pid;
    view.tid = tid;
    view.parent_pid = script.pid();
    view.parent_tid = script.tid();
    view.synthesised = kind == 5;
    return (kind == 7 ? table.digest_exit(view) : table.digest_fork(view)).value_or(ProcessEvent{});
}

Answer ask(const ProcessTable& table, Pid pid, Tid tid, EventTime when, Avma address) {
    Answer answer{pid, tid, when, address, {}, {}, {}};
    const ProcessAt process = table.process_at(pid, when);
    answer.process = process.id;
    answer.mapping = process.user->find(address, when);
    answer.comm = table.comm_at(pid, tid, when);
    const AddressSpace::Found span = process.user->find_span(address, when);
    require(span.id == answer.mapping);
    require(span.start <= address && address < span.end);
    require(span.from <= when && when < span.until);
    require(process.user->find(span.start, when) == span.id);
    require(process.user->find(Avma{span.end.value - 1}, span.from) == span.id);
    static_cast<void>(table.kernel().find_span(address, when));
    require(!table.comm(answer.comm).empty() || answer.comm.value < 8);
    return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script{ByteReader(std::as_bytes(std::span(data, size)))};
    ProcessTable table;
    RoundSorter<ProcessEvent> sorter(1 + script.in.u8() % 32);
    std::vector<Answer> answers;
    EventTime applied;
    std::uint64_t pushed = 0;
    std::uint64_t popped = 0;
    const auto drain = [&] {
        while (const auto item = sorter.pop()) {
            ++popped;
            applied = std::max(applied, item->when);
            table.apply(item->when, item->item);
        }
    };
    while (script.in.remaining() != 0) {
        const unsigned step = script.in.u8();
        if (step % 16 < 8) {
            const EventTime when{script.in.u8(), pushed++};
            sorter.push(when, next_event(script, table, step % 8));
        } else if (step % 16 < 11) {
            sorter.finish_round();
        } else if (step % 16 < 13) {
            drain();
        } else if (answers.size() < max_answers) {
            // Only the past is settled, and only for pids that have begun.
            const EventTime when{applied.time, 0};
            const Pid pid = script.pid();
            if (when.time == 0 || table.process_at(pid, when).id == ProcessId{0}) continue;
            const EventTime before{script.in.u8() % when.time, 0};
            answers.push_back(ask(table, pid, script.tid(), before, script.address()));
        }
    }
    sorter.finish();
    drain();
    require(pushed == popped);
    for (const Answer& old : answers) {
        const Answer now = ask(table, old.pid, old.tid, old.when, old.address);
        require(now.process == old.process);
        require(now.mapping == old.mapping);
        require(now.comm == old.comm);
    }
    return 0;
}
