#include "collapse/sample_worker.h"

#include <algorithm>
#include <utility>

#include "collapse/chain_parts.h"
#include "perfdata/counter_values.h"
#include "perfdata/format.h"

namespace fgread {

namespace {

// Of the worker's tables: a frame is 16 bytes and 8 of index, a node of the trie 8 and up to 16.
constexpr std::size_t bytes_per_entry = 32;

// Of the next sample, while one is walked: in a mapped file it is in no cache. Its fields and
// registers and the innermost frames at once, the rest in between the frames of this one.
constexpr std::size_t prefetched_bytes = 4096;
constexpr std::size_t prefetched_at_once = 1024;

// Stacks that ended where a module stood in the way, as opposed to those that have no more.
bool is_early(StopReason reason) {
    return reason != StopReason::complete && reason != StopReason::recorded &&
           reason != StopReason::no_registers && reason != StopReason::stitched;
}

// Whether the recording left the user part of the chain to whoever reads it. A dump without bytes
// still has the registers, and with them the innermost frame.
bool is_to_be_walked(const SampleView& sample) {
    return sample.user_regs.abi != 0 && (sample.sample_type & format::sample_stack_user) != 0;
}

// perf's two writers of off-CPU samples disagree which half of their first word is the process:
// the BPF program (a thread that was away for long) and perf itself (the sums at its end).
void order_ids(const ProcessTable& processes, EventTime when, SampleView& sample) {
    const Pid other{sample.tid.value};
    const auto is_known = [&](Pid pid) {
        return processes.process_at(pid, when).id != ProcessId{};
    };
    if (is_known(sample.pid) || !is_known(other)) return;
    sample.tid.value = sample.pid.value;
    sample.pid = other;
}

std::vector<FrameId> outermost_first(const std::vector<FrameId>& frames) {
    return {frames.rbegin(), frames.rend()};
}

}  // namespace

SampleWorker::SampleWorker(unsigned number, const PerfFile& file, const Scan& scan,
                           ModuleProvider& modules, const AggregateOptions& options,
                           StackTables* tables)
    : number_(number),
      own_tables_(tables ? nullptr : std::make_unique<StackTables>()),
      tables_(tables ? tables : own_tables_.get()),
      file_(file),
      scan_(scan),
      options_(options),
      // Frames that are not shown are not to be named.
      walker_(modules, options.limits, options.hide_user ? nullptr : &tables_->frames),
      all_wanted_(options.filter.empty()),
      may_follow_chain_(options.call_graph == CallGraph::automatic &&
                        options.limits.frame_pointers),
      stitching_(options.stitch && !options.hide_user) {}

Result<ChunkResult> SampleWorker::run(std::size_t chunk, std::size_t number) {
    forget_large_tables();
    const Chunk& wanted = scan_.chunks[chunk];
    if (const auto bytes = file_.mapped_chunk(wanted)) {
        const StackTables::Sizes known = tables_->sizes();
        const bool restarted = restarted_;
        ChunkResult result = walk_chunk(wanted, number, *bytes);
        if (file_.leave_mapped_chunk(wanted)) return result;
        // Made of zeros, in part.
        undo(known);
        restarted_ = restarted;
    }
    const Result<ByteView> bytes = file_.read_chunk(wanted, buffer_);
    if (!bytes) return bytes.error();
    return walk_chunk(wanted, number, *bytes);
}

ChunkResult SampleWorker::walk_chunk(const Chunk& chunk, std::size_t number, ByteView bytes) {
    // Of a pipe known only now.
    machine_ = recorded_machine(file_.features().arch, file_.features().elf_machine);
    branches_.begin(stitching_ ? file_.features().branch_registers : 0);
    ChunkResult result;
    result.chunk = number;
    result.worker = number_;
    result.restarted = std::exchange(restarted_, false);
    const StackTables::Sizes known = tables_->sizes();

    RecordCursor cursor = file_.records(chunk, bytes);
    while (const std::optional<RecordView> record = cursor.next()) {
        walker_.prefetch(cursor.ahead(prefetched_bytes), prefetched_at_once);
        if (record->type == format::record_sample) add_sample(*record, result);
        if (record->type == format::record_callchain_deferred) add_deferred_chain(*record, result);
        if (options_.switches) note_switch(*record, result);
    }
    if (stitching_) stitch(result);
    // The scan saw whole records here: the file has changed since.
    if (bytes.size() < chunk.size) {
        result.diagnostics.add(Problem::file_truncated, chunk.offset + bytes.size());
    } else if (cursor.damaged()) {
        result.diagnostics.add(Problem::record_size_invalid, chunk.offset);
    }

    const auto added = [](const auto& all, std::size_t from) {
        return std::vector(all.begin() + static_cast<std::ptrdiff_t>(from), all.end());
    };
    if (!own_tables_) return result;
    result.new_frames = added(tables_->frames.frames(), known.frames);
    result.new_groups = added(tables_->groups, known.groups);
    result.new_stacks = added(tables_->stacks.nodes(), known.stacks);
    return result;
}

void SampleWorker::forget_large_tables() {
    if (!own_tables_) return;
    const std::size_t entries = tables_->frames.size() + tables_->stacks.size();
    if (entries * bytes_per_entry <= max_table_bytes_) return;
    *tables_ = {};
    group_index_ = {};
    forget_paths();
    restarted_ = true;
}

// Forgets what a chunk added to the tables.
void SampleWorker::undo(const StackTables::Sizes& sizes) {
    tables_->cut_to(sizes);
    std::erase_if(group_index_, [&](const auto& group) { return group.second >= sizes.groups; });
    forget_paths();
}

void SampleWorker::forget_paths() {
    walker_.forget_numbers();
    last_paths_ = {};
}

void SampleWorker::add_sample(const RecordView& record, ChunkResult& result) {
    const std::optional<std::size_t> attr = file_.attr_of_sample(record);
    if (!attr) {
        result.diagnostics.add(Problem::record_unknown_id, record.file_offset);
        return;
    }
    std::optional<SampleView> sample = file_.layout(*attr).decode(record);
    if (!sample) {
        result.diagnostics.add(Problem::sample_malformed, record.file_offset);
        return;
    }
    const CpuMode mode = record.cpu_mode();
    const EventTime when = file_.event_time(record);
    if (file_.layout(*attr).is_off_cpu()) order_ids(scan_.processes, when, *sample);
    if (options_.switches) note_sched_switch(*sample, *attr, record.endian, when, result);
    const bool has_readings = !sample->read.empty();
    const bool guest = is_guest(mode);
    const bool guest_unwanted = guest && !options_.guests;
    if (guest_unwanted || (!all_wanted_ && !is_wanted(*sample, when))) {
        ++(guest_unwanted ? result.guest_samples : result.filtered_samples);
        if (has_readings) add_readings(record, *attr, *sample, when, true, result);
        return;
    }
    const ProcessAt process = scan_.processes.process_at(sample->pid, when);
    user_frames_.clear();
    kernel_frames_.clear();
    cookie_.reset();
    const CallGraph chain = chain_of(*sample, *attr, mode);
    const bool walked = chain == CallGraph::dwarf && is_to_be_walked(*sample);
    Path& path = path_of(sample->tid);
    // Only what is walked and then shown as it is leaves steps that the next sample may share.
    const bool may_share =
        walked && !guest && !has_readings && !options_.hide_user && !options_.stack_depths;
    if (!may_share) path.trail.clear();
    shared_frames_ = 0;
    const UserWalk walk =
        walked ? walk_user(*sample, process, when, may_share ? &path : nullptr, result)
               : UserWalk{};
    if (chain == CallGraph::lbr) add_branches(*sample, record.endian, process, when, result);
    if (chain != CallGraph::none) {
        add_chain(*sample, process, when, mode, chain == CallGraph::frame_pointers);
    }
    if (cookie_ && !options_.hide_user) {
        if (!has_readings) return defer(record, *attr, *sample, process, when, result);
        // Would have to wait with what all members counted; no recorder is known to do both.
        result.diagnostics.add(Problem::deferred_chain_missing, record.file_offset);
    }
    if (!walked) {
        const bool has_chain = !user_frames_.empty();
        count_stop(has_chain ? StopReason::recorded : StopReason::no_registers, {}, result);
    }
    if (guest) {
        add_guest_leaf(sample->ip, mode);
    } else if (user_frames_.empty() && kernel_frames_.empty()) {
        add_leaf(*sample, process, when, mode);
    }

    if (options_.hide_user) user_frames_.clear();
    if (options_.hide_kernel) kernel_frames_.clear();
    result.frame_count += shared_frames_ + user_frames_.size() + kernel_frames_.size();
    const bool cut = walk.reason == StopReason::truncated;
    if (cut && options_.mark_truncated && !options_.hide_user) {
        user_frames_.push_back(user_label(truncated_mark));
    }
    const std::size_t samples = result.samples.size(), readings = result.readings.size();
    if (has_readings) {
        add_readings(record, *attr, *sample, when, false, result);
    } else {
        const StackId stack = intern_stack(group_of(*sample, *attr, when), path);
        result.samples.push_back({stack, static_cast<std::uint32_t>(*attr), sample->period});
        if (options_.timeline) {
            result.timeline.push_back(timeline_sample(*sample, *attr, when, stack));
        }
    }
    if (!walk.cut) return;
    cut_samples_.push_back({*walk.cut, walked_.back().frame.module, samples, result.samples.size(),
                            readings, result.readings.size()});
}

CallGraph SampleWorker::chain_of(const SampleView& sample, std::size_t attr, CpuMode mode) const {
    const CallGraph wanted = options_.call_graph;
    const auto may_be = [wanted](CallGraph kind) {
        return wanted == CallGraph::automatic || wanted == kind;
    };
    if (may_be(CallGraph::dwarf) && is_to_be_walked(sample)) return CallGraph::dwarf;
    if (may_be(CallGraph::lbr) && !sample.branch_stack.empty()) {
        const bool call_stack =
            (file_.attrs()[attr].branch_sample_type & format::branch_call_stack) != 0;
        if (call_stack && (mode == CpuMode::user || has_user_part(sample.callchain))) {
            return CallGraph::lbr;
        }
    }
    if (may_be(CallGraph::frame_pointers)) return CallGraph::frame_pointers;
    // Another kind was asked for than the sample has. The kernel's part is of no kind: it stays.
    return wanted == CallGraph::none ? CallGraph::none : CallGraph::dwarf;
}

// The calls that have not returned yet, innermost first: where to, and from where. These are the
// places of the calls themselves, not return addresses.
void SampleWorker::add_branches(const SampleView& sample, Endian endian, const ProcessAt& process,
                                EventTime when, ChunkResult& result) {
    for (const std::uint64_t address : branches_.addresses(sample, endian)) {
        user_frames_.push_back(
            user_label(walker_.resolve(*process.user, when, Avma{address}, FrameKind::exact)));
    }
    result.stitched_frames += branches_.stitched();
}

void SampleWorker::add_readings(const RecordView& record, std::size_t attr,
                                const SampleView& sample, EventTime when, bool left_out,
                                ChunkResult& result) {
    const CounterValues values(file_.attrs()[attr], sample);
    if (!left_out) ++result.read_samples;
    if (values.size() == 0) {
        result.diagnostics.add(Problem::sample_malformed, record.file_offset);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const CounterValues::Value value = values[i];
        const auto member = file_.attr_of_id(value.id);
        if (!member) {
            result.diagnostics.add(Problem::record_unknown_id, record.file_offset);
            continue;
        }
        CounterReading reading;
        if (!left_out) {
            reading.stack = intern_stack(group_of(sample, *member, when), path_of(sample.tid));
        }
        reading.event = static_cast<std::uint32_t>(*member);
        reading.id = value.id;
        if (file_.attrs()[*member].has_flag(format::attr_inherit)) reading.tid = sample.tid;
        reading.value = value.value;
        result.readings.push_back(reading);
        if (options_.timeline) {
            result.reading_timeline.push_back(
                timeline_sample(sample, *member, when, reading.stack));
        }
    }
}

SampleWorker::UserWalk SampleWorker::walk_user(const SampleView& sample, const ProcessAt& process,
                                               EventTime when, Path* path, ChunkResult& result) {
    const RegisterFile registers = registers_from_sample(machine_, sample.user_regs);
    const StackMemory stack = stack_from_sample(machine_, registers, sample.user_stack);
    const WalkResult walk =
        walker_.walk(*process.user, when, registers, stack, walked_, path ? &path->trail : nullptr);
    shared_frames_ = walk.shared;
    if (options_.stack_depths) note_depth(sample, walk.reason, result);
    const std::size_t found = walked_.size();
    StopReason reason = walk.reason;
    // perf lets the kernel record no user part beside a stack.
    if (reason != StopReason::complete && may_follow_chain_ &&
        take_user_part(sample.callchain, user_chain_)) {
        reason = walker_.follow_chain(*process.user, when, registers, stack, user_chain_, reason,
                                      walked_);
    }
    user_frames_.resize(walked_.size());
    if (!options_.hide_user) {
        std::transform(walked_.begin(), walked_.end(), user_frames_.begin(),
                       [this](const WalkedFrame& frame) { return id_of(frame.frame, frame.id); });
    }
    count_stop(reason, walked_.empty() ? ModuleId{} : walked_.back().frame.module, result);
    result.frame_pointer_frames += walk.by_frame_pointer;
    result.analysed_frames += walk.by_analysis;
    result.chain_frames += walked_.size() - found;
    // Which words tell one call from another was measured on x86-64. A chain's frames have none.
    const bool is_longer = walked_.size() != found;
    if (!stitching_ || is_longer || registers.abi() != TaskAbi::x86_64) return {reason, {}};
    const auto kept = keep_for_stitching(sample, stack, walk, path);
    return {reason, reason == StopReason::truncated ? kept : std::nullopt};
}

TimelineSample SampleWorker::timeline_sample(const SampleView& sample, std::size_t attr,
                                             EventTime when, StackId stack) const {
    const CommId comm = scan_.processes.comm_at(sample.pid, sample.tid, when);
    return {when, sample.period, sample.pid, sample.tid,
            comm, sample.cpu,    stack,      static_cast<std::uint32_t>(attr)};
}

void SampleWorker::note_switch(const RecordView& record, ChunkResult& result) const {
    if (record.type >= format::record_first_of_tool) return;
    const EventTime when = file_.event_time(record);
    const bool has_time = when.time < format::off_cpu_first_time;
    if (has_time) result.end.value = std::max(result.end.value, when.time);
    if (record.type == format::record_sample) return;
    const Tid tid = file_.trailer_key(record).value_or(SampleLayout::Key{}).tid;
    const auto thread_switch = decode_thread_switch(record, tid, when);
    if (thread_switch) result.switches.push_back(*thread_switch);
}

// Before any filter: a thread that is wanted may come where one that is not leaves.
void SampleWorker::note_sched_switch(const SampleView& sample, std::size_t attr, Endian endian,
                                     EventTime when, ChunkResult& result) const {
    if (!is_sched_switch(file_.attrs()[attr])) return;
    const auto both = decode_sched_switch(file_.attrs()[attr], sample, endian, when);
    if (!both) {
        ++result.unread_switches;
        return;
    }
    result.switches.push_back(both->first);
    result.switches.push_back(both->second);
}

void SampleWorker::note_depth(const SampleView& sample, StopReason reason,
                              ChunkResult& result) const {
    const bool cut = reason == StopReason::truncated;
    if (walked_.empty() || (!cut && reason != StopReason::complete)) return;
    const std::uint64_t sp = walked_.front().sp.value;
    const std::uint64_t end = cut ? sp + sample.user_stack.size() : walked_.back().sp.value;
    result.depths.push_back({sample.pid, sample.tid, sp, end, cut});
}

// The chain the kernel recorded: of a DWARF recording its kernel half only, else both. The first
// address after a marker is where that context was, the later ones are return addresses.
void SampleWorker::add_chain(const SampleView& sample, const ProcessAt& process, EventTime when,
                             CpuMode sample_mode, bool want_user) {
    CpuMode mode = sample_mode;
    FrameKind kind = FrameKind::exact;
    for (std::size_t i = 0; i < sample.callchain.size(); ++i) {
        const std::uint64_t address = sample.callchain[i];
        if (address == format::context_user_deferred) {
            if (want_user && i + 1 < sample.callchain.size()) cookie_ = sample.callchain[i + 1];
            return;
        }
        if (address >= format::context_first_marker) {
            mode = mode_of_marker(address);
            kind = FrameKind::exact;
            continue;
        }
        if (mode == CpuMode::kernel) {
            kernel_frames_.push_back(
                kernel_label(walker_.resolve(scan_.processes.kernel(), when, Avma{address}, kind)));
        } else if (mode == CpuMode::user && want_user) {
            user_frames_.push_back(
                user_label(walker_.resolve(*process.user, when, Avma{address}, kind)));
        } else if (mode == CpuMode::guest_kernel && options_.guests) {
            kernel_frames_.push_back(kernel_label(guest_frame(Avma{address}, mode)));
        } else if (is_guest(mode) && options_.guests) {
            user_frames_.push_back(user_label(guest_frame(Avma{address}, mode)));
        }
        kind = FrameKind::return_address;
    }
}

Frame SampleWorker::guest_frame(Avma address, CpuMode mode) const {
    return {mode == CpuMode::guest_kernel ? guest_kernel_module : guest_user_module,
            FrameKind::exact, options_.unknown_addresses ? address.value : 0};
}

// Linux records no chain of a guest (perf_guest_state() ends it); what there is then is the host's
// side of it: the thread of the hypervisor that runs it.
void SampleWorker::add_guest_leaf(Avma ip, CpuMode mode) {
    const bool in_kernel = mode == CpuMode::guest_kernel;
    if (in_kernel ? options_.hide_kernel : options_.hide_user) return;
    std::vector<FrameId>& frames = in_kernel ? kernel_frames_ : user_frames_;
    const bool has_leaf = !frames.empty() && !is_real(tables_->frames[frames.front()].module);
    if (!has_leaf) frames.insert(frames.begin(), id_of(guest_frame(ip, mode), no_frame));
}

// The sample's user part stands in another record; see DeferredChains.
void SampleWorker::defer(const RecordView& record, std::size_t attr, const SampleView& sample,
                         const ProcessAt& process, EventTime when, ChunkResult& result) {
    DeferredSample deferred;
    deferred.key = {sample.tid, *cookie_};
    deferred.group = intern_group(group_of(sample, attr, when));
    deferred.event = static_cast<std::uint32_t>(attr);
    deferred.period = sample.period;
    deferred.file_offset = record.file_offset;
    if (!kernel_frames_.empty()) {
        if (!options_.hide_kernel) deferred.kernel = outermost_first(kernel_frames_);
    } else {
        user_frames_.clear();
        add_leaf(sample, process, when, record.cpu_mode());
        if (options_.hide_kernel) kernel_frames_.clear();
        deferred.leaf = outermost_first(user_frames_.empty() ? kernel_frames_ : user_frames_);
    }
    if (options_.timeline) deferred.timed = timeline_sample(sample, attr, when, no_stack);
    result.deferred_samples.push_back(std::move(deferred));
}

// Its addresses are of the time when the thread returned to user mode: if that was from an exec,
// of the new program, and so are the mappings.
void SampleWorker::add_deferred_chain(const RecordView& record, ChunkResult& result) {
    const std::optional<DeferredChainView> deferred = decode_deferred_chain(record);
    const std::optional<SampleLayout::Key> thread = file_.trailer_key(record);
    if (!deferred || !thread) {
        result.diagnostics.add(Problem::record_too_small, record.file_offset);
        return;
    }
    const EventTime when = file_.event_time(record);
    const ProcessAt process = scan_.processes.process_at(thread->pid, when);
    user_frames_.clear();
    FrameKind kind = FrameKind::exact;
    for (std::size_t i = 0; i < deferred->chain.size(); ++i) {
        const std::uint64_t address = deferred->chain[i];
        if (address >= format::context_first_marker) continue;
        user_frames_.push_back(
            id_of(walker_.resolve(*process.user, when, Avma{address}, kind), no_frame));
        kind = FrameKind::return_address;
    }
    result.deferred_chains.push_back(
        {{thread->tid, deferred->cookie}, outermost_first(user_frames_)});
}

void SampleWorker::add_leaf(const SampleView& sample, const ProcessAt& process, EventTime when,
                            CpuMode mode) {
    if (mode == CpuMode::kernel) {
        kernel_frames_.push_back(kernel_label(
            walker_.resolve(scan_.processes.kernel(), when, sample.ip, FrameKind::exact)));
    } else {
        user_frames_.push_back(
            user_label(walker_.resolve(*process.user, when, sample.ip, FrameKind::exact)));
    }
}

void SampleWorker::count_stop(StopReason reason, ModuleId module, ChunkResult& result) {
    ++result.stop_reasons[static_cast<std::size_t>(reason)];
    // Of no module's making: the end of the stack, and samples without one.
    if (!is_early(reason)) return;
    for (StopCount& stop : result.stops) {
        if (stop.module != module || stop.reason != reason) continue;
        ++stop.samples;
        return;
    }
    result.stops.push_back({module, reason, 1});
}

void SampleWorker::uncount_stop(StopReason reason, ModuleId module, ChunkResult& result) {
    --result.stop_reasons[static_cast<std::size_t>(reason)];
    const auto stop = std::find_if(
        result.stops.begin(), result.stops.end(),
        [&](const StopCount& count) { return count.module == module && count.reason == reason; });
    if (--stop->samples == 0) result.stops.erase(stop);
}

bool SampleWorker::is_wanted(const SampleView& sample, EventTime when) {
    if (!options_.filter.accepts(sample)) return false;
    if (options_.filter.comms.empty()) return true;
    const CommId comm = scan_.processes.comm_at(sample.pid, sample.tid, when);
    const auto [entry, added] = comm_wanted_.try_emplace(comm, false);
    if (added) entry->second = options_.filter.accepts_comm(scan_.processes.comm(comm));
    return entry->second;
}

Group SampleWorker::group_of(const SampleView& sample, std::size_t attr, EventTime when) const {
    Group group;
    for (const GroupBy what : options_.group_by) {
        switch (what) {
            case GroupBy::tid:
                group.tid = sample.tid;
                [[fallthrough]];
            case GroupBy::pid:
                group.pid = sample.pid;
                [[fallthrough]];
            case GroupBy::comm:
                group.comm = scan_.processes.comm_at(sample.pid, sample.tid, when);
                break;
            case GroupBy::cpu:
                group.cpu = sample.cpu;
                break;
            case GroupBy::cgroup:
                group.cgroup = sample.cgroup;
                break;
            case GroupBy::event:
                group.event = static_cast<std::uint32_t>(attr);
                break;
        }
    }
    return group;
}

std::uint32_t SampleWorker::intern_group(const Group& group) {
    const auto [entry, added] =
        group_index_.try_emplace(group, static_cast<std::uint32_t>(tables_->groups.size()));
    if (added) tables_->groups.push_back(group);
    return entry->second;
}

// The steps that the sample at hand shares get the numbers they have on that root.
void SampleWorker::set_root(Path& path, const Group& group) {
    path.group = group;
    path.root = tables_->stacks.root(intern_group(group));
    path.steps.resize(shared_frames_);
    StackId stack = path.root;
    for (Path::Step& step : path.steps) {
        stack = step.stack = tables_->stacks.child(stack, step.frame);
    }
}

StackId SampleWorker::intern_stack(const Group& group, Path& path) {
    if (path.root == no_stack || path.group != group) set_root(path, group);
    std::size_t depth = shared_frames_;
    StackId stack = depth == 0 ? path.root : path.steps[depth - 1].stack;
    bool differs = false;
    // Outermost first, behind the shared ones: user frames, kernel frames.
    for (const std::vector<FrameId>* frames : {&user_frames_, &kernel_frames_}) {
        for (auto frame = frames->rbegin(); frame != frames->rend(); ++frame) {
            if (!differs && depth < path.steps.size() && path.steps[depth].frame == *frame) {
                stack = path.steps[depth++].stack;
                continue;
            }
            if (!differs) path.steps.resize(depth);
            differs = true;
            stack = tables_->stacks.child(stack, *frame);
            path.steps.push_back({*frame, stack});
        }
    }
    return stack;
}

}  // namespace fgread
