#include "perfdata/sample.h"

#include <bit>

#include "perfdata/format.h"

namespace fgread {
namespace {

using namespace format;

constexpr std::uint64_t word = 8;
constexpr std::uint64_t branch_entry_size = 24;  // u64 from, to, flags

// The one-word fields every SAMPLE starts with, in the order of the record (not of the bits).
constexpr std::uint64_t fixed_fields[] = {
    sample_identifier, sample_ip,        sample_tid, sample_time,   sample_addr,
    sample_id,         sample_stream_id, sample_cpu, sample_period,
};

// The sample_id trailer of other records, in the order of the record.
constexpr std::uint64_t trailer_fields[] = {
    sample_tid, sample_time, sample_id, sample_stream_id, sample_cpu, sample_identifier,
};

// Bytes before `field`, counting only the fields that are present; nothing if it is not.
template <std::size_t n>
std::optional<std::size_t> offset_of(const std::uint64_t (&fields)[n], std::uint64_t sample_type,
                                     std::uint64_t field) {
    std::size_t offset = 0;
    for (const std::uint64_t candidate : fields) {
        const bool present = (sample_type & candidate) != 0;
        if (candidate == field) return present ? std::optional(offset) : std::nullopt;
        if (present) offset += word;
    }
    return std::nullopt;
}

template <std::size_t n>
std::size_t size_of(const std::uint64_t (&fields)[n], std::uint64_t sample_type) {
    std::size_t size = 0;
    for (const std::uint64_t field : fields) size += (sample_type & field) != 0 ? word : 0;
    return size;
}

// `count` words; fails the reader if they are not all there. Division avoids count * 8 overflowing.
U64View read_words(ByteReader& in, std::uint64_t count) {
    if (count > in.remaining() / word) {
        in.fail();
        return {};
    }
    return U64View(in.bytes(count * word), in.endian());
}

// Size of PERF_SAMPLE_READ at the reader's position (perf_event.h, struct read_format).
ByteView read_counters(ByteReader& in, std::uint64_t read_format) {
    const bool group = (read_format & read_group) != 0;
    const std::uint64_t times = ((read_format & read_total_time_enabled) != 0 ? 1 : 0) +
                                ((read_format & read_total_time_running) != 0 ? 1 : 0);
    const std::uint64_t per_value =
        1 + ((read_format & read_id) != 0 ? 1 : 0) + ((read_format & read_lost) != 0 ? 1 : 0);
    if (!group) return in.bytes((per_value + times) * word);
    ByteReader ahead = in;
    const std::uint64_t values = ahead.u64();
    if (values > in.remaining() / word / per_value) {
        in.fail();
        return {};
    }
    return in.bytes((1 + times + values * per_value) * word);
}

RegsView read_registers(ByteReader& in, std::uint64_t mask) {
    RegsView regs;
    regs.abi = in.u64();
    if (regs.abi == 0) return regs;
    regs.mask = mask;
    regs.values = read_words(in, static_cast<std::uint64_t>(std::popcount(mask)));
    return regs;
}

// Nr, [hw_idx], entries, [counters].
void read_branch_stack(ByteReader& in, std::uint64_t branch_sample_type, SampleView& view) {
    const std::uint64_t count = in.u64();
    if ((branch_sample_type & branch_hw_index) != 0) view.branch_newest = in.u64();
    if (count > in.remaining() / branch_entry_size) return in.fail();
    view.branch_stack = in.bytes(count * branch_entry_size);
    if ((branch_sample_type & branch_counters) != 0) in.skip(count * word);
}

// False if the dump claims more valid bytes than it has.
bool read_user_stack(ByteReader& in, SampleView& view) {
    view.user_stack_requested = in.u64();
    if (view.user_stack_requested == 0) return true;  // then not even dyn_size follows
    const ByteView area = in.bytes(view.user_stack_requested);
    const std::uint64_t copied = in.u64();
    if (!in.ok() || copied > area.size()) return false;
    // What lies behind dyn_size was never written: it is the ring buffer's old contents.
    view.user_stack = area.first(static_cast<std::size_t>(copied));
    return true;
}

bool is_off_cpu_event(const EventAttr& attr) {
    return attr.type == type_software && attr.config == software_bpf_output &&
           (attr.sample_type & sample_raw) != 0 && attr.name == off_cpu_event_name;
}

// What the BPF program of perf record --off-cpu says of a thread that was not running.
bool read_off_cpu(SampleView& view, Endian endian) {
    ByteReader in(view.raw, endian);
    const std::uint64_t ids = in.u64();
    view.pid.value = static_cast<std::int32_t>(ids);
    view.tid.value = static_cast<std::int32_t>(ids >> 32);
    view.period = in.u64();
    const std::uint64_t count = in.u64();
    view.callchain = read_words(in, count);
    // Behind the marker of the user's context.
    view.ip.value = view.callchain.size() > 1 ? view.callchain[1] : 0;
    view.cgroup = in.u64();
    return in.ok();
}

}  // namespace

SampleLayout::SampleLayout(const EventAttr& attr) : attr_(attr) {
    off_cpu_ = is_off_cpu_event(attr);
    attr_.ids = {};
    attr_.name = {};
    const std::uint64_t type = attr_.sample_type;
    tid_offset_ = offset_of(fixed_fields, type, sample_tid);
    time_offset_ = offset_of(fixed_fields, type, sample_time);
    id_offset_ = (type & sample_identifier) != 0 ? offset_of(fixed_fields, type, sample_identifier)
                                                 : offset_of(fixed_fields, type, sample_id);
    fixed_size_ = size_of(fixed_fields, type);

    if (!attr_.has_flag(attr_sample_id_all)) return;
    trailer_size_ = size_of(trailer_fields, type);
    const auto from_end = [&](std::uint64_t field) -> std::optional<std::size_t> {
        const auto offset = offset_of(trailer_fields, type, field);
        return offset ? std::optional(trailer_size_ - *offset) : std::nullopt;
    };
    trailer_tid_offset_ = from_end(sample_tid);
    trailer_time_offset_ = from_end(sample_time);
    trailer_id_offset_ = from_end((type & sample_identifier) != 0 ? sample_identifier : sample_id);
}

std::optional<SampleLayout::Key> SampleLayout::peek(const RecordView& sample) const {
    const std::size_t size = sample.body.size();
    const std::byte* body = sample.body.data();
    Key key;
    if (tid_offset_) {
        if (*tid_offset_ + word > size) return std::nullopt;
        key.pid.value = load_unchecked<std::int32_t>(body + *tid_offset_, sample.endian);
        key.tid.value = load_unchecked<std::int32_t>(body + *tid_offset_ + 4, sample.endian);
    }
    if (time_offset_) {
        if (*time_offset_ + word > size) return std::nullopt;
        key.time.value = load_unchecked<std::uint64_t>(body + *time_offset_, sample.endian);
    }
    return key;
}

std::optional<std::uint64_t> SampleLayout::event_id(const RecordView& sample) const {
    if (!id_offset_ || *id_offset_ + word > sample.body.size()) return std::nullopt;
    return load_unchecked<std::uint64_t>(sample.body.data() + *id_offset_, sample.endian);
}

bool SampleLayout::decode_fixed(ByteReader& in, SampleView& view) const {
    const std::uint64_t type = attr_.sample_type;
    if (in.remaining() < fixed_size_) return false;
    if ((type & sample_identifier) != 0) view.id = in.u64();
    if ((type & sample_ip) != 0) view.ip.value = in.u64();
    if ((type & sample_tid) != 0) {
        view.pid.value = in.i32();
        view.tid.value = in.i32();
    }
    if ((type & sample_time) != 0) view.time.value = in.u64();
    if ((type & sample_addr) != 0) view.addr = in.u64();
    if ((type & sample_id) != 0) view.id = in.u64();
    if ((type & sample_stream_id) != 0) view.stream_id = in.u64();
    if ((type & sample_cpu) != 0) {
        view.cpu = in.u32();
        in.skip(4);
    }
    if ((type & sample_period) != 0) {
        view.period = in.u64();
    } else if (!attr_.has_flag(attr_freq) && attr_.sample_period_or_freq != 0) {
        view.period = attr_.sample_period_or_freq;
    } else {
        view.period = 1;  // a frequency was asked for and the period it led to not recorded
    }
    return true;
}

bool SampleLayout::decode_variable(ByteReader& in, SampleView& view) const {
    const std::uint64_t type = attr_.sample_type;
    if ((type & sample_read) != 0) {
        view.read = U64View(read_counters(in, attr_.read_format), in.endian());
    }
    if ((type & sample_callchain) != 0) {
        const std::uint64_t count = in.u64();
        view.callchain = read_words(in, count);
    }
    if ((type & sample_raw) != 0) {
        const std::uint32_t size = in.u32();
        view.raw = in.bytes(size);
    }
    if ((type & sample_branch_stack) != 0) {
        read_branch_stack(in, attr_.branch_sample_type, view);
    }
    if ((type & sample_regs_user) != 0) {
        view.user_regs = read_registers(in, attr_.sample_regs_user);
    }
    if ((type & sample_stack_user) != 0 && !read_user_stack(in, view)) return false;
    return in.ok();
}

bool SampleLayout::decode_tail(ByteReader& in, SampleView& view) const {
    const std::uint64_t type = attr_.sample_type;
    if ((type & (sample_weight | sample_weight_struct)) != 0) view.weight = in.u64();
    if ((type & sample_data_src) != 0) view.data_src = in.u64();
    if ((type & sample_transaction) != 0) view.transaction = in.u64();
    if ((type & sample_regs_intr) != 0) {
        view.intr_regs = read_registers(in, attr_.sample_regs_intr);
    }
    if ((type & sample_phys_addr) != 0) view.phys_addr = in.u64();
    if ((type & sample_cgroup) != 0) view.cgroup = in.u64();
    if ((type & sample_data_page_size) != 0) view.data_page_size = in.u64();
    if ((type & sample_code_page_size) != 0) view.code_page_size = in.u64();
    if (!in.ok()) return false;
    if ((type & sample_aux) == 0) return true;
    const std::uint64_t size = in.u64();
    view.aux = in.bytes(size);
    // AUX is last although its bit is lower. A field this reader does not know may stand before
    // it; then what was read as its size is nothing of the kind, and only AUX is lost.
    return in.ok() || (type & ~sample_known_bits) != 0;
}

std::optional<SampleView> SampleLayout::decode(const RecordView& sample) const {
    ByteReader in(sample.body, sample.endian);
    // Made where it is returned: it is too large to be copied for each sample.
    std::optional<SampleView> result(std::in_place);
    SampleView& view = *result;
    view.sample_type = attr_.sample_type;
    const bool whole = decode_fixed(in, view) && decode_variable(in, view) &&
                       decode_tail(in, view) && (!off_cpu_ || read_off_cpu(view, sample.endian));
    if (!whole) result.reset();
    return result;
}

std::optional<TimestampNs> SampleLayout::trailer_time(const RecordView& record) const {
    if (!trailer_time_offset_ || record.type >= record_first_of_tool ||
        record.body.size() < trailer_size_) {
        return std::nullopt;
    }
    const std::byte* end = record.body.data() + record.body.size();
    return TimestampNs{load_unchecked<std::uint64_t>(end - *trailer_time_offset_, record.endian)};
}

std::optional<SampleLayout::Key> SampleLayout::trailer_key(const RecordView& record) const {
    if (trailer_size_ == 0 || record.type >= record_first_of_tool ||
        record.body.size() < trailer_size_) {
        return std::nullopt;
    }
    const std::byte* end = record.body.data() + record.body.size();
    Key key;
    if (trailer_tid_offset_) {
        key.pid.value = load_unchecked<std::int32_t>(end - *trailer_tid_offset_, record.endian);
        key.tid.value = load_unchecked<std::int32_t>(end - *trailer_tid_offset_ + 4, record.endian);
    }
    if (const auto time = trailer_time(record)) key.time = *time;
    return key;
}

std::optional<std::uint64_t> SampleLayout::trailer_event_id(const RecordView& record) const {
    if (!trailer_id_offset_ || record.type >= record_first_of_tool ||
        record.body.size() < trailer_size_) {
        return std::nullopt;
    }
    const std::byte* end = record.body.data() + record.body.size();
    return load_unchecked<std::uint64_t>(end - *trailer_id_offset_, record.endian);
}

}  // namespace fgread
