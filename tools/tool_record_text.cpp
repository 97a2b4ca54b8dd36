// The records that perf itself writes: tools/lib/perf/include/perf/event.h.
#include <fmt/format.h>

#include <bit>

#include "perfdata/file_header.h"
#include "perfdata/format.h"
#include "perfdata/pipe_header.h"
#include "tools/dump_output.h"
#include "tools/record_text.h"

namespace fgread::tools {

namespace {

// Of a list; a machine with hundreds of processors has tables of thousands.
constexpr std::uint64_t max_shown = 8;

constexpr std::size_t comm_size = 16;             // char comm[16] of THREAD_MAP
constexpr std::size_t event_name_size = 64;       // char name[64] of HEADER_EVENT_TYPE
constexpr std::size_t error_message_size = 64;    // char msg[64] of AUXTRACE_ERROR
constexpr std::size_t metadata_key_size = 64;     // of BPF_METADATA
constexpr std::size_t metadata_value_size = 256;  // of BPF_METADATA
constexpr std::uint64_t update_unit = 0, update_scale = 1, update_name = 2, update_cpus = 3;

// A field of a fixed size, up to its first NUL.
std::string fixed_text(ByteReader& reader, std::size_t size) {
    std::string text;
    for (const std::byte byte : reader.bytes(size)) {
        if (byte == std::byte{0}) break;
        text += static_cast<char>(byte);
    }
    return printable(text);
}

// `count` entries as `show` has them; the first of them, and how many more there are.
template <class Show>
std::string list_text(ByteReader& reader, std::uint64_t count, const Show& show) {
    std::string text = fmt::format("{}:", count);
    for (std::uint64_t i = 0; i < count && i < max_shown && reader.ok(); ++i) {
        text += (i == 0 ? " " : ", ") + show();
    }
    if (!reader.ok()) return malformed();
    return count > max_shown ? text + ", ..." : text;
}

std::string attr_text(const RecordView& record) {
    Diagnostics ignored;
    const auto attr = read_header_attr(record, ignored);
    if (!attr) return malformed();
    return fmt::format("type {} config {:#x} sample_type {:#x} ids {}", attr->type, attr->config,
                       attr->sample_type, attr->ids.size());
}

std::string event_type_text(ByteReader& reader) {
    const std::uint64_t id = reader.u64();
    return fmt::format("{} {}", id, fixed_text(reader, event_name_size));
}

std::string build_id_text(const RecordView& record) {
    ByteReader body(record.body, record.endian);
    const auto entry = read_build_id(record.misc, body);
    if (!entry) return malformed();
    return fmt::format("{} pid {} {}", entry->build_id.hex(), entry->pid.value,
                       printable(entry->path));
}

std::string id_index_text(ByteReader& reader) {
    const std::uint64_t count = reader.u64();
    return "ids " + list_text(reader, count, [&] {
               const std::uint64_t id = reader.u64();
               reader.skip(8);  // its number in perf's list
               const auto cpu = static_cast<std::int64_t>(reader.u64());
               const auto tid = static_cast<std::int64_t>(reader.u64());
               return fmt::format("{} cpu {} tid {}", id, cpu, tid);
           });
}

std::string trace_text(ByteReader& reader) {
    const std::uint64_t size = reader.u64();
    const std::uint64_t offset = reader.u64();
    const std::uint64_t reference = reader.u64();
    const std::uint32_t index = reader.u32();
    const std::int32_t tid = reader.i32();
    const std::int32_t cpu = reader.i32();
    return fmt::format("{} bytes at {:#x} reference {:#x} buffer {} tid {} cpu {}", size, offset,
                       reference, index, tid, cpu);
}

std::string trace_error_text(ByteReader& reader) {
    const std::uint32_t type = reader.u32();
    const std::uint32_t code = reader.u32();
    const std::int32_t cpu = reader.i32();
    const std::int32_t pid = reader.i32();
    const std::int32_t tid = reader.i32();
    const bool has_time = reader.u32() >= 1;
    const std::uint64_t ip = reader.u64();
    if (has_time) reader.skip(8);
    const std::string message = fixed_text(reader, error_message_size);
    return fmt::format("type {} code {} cpu {} {}/{} ip {:#x} {}", type, code, cpu, pid, tid, ip,
                       message);
}

std::string thread_map_text(ByteReader& reader) {
    const std::uint64_t count = reader.u64();
    return "threads " + list_text(reader, count, [&] {
               const auto pid = static_cast<std::int64_t>(reader.u64());
               return fmt::format("{} {}", pid, fixed_text(reader, comm_size));
           });
}

std::string cpu_mask_text(ByteReader& reader) {
    const std::uint16_t count = reader.u16();
    const std::uint16_t word_size = reader.u16();
    if (word_size == 8) reader.skip(4);
    return "mask of words " + list_text(reader, count, [&] {
               return fmt::format("{:#x}", word_size == 8 ? reader.u64() : reader.u32());
           });
}

std::string cpu_map_text(ByteReader& reader) {
    const std::uint16_t type = reader.u16();
    if (type == 0) {
        const std::uint16_t count = reader.u16();
        return "cpus " + list_text(reader, count, [&] { return fmt::format("{}", reader.u16()); });
    }
    if (type == 1) return cpu_mask_text(reader);
    if (type != 2) return fmt::format("type {}", type);
    const bool any = reader.u8() != 0;
    reader.skip(1);
    const std::uint16_t first = reader.u16();
    const std::uint16_t last = reader.u16();
    return fmt::format("cpus {}-{}{}", first, last, any ? " and any" : "");
}

std::string stat_config_text(ByteReader& reader) {
    const std::uint64_t count = reader.u64();
    return "settings " + list_text(reader, count, [&] {
               const std::uint64_t tag = reader.u64();
               return fmt::format("{}={}", tag, reader.u64());
           });
}

std::string stat_text(ByteReader& reader) {
    const std::uint64_t id = reader.u64();
    const std::uint32_t cpu = reader.u32();
    const std::uint32_t thread = reader.u32();
    const std::uint64_t value = reader.u64();
    const std::uint64_t enabled = reader.u64();
    const std::uint64_t running = reader.u64();
    return fmt::format("id {} cpu {} thread {} value {} enabled {} running {}", id, cpu, thread,
                       value, enabled, running);
}

std::string stat_round_text(ByteReader& reader) {
    const std::uint64_t type = reader.u64();
    const std::uint64_t time = reader.u64();
    return fmt::format("{} at {}", type == 0 ? "interval" : "final", time);
}

std::string update_text(ByteReader& reader) {
    const std::uint64_t kind = reader.u64();
    const std::uint64_t id = reader.u64();
    switch (kind) {
        case update_unit:
            return fmt::format("id {} unit {}", id, printable(reader.c_string()));
        case update_scale:
            return fmt::format("id {} scale {}", id, std::bit_cast<double>(reader.u64()));
        case update_name:
            return fmt::format("id {} name {}", id, printable(reader.c_string()));
        case update_cpus:
            return fmt::format("id {} {}", id, cpu_map_text(reader));
        default:
            return fmt::format("id {} kind {}", id, kind);
    }
}

std::string time_conversion_text(ByteReader& reader) {
    const std::uint64_t shift = reader.u64();
    const std::uint64_t factor = reader.u64();
    const std::uint64_t zero = reader.u64();
    return fmt::format("shift {} mult {} zero {}", shift, factor, zero);
}

std::string feature_text(ByteReader& reader) {
    const std::uint64_t bit = reader.u64();
    if (reader.ok() && reader.at_end()) return fmt::format("{} without content", bit);
    return fmt::format("{} {} bytes", bit, reader.remaining());
}

// The name, the number of entries and these. How long the name is depends on the kernel it was
// recorded with; the number stands where it says so itself.
std::string metadata_text(const RecordView& record) {
    constexpr std::size_t entry_size = metadata_key_size + metadata_value_size;
    constexpr std::size_t number_size = 8;
    const std::size_t size = record.body.size();
    if (size < number_size) return malformed();
    // From the largest on: a shorter list could begin among the zeros of an entry.
    for (std::uint64_t count = (size - number_size) / entry_size + 1; count-- > 0;) {
        ByteReader reader(record.body, record.endian);
        const std::size_t name_size = size - number_size - count * entry_size;
        const std::string name = fixed_text(reader, name_size);
        if (reader.u64() != count) continue;
        return name + " " + list_text(reader, count, [&] {
                   const std::string key = fixed_text(reader, metadata_key_size);
                   return key + "=" + fixed_text(reader, metadata_value_size);
               });
    }
    return malformed();
}

std::string schedule_text(const RecordView& record, ByteReader& reader) {
    const std::uint64_t time = reader.u64();
    const std::uint32_t cpu = reader.u32();
    const std::uint16_t version = reader.u16();
    std::string text = fmt::format("cpu {} version {} at {}", cpu, version, time);
    if (record.type == format::record_schedstat_domain) {
        text += fmt::format(" domain {}", reader.u16());
    }
    return text;
}

std::string fields_text(const RecordView& record, ByteReader& reader) {
    switch (record.type) {
        case format::record_header_attr:
            return attr_text(record);
        case format::record_header_event_type:
            return event_type_text(reader);
        case format::record_header_tracing_data:
            return fmt::format("{} bytes", reader.u32());
        case format::record_header_build_id:
            return build_id_text(record);
        case format::record_id_index:
            return id_index_text(reader);
        case format::record_auxtrace_info:
            return fmt::format("type {}", reader.u32());
        case format::record_auxtrace:
            return trace_text(reader);
        case format::record_auxtrace_error:
            return trace_error_text(reader);
        case format::record_thread_map:
            return thread_map_text(reader);
        case format::record_cpu_map:
            return cpu_map_text(reader);
        case format::record_stat_config:
            return stat_config_text(reader);
        case format::record_stat:
            return stat_text(reader);
        case format::record_stat_round:
            return stat_round_text(reader);
        case format::record_event_update:
            return update_text(reader);
        case format::record_time_conv:
            return time_conversion_text(reader);
        case format::record_header_feature:
            return feature_text(reader);
        case format::record_bpf_metadata:
            return metadata_text(record);
        case format::record_schedstat_cpu:
        case format::record_schedstat_domain:
            return schedule_text(record, reader);
        default:
            return {};
    }
}

}  // namespace

std::string tool_record_text(const RecordView& record) {
    ByteReader reader(record.body, record.endian);
    const std::string text = fields_text(record, reader);
    return reader.ok() ? text : malformed();
}

}  // namespace fgread::tools
