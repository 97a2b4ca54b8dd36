#include "tools/dump_stacks.h"

#include <optional>
#include <vector>

#include "collapse/fold.h"
#include "collapse/frame_names.h"
#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "symbols/module_cache.h"
#include "unwind/architecture.h"
#include "unwind/walker.h"

namespace fgread::tools {

namespace {

bool is_marker(std::uint64_t entry) { return entry >= format::context_first_marker; }

char marker_letter(std::uint64_t marker) {
    switch (marker) {
        case format::context_kernel:
            return 'K';
        case format::context_user:
            return 'U';
        case format::context_hypervisor:
            return 'H';
        default:
            return 'G';
    }
}

// The name of each distinct frame, looked up once.
class PhysicalNames {
public:
    explicit PhysicalNames(Symbolizer& symbolizer) : symbolizer_(symbolizer) {}

    const std::string& of(const Frame& frame) {
        const FrameId id = frames_.intern(frame);
        if (id == names_.size()) names_.push_back(look_up(frame));
        return names_[id];
    }

private:
    std::string look_up(const Frame& frame) {
        const InlineChain chain = symbolizer_.symbolize(frame);
        return escape_frame_name(chain.functions.empty() ? chain.module_label
                                                         : chain.functions.back().name);
    }

    Symbolizer& symbolizer_;
    FrameTable frames_;
    std::vector<std::string> names_;
};

class StackDump {
public:
    StackDump(const PerfFile& file, const Scan& scan, ModuleCache& modules, PhysicalNames* names,
              DumpOutput& out)
        : file_(file), scan_(scan), walker_(modules), names_(names), out_(out) {}

    void add(const RecordView& record, Diagnostics& diagnostics);
    // The processes have grown.
    void begin_batch() { walker_.forget_spaces(); }

private:
    struct Context {
        const SampleView& sample;
        ProcessAt process;
        EventTime when;
        CpuMode mode;
    };

    std::string_view walk(const Context& context);
    void add_walk();
    void add_chain(const SampleView& sample);
    void add_walk_names();
    void add_chain_names(const Context& context);
    std::string chain_name(const Context& context, CpuMode mode, std::uint64_t address,
                           FrameKind kind);
    void add_unwalked(const RecordView& record, const char* why);

