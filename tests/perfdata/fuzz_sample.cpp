// One record of each kind from arbitrary bytes, under an attr that is taken from the input too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "perfdata/format.h"
#include "perfdata/sample.h"
#include "perfdata/thread_switch.h"

using namespace fgread;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// Views must lie inside the record.
void require_inside(ByteView part, ByteView whole) {
    if (part.empty()) return;
    require(part.data() >= whole.data());
    require(part.data() + part.size() <= whole.data() + whole.size());
}

// Reads every word, so that AddressSanitizer sees it.
void touch(const U64View& words) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < words.size(); ++i) sum += words[i];
    volatile std::uint64_t sink = sum;
    static_cast<void>(sink);
}

void check_sample(const SampleLayout& layout, const RecordView& record) {
    const auto key = layout.peek(record);
    static_cast<void>(layout.event_id(record));
    const auto sample = layout.decode(record);
    if (!sample) return;
    require(key.has_value());
    require(key->time == sample->time);
    if (!layout.is_off_cpu()) require(key->pid == sample->pid && key->tid == sample->tid);
    touch(sample->callchain);
    touch(sample->user_regs.values);
    touch(sample->intr_regs.values);
    touch(sample->read);
    require_inside(sample->raw, record.body);
    EventAttr tracepoint;
    tracepoint.config = record.misc;
    static_cast<void>(decode_sched_switch(tracepoint, *sample, record.endian, {1, 1}));
    require_inside(sample->branch_stack, record.body);
    require_inside(sample->user_stack, record.body);
    require_inside(sample->aux, record.body);
    require(sample->user_stack.size() <= sample->user_stack_requested);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteReader in(std::as_bytes(std::span(data, size)));
    RecordView record;
    record.endian = (in.u8() & 1) != 0 ? Endian::big : Endian::little;
    record.misc = in.u16();
    EventAttr attr;
    attr.sample_type = in.u64();
    attr.read_format = in.u64();
    attr.flags = in.u64();
    attr.branch_sample_type = in.u64();
    attr.sample_regs_user = in.u64();
    attr.sample_regs_intr = in.u64();
    if (!in.ok()) return 0;
    record.body = in.bytes(in.remaining());

    const SampleLayout layout(attr);
    record.type = format::record_sample;
    check_sample(layout, record);
    attr.type = format::type_software;
    attr.config = format::software_bpf_output;
    attr.name = format::off_cpu_event_name;
    check_sample(SampleLayout(attr), record);
    for (std::uint32_t type = 0; type <= format::known_type_limit; ++type) {
        record.type = type;
        static_cast<void>(layout.trailer_time(record));
        static_cast<void>(layout.trailer_event_id(record));
        const Tid tid = layout.trailer_key(record).value_or(SampleLayout::Key{}).tid;
        static_cast<void>(decode_thread_switch(record, tid, {1, 1}));
        require(!record_type_name(type).empty());
    }
    for (const auto& map : {decode_mmap(record), decode_mmap2(record)}) {
        if (!map) continue;
        require_inside(map->build_id, record.body);
        require(std::count(map->path.begin(), map->path.end(), '\0') == 0);
    }
    if (const auto comm = decode_comm(record)) require(comm->comm.size() < record.body.size());
    static_cast<void>(decode_task(record));
    if (const auto symbol = decode_ksymbol(record)) {
        require(symbol->name.size() < record.body.size());
    }
    if (const auto cgroup = decode_cgroup(record)) {
        require(cgroup->path.size() < record.body.size());
    }
    if (const auto deferred = decode_deferred_chain(record)) touch(deferred->chain);
    return 0;
}
