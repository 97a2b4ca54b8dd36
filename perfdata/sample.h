// EventAttr, SampleLayout and SampleView: what a recording's events ask for, and one sample.
//
// A layout is built once per attr. It finds the fields that every record needs (time, pid, id)
// without decoding the rest, and decodes all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"
#include "perfdata/record.h"

namespace fgread {

// perf_event_attr, as far as a reader of profiles needs it; fields a short attr lacks are 0.
struct EventAttr {
    std::uint32_t type = 0;
    std::uint64_t config = 0;
    std::uint64_t sample_period_or_freq = 0;
    std::uint64_t sample_type = 0;
    std::uint64_t read_format = 0;
    std::uint64_t flags = 0;  // the bit-field, bit 0 = disabled (format.h names the bits)
    std::uint64_t branch_sample_type = 0;
    std::uint64_t sample_regs_user = 0;
    std::uint32_t sample_stack_user = 0;
    std::uint64_t sample_regs_intr = 0;
    std::int32_t clockid = 0;
    std::uint16_t sample_max_stack = 0;

    std::vector<std::uint64_t> ids;
    std::string name;  // from EVENT_DESC, else made up from type and config

    [[nodiscard]] bool has_flag(unsigned bit) const { return (flags >> bit) & 1; }
};

// Registers of a sample: only those of the mask are present.
struct RegsView {
    std::uint64_t abi = 0;   // 0 none, 1 32-bit task, 2 64-bit task
    std::uint64_t mask = 0;  // perf register numbers of the recording's architecture
    U64View values;          // in ascending bit order of mask
};

// One PERF_RECORD_SAMPLE. Of perf record --off-cpu (6.16 and later; before, its samples were plain
// ones) pid, tid, ip, period, callchain and cgroup are those of RAW, as perf reads it. Fields whose
// sample_type bit is not set keep their default.
struct SampleView {
    std::uint64_t sample_type = 0;  // which fields are there
    std::uint64_t id = 0;
    Avma ip;
    Pid pid;
    Tid tid;
    TimestampNs time;
    std::uint64_t addr = 0;
    std::uint64_t stream_id = 0;
    std::uint32_t cpu = 0;
    std::uint64_t period = 0;  // the weight: recorded, else attr.sample_period, else 1
    U64View read;              // PERF_SAMPLE_READ: CounterValues (counter_values.h)
    U64View callchain;
    ByteView raw;
    ByteView branch_stack;  // entries only, 24 bytes each
    // The register of the newest entry (hw_idx); all ones if the recording does not say.
    std::uint64_t branch_newest = ~std::uint64_t{0};
    RegsView user_regs;
    ByteView user_stack;                     // only the bytes that were really copied (dyn_size)
    std::uint64_t user_stack_requested = 0;  // size of the dump area
    std::uint64_t weight = 0, data_src = 0, transaction = 0;
    RegsView intr_regs;
    std::uint64_t phys_addr = 0, cgroup = 0, data_page_size = 0, code_page_size = 0;
    ByteView aux;
};

// Immutable after construction; all calls are thread-safe and allocate nothing.
class SampleLayout {
public:
    explicit SampleLayout(const EventAttr& attr);

    // Time, pid and tid without the rest; nothing if the record is too small. What the
    // sample_type does not hold is 0 (time) or -1 (pid, tid). Of off-CPU samples: of whoever ran.
    struct Key {
        TimestampNs time;
        Pid pid;
        Tid tid;
    };
    [[nodiscard]] std::optional<Key> peek(const RecordView& sample) const;
    // Everything; nothing if a count or size runs past the end of the record.
    // Fields behind a sample_type bit that is not known yet (25 and up) may lie anywhere after
    // the fixed ones, so then the tail is read as far as it makes sense.
    [[nodiscard]] std::optional<SampleView> decode(const RecordView& sample) const;
    // The id that says which event a SAMPLE belongs to; nothing if it holds none.
    [[nodiscard]] std::optional<std::uint64_t> event_id(const RecordView& sample) const;

    // Time of a record that is not a SAMPLE, from its sample_id trailer; nothing if it has none.
    [[nodiscard]] std::optional<TimestampNs> trailer_time(const RecordView& record) const;
    // As peek(), of a record that is not a SAMPLE; nothing if it has no trailer.
    [[nodiscard]] std::optional<Key> trailer_key(const RecordView& record) const;
    // The event's id from the trailer of a record that is not a SAMPLE.
    [[nodiscard]] std::optional<std::uint64_t> trailer_event_id(const RecordView& record) const;
    // Bytes of the sample_id trailer of non-SAMPLE records (0 without sample_id_all).
    [[nodiscard]] std::size_t trailer_size() const { return trailer_size_; }

    // Whether RAW says what the sample is of; see SampleView.
    [[nodiscard]] bool is_off_cpu() const { return off_cpu_; }

    // Where event_id() looks, in bytes from the start of the body; nothing without an id. Two
    // attrs of one recording that differ here cannot be told apart by position.
    [[nodiscard]] std::optional<std::size_t> event_id_offset() const { return id_offset_; }

private:
    bool decode_fixed(ByteReader& in, SampleView& view) const;
    bool decode_variable(ByteReader& in, SampleView& view) const;
    bool decode_tail(ByteReader& in, SampleView& view) const;

    EventAttr attr_;  // without ids and name
    // Bytes from the start of a SAMPLE's body.
    std::optional<std::size_t> tid_offset_, time_offset_, id_offset_;
    std::size_t fixed_size_ = 0;  // all fields up to PERIOD
    // Bytes from the *end* of other records, to the start of the field.
    std::optional<std::size_t> trailer_tid_offset_, trailer_time_offset_, trailer_id_offset_;
    std::size_t trailer_size_ = 0;
    bool off_cpu_ = false;
};

}  // namespace fgread