    const PerfFile& file_;
    const Scan& scan_;
    StackWalker walker_;
    PhysicalNames* names_;  // null: no names wanted
    DumpOutput& out_;
    std::vector<WalkedFrame> frames_;
};

void StackDump::add(const RecordView& record, Diagnostics& diagnostics) {
    const auto decoded = file_.decode_sample(record, diagnostics);
    if (!decoded) return add_unwalked(record, "malformed");
    const SampleView& sample = decoded->sample;
    const EventTime when = file_.event_time(record);
    const Context context{sample, scan_.processes.process_at(sample.pid, when), when,
                          record.cpu_mode()};
    out_.add("{:#x}\t{}\t{}\t{}\t{}\t{}\t", record.file_offset, sample.pid.value, sample.tid.value,
             sample.time.value, decoded->attr_index, walk(context));
    add_walk();
    out_.add_text("\t");
    add_chain(sample);
    if (names_ != nullptr) {
        out_.add_text("\t");
        add_walk_names();
        out_.add_text("\t");
        add_chain_names(context);
    }
    out_.add_text("\n");
}

std::string_view StackDump::walk(const Context& context) {
    frames_.clear();
    if (context.mode == CpuMode::guest_kernel || context.mode == CpuMode::guest_user) {
        return "guest";
    }
    const SampleView& sample = context.sample;
    if (sample.user_regs.abi == 0 || sample.user_stack.empty()) {
        return stop_reason_key(StopReason::no_registers);
    }
    const Features& features = file_.features();
    const RecordedMachine machine = recorded_machine(features.arch, features.elf_machine);
    const RegisterFile registers = registers_from_sample(machine, sample.user_regs);
    const StackMemory stack = stack_from_sample(machine, registers, sample.user_stack);
    const WalkResult result =
        walker_.walk(*context.process.user, context.when, registers, stack, frames_);
    return stop_reason_key(result.reason);
}

void StackDump::add_walk() {
    if (frames_.empty()) out_.add_text("-");
    const char* separator = "";
    for (const WalkedFrame& frame : frames_) {
        out_.add("{}{:x}/{:x}", separator, frame.pc.value, frame.sp.value);
        separator = ",";
    }
}

void StackDump::add_chain(const SampleView& sample) {
    if (sample.callchain.empty()) out_.add_text("-");
    for (std::size_t i = 0; i < sample.callchain.size(); ++i) {
        if (i != 0) out_.add_text(",");
        const std::uint64_t entry = sample.callchain[i];
        if (is_marker(entry))
            out_.add("{}", marker_letter(entry));
        else
            out_.add("{:x}", entry);
    }
}

void StackDump::add_walk_names() {
    if (frames_.empty()) out_.add_text("-");
    const char* separator = "";
    for (const WalkedFrame& frame : frames_) {
        out_.add("{}{}", separator, names_->of(frame.frame));
        separator = ";";
    }
}

// The first address after a marker is where that context was, the later ones are return addresses.
void StackDump::add_chain_names(const Context& context) {
    const U64View& chain = context.sample.callchain;
    if (chain.empty()) out_.add_text("-");
    CpuMode mode = context.mode;
    FrameKind kind = FrameKind::exact;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (i != 0) out_.add_text(";");
        if (!is_marker(chain[i])) {
            out_.add_text(chain_name(context, mode, chain[i], kind));
            kind = FrameKind::return_address;
            continue;
        }
        const char letter = marker_letter(chain[i]);
        mode = letter == 'K' ? CpuMode::kernel : letter == 'U' ? CpuMode::user : CpuMode::unknown;
        kind = FrameKind::exact;
        out_.add("{}", letter);
    }
}

std::string StackDump::chain_name(const Context& context, CpuMode mode, std::uint64_t address,
                                  FrameKind kind) {
    if (mode != CpuMode::kernel && mode != CpuMode::user) return "[unknown]";
    const AddressSpace& space =
        mode == CpuMode::kernel ? scan_.processes.kernel() : *context.process.user;
    return names_->of(walker_.resolve(space, context.when, Avma{address}, kind));
}

void StackDump::add_unwalked(const RecordView& record, const char* why) {
    out_.add("{:#x}\t-\t-\t-\t-\t{}\t-\t-{}\n", record.file_offset, why,
             names_ != nullptr ? "\t-\t-" : "");
}

Result<void> dump_samples(const PerfFile& file, Scan& scan, StackDump& dump, const DumpOutput& out,
                          Diagnostics& diagnostics) {
    std::vector<std::byte> buffer;
    do {
        dump.begin_batch();
        for (const Chunk& chunk : scan.chunks) {
            const Result<ByteView> bytes = file.read_chunk(chunk, buffer);
            if (!bytes) return bytes.error();
            RecordCursor cursor = file.records(chunk, *bytes);
            while (const std::optional<RecordView> record = cursor.next()) {
                if (record->type == format::record_sample) dump.add(*record, diagnostics);
                if (!out.wanted()) return {};
            }
        }
    } while (file.next_batch(scan, diagnostics));
    return {};
}

}  // namespace

Result<void> dump_stacks(const std::string& path, const StackDumpOptions& options, DumpOutput& out,
                         Diagnostics& diagnostics) {
    const Result<PerfFile> file = PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    Result<Scan> scan = file->scan(diagnostics);
    if (!scan) return scan.error();

    ModuleCache modules(scan->processes.mappings(),
                        module_sources(*file, options.symfs, options.kallsyms));
    modules.use_processes(scan->processes, has_monotonic_clock(*file));
    Symbolizer symbolizer(modules, {.names = options.style, .inlines = false});
    PhysicalNames names(symbolizer);
    StackDump dump(*file, *scan, modules, options.names ? &names : nullptr, out);
    const Result<void> done = dump_samples(*file, *scan, dump, out, diagnostics);
    diagnostics.merge(modules.diagnostics());
    diagnostics.merge(symbolizer.diagnostics());
    return done;
}

}  // namespace fgread::tools
