#include "support/perf_builder.h"

#include <zstd.h>

#include <algorithm>
#include <map>

#include "perfdata/format.h"

namespace fgread::test {

using namespace format;

Bytes& Bytes::put(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        const unsigned place = order == Endian::little ? i : size - 1 - i;
        data_.push_back(static_cast<std::byte>(value >> (8 * place)));
    }
    return *this;
}

Bytes& Bytes::words(const std::vector<std::uint64_t>& values) {
    for (const std::uint64_t value : values) u64(value);
    return *this;
}

Bytes& Bytes::zeros(std::size_t count) {
    data_.resize(data_.size() + count);
    return *this;
}

Bytes& Bytes::raw(ByteView bytes) {
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    return *this;
}

Bytes& Bytes::text(std::string_view text) {
    for (const char c : text) data_.push_back(static_cast<std::byte>(c));
    return *this;
}

Bytes& Bytes::padded_text(std::string_view content) {
    return text(content).zeros(8 - content.size() % 8);
}

Bytes& Bytes::string_field(std::string_view content) {
    const std::size_t padded = (content.size() / 64 + 1) * 64;
    return u32(padded).text(content).zeros(padded - content.size());
}

void Bytes::patch_u64(std::size_t position, std::uint64_t value) {
    const Bytes bytes = Bytes().u64(value);
    std::copy(bytes.data_.begin(), bytes.data_.end(),
              data_.begin() + static_cast<std::ptrdiff_t>(position));
}

EventAttr cpu_clock_event() {
    EventAttr attr;
    attr.type = type_software;
    attr.sample_period_or_freq = 1000;
    attr.sample_type = sample_ip | sample_tid | sample_time | sample_period | sample_identifier;
    attr.flags = 1ULL << attr_sample_id_all;
    attr.ids = {100};
    return attr;
}

EventAttr dwarf_event(std::uint32_t stack) {
    EventAttr attr = cpu_clock_event();
    attr.sample_type |= sample_callchain | sample_regs_user | sample_stack_user;
    attr.sample_regs_user = 0xff0fff;
    attr.sample_stack_user = stack;
    return attr;
}

Bytes sample_body(const EventAttr& attr, const SampleFields& f) {
    const auto has = [&](std::uint64_t bit) { return (attr.sample_type & bit) != 0; };
    const std::uint64_t id = f.id.value_or(attr.ids.empty() ? 0 : attr.ids.front());
    Bytes out;
    if (has(sample_identifier)) out.u64(id);
    if (has(sample_ip)) out.u64(f.ip);
    if (has(sample_tid)) out.i32(f.pid).i32(f.tid);
    if (has(sample_time)) out.u64(f.time);
    if (has(sample_addr)) out.u64(f.addr);
    if (has(sample_id)) out.u64(id);
    if (has(sample_stream_id)) out.u64(f.stream_id);
    if (has(sample_cpu)) out.u32(f.cpu).u32(0);
    if (has(sample_period)) out.u64(f.period);
    if (has(sample_read)) out.words(f.read);
    if (has(sample_callchain)) out.u64(f.callchain.size()).words(f.callchain);
    if (has(sample_raw)) {
        // The kernel pads so that length and data together are whole words, and counts that.
        const std::size_t padding = (8 - (4 + f.raw.size()) % 8) % 8;
        out.u32(f.raw.size() + padding).raw(f.raw).zeros(padding);
    }
    if (has(sample_branch_stack)) {
        const std::size_t count = f.branches.size() / 3;
        out.u64(count);
        if ((attr.branch_sample_type & branch_hw_index) != 0) out.u64(f.newest_branch);
        out.words(f.branches);
        if ((attr.branch_sample_type & branch_counters) != 0) out.zeros(count * 8);
    }
    if (has(sample_regs_user))
        out.u64(f.user_abi).words(f.user_abi ? f.user_regs : std::vector<std::uint64_t>());
    if (has(sample_stack_user)) {
        const std::uint64_t area = f.stack_area != 0 ? f.stack_area : f.user_stack.size();
        out.u64(area);
        if (area != 0) {
            out.raw(f.user_stack);
            // What the kernel leaves behind the copied part is garbage, never zeros to rely on.
            for (std::size_t i = f.user_stack.size(); i < area; ++i) out.u8(0xee);
            out.u64(f.user_stack.size());
        }
    }
    if (has(sample_weight) || has(sample_weight_struct)) out.u64(f.weight);
    if (has(sample_data_src)) out.u64(f.data_src);
    if (has(sample_transaction)) out.u64(f.transaction);
    if (has(sample_regs_intr))
        out.u64(f.intr_abi).words(f.intr_abi ? f.intr_regs : std::vector<std::uint64_t>());
    if (has(sample_phys_addr)) out.u64(f.phys_addr);
    if (has(sample_cgroup)) out.u64(f.cgroup);
    if (has(sample_data_page_size)) out.u64(f.data_page_size);
    if (has(sample_code_page_size)) out.u64(f.code_page_size);
    if (has(sample_aux)) out.u64(f.aux.size()).raw(f.aux);
    return out;
}

std::size_t PerfBuilder::add_event(EventAttr attr) {
    events_.push_back(std::move(attr));
    return events_.size() - 1;
}

void PerfBuilder::record(std::uint32_t type, std::uint16_t misc, const Bytes& body) {
    records_.u32(type).u16(misc).u16(8 + body.size()).raw(body.data());
}

Bytes PerfBuilder::trailer(const By& by) const {
    Bytes out;
    if (events_.empty() || !events_.front().has_flag(attr_sample_id_all)) return out;
    const EventAttr& attr = events_.front();
    const auto has = [&](std::uint64_t bit) { return (attr.sample_type & bit) != 0; };
    const std::uint64_t id = attr.ids.empty() ? 0 : attr.ids.front();
    if (has(sample_tid)) out.i32(by.pid).i32(by.tid != 0 ? by.tid : by.pid);
    if (has(sample_time)) out.u64(by.time);
    if (has(sample_id)) out.u64(id);
    if (has(sample_stream_id)) out.u64(0);
    if (has(sample_cpu)) out.u32(0).u32(0);
    if (has(sample_identifier)) out.u64(id);
    return out;
}

void PerfBuilder::kernel_record(std::uint32_t type, std::uint16_t misc, Bytes body, const By& by) {
    record(type, misc, body.raw(trailer(by).data()));
}

void PerfBuilder::sample(const SampleFields& fields, std::size_t event) {
    record(record_sample, static_cast<std::uint16_t>(fields.mode),
           sample_body(events_.at(event), fields));
}

namespace {

Bytes map_head(const By& by, const MapFields& map) {
    return Bytes()
        .i32(by.pid)
        .i32(by.tid != 0 ? by.tid : by.pid)
        .u64(map.start)
        .u64(map.length)
        .u64(map.file_offset);
}

std::uint16_t map_misc(const MapFields& map) {
    return static_cast<std::uint16_t>(static_cast<unsigned>(map.mode) |
                                      (map.data ? misc_mmap_data : 0U));
}

}  // namespace

void PerfBuilder::mmap(const By& by, const MapFields& map) {
    kernel_record(record_mmap, map_misc(map), map_head(by, map).padded_text(map.path), by);
}

void PerfBuilder::mmap2(const By& by, const MapFields& map) {
    Bytes body = map_head(by, map);
    std::uint16_t misc = map_misc(map);
    if (map.build_id.empty()) {
        body.u32(8).u32(1).u64(map.inode).u64(0);
    } else {
        misc = static_cast<std::uint16_t>(misc | misc_mmap_build_id);
        body.u8(map.build_id.size()).zeros(3);
        for (const std::uint8_t byte : map.build_id) body.u8(byte);
        body.zeros(20 - map.build_id.size());
    }
    body.u32(map.data ? 1 : 5).u32(2).padded_text(map.path);
    kernel_record(record_mmap2, misc, body, by);
}

void PerfBuilder::comm(const By& by, std::string_view name, bool from_exec) {
    Bytes body;
    body.i32(by.pid).i32(by.tid != 0 ? by.tid : by.pid).padded_text(name);
    kernel_record(record_comm, from_exec ? misc_comm_exec : std::uint16_t{0}, body, by);
}

void PerfBuilder::fork(const By& by, std::int32_t parent_pid, std::int32_t parent_tid,
                       bool synthesised) {
    Bytes body;
    body.i32(by.pid).i32(parent_pid).i32(by.tid != 0 ? by.tid : by.pid).i32(parent_tid);
    kernel_record(record_fork, synthesised ? misc_fork_exec : std::uint16_t{0}, body.u64(by.time),
                  by);
}

void PerfBuilder::exit(const By& by) {
    const std::int32_t tid = by.tid != 0 ? by.tid : by.pid;
    kernel_record(record_exit, 0, Bytes().i32(by.pid).i32(0).i32(tid).i32(0).u64(by.time), by);
}

void PerfBuilder::lost(std::uint64_t count, std::uint64_t time) {
    kernel_record(record_lost, 0, Bytes().u64(100).u64(count), {.time = time});
}

void PerfBuilder::finished_round() { record(record_finished_round, 0, {}); }

void PerfBuilder::raw_bytes(const Bytes& bytes) { records_.raw(bytes.data()); }

std::uint64_t PerfBuilder::next_offset() const {
    std::uint64_t ids = 0;
    for (const EventAttr& event : events_) ids += event.ids.size() * 8;
    return file_header_size + ids + events_.size() * (attr_size + attr_ids_section_size) +
           records_.size();
}

void PerfBuilder::feature(unsigned bit, Bytes body) {
    features_.emplace_back(bit, std::move(body));
}

void PerfBuilder::hostname(std::string_view name) {
    feature(feature_hostname, Bytes().string_field(name));
}

void PerfBuilder::build_id(std::string_view path, const std::vector<std::uint8_t>& id,
                           CpuMode mode) {
    Bytes body;
    body.i32(-1);
    for (const std::uint8_t byte : id) body.u8(byte);
    body.zeros(20 - id.size()).u8(id.size()).zeros(3).padded_text(path);
    build_ids_.u32(0)
        .u16(static_cast<unsigned>(mode) | misc_build_id_size_valid)
        .u16(8 + body.size())
        .raw(body.data());
}

namespace {

// The C compiler of a big-endian machine puts the first bit at the other end.
std::uint64_t bit_field(std::uint64_t bits) {
    if (Bytes::order == Endian::little) return bits;
    std::uint64_t reversed = 0;
    for (unsigned i = 0; i < 64; ++i) reversed |= ((bits >> i) & 1) << (63 - i);
    return reversed;
}

// "PERFILE2" as a little-endian machine reads it.
constexpr std::uint64_t magic = 0x32454c4946524550;

Bytes attr_bytes(const EventAttr& attr, std::uint32_t size) {
    Bytes out;
    out.u32(attr.type).u32(size).u64(attr.config).u64(attr.sample_period_or_freq);
    out.u64(attr.sample_type).u64(attr.read_format).u64(bit_field(attr.flags)).zeros(24);
    out.u64(attr.branch_sample_type).u64(attr.sample_regs_user).u32(attr.sample_stack_user);
    out.i32(attr.clockid).u64(attr.sample_regs_intr).u32(0).u16(attr.sample_max_stack).zeros(34);
    if (size > out.size()) out.zeros(size - out.size());
    return Bytes().raw(ByteView(out.data()).first(size));
}

}  // namespace

void PerfBuilder::event_names() {
    Bytes body;
    body.u32(events_.size()).u32(attr_size);
    for (const EventAttr& event : events_) {
        body.raw(attr_bytes(event, attr_size).data()).u32(event.ids.size());
        body.string_field(event.name).words(event.ids);
    }
    feature(feature_event_desc, body);
}

std::vector<std::byte> PerfBuilder::build() const {
    std::vector<std::pair<unsigned, Bytes>> features;
    if (closed) features = features_;
    if (closed && build_ids_.size() != 0) features.emplace_back(feature_build_id, build_ids_);
    std::sort(features.begin(), features.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::uint64_t bits[4] = {};
    std::size_t bodies = 0;
    for (const auto& [bit, body] : features) {
        bits[bit / 64] |= 1ULL << (bit % 64);
        bodies += body.size();
    }
    std::size_t ids = 0;
    for (const EventAttr& event : events_) ids += event.ids.size() * 8;

    // Where everything is, before any of it is written.
    const std::map<Section, std::size_t> sizes = {
        {Section::ids, ids},
        {Section::attrs, events_.size() * (attr_size + attr_ids_section_size)},
        {Section::records, records_.size() + features.size() * attr_ids_section_size},
        {Section::features, bodies}};
    std::map<Section, std::uint64_t> places;
    std::uint64_t end = file_header_size;
    for (const Section section : order) {
        places[section] = end + gap;
        end += gap + sizes.at(section);
    }

    Bytes file;
    file.u64(magic).u64(file_header_size).u64(attr_size + attr_ids_section_size);
    file.u64(places[Section::attrs]).u64(sizes.at(Section::attrs));
    file.u64(places[Section::records]).u64(closed ? records_.size() : 0);
    file.zeros(16);
    for (const std::uint64_t word : bits) file.u64(word);
    for (const Section section : order) {
        file.zeros(gap);
        std::uint64_t at =
            section == Section::attrs ? places[Section::ids] : places[Section::features];
        if (section == Section::ids) {
            for (const EventAttr& event : events_) file.words(event.ids);
        } else if (section == Section::attrs) {
            for (const EventAttr& event : events_) {
                file.raw(attr_bytes(event, attr_size).data()).u64(at).u64(event.ids.size() * 8);
                at += event.ids.size() * 8;
            }
        } else if (section == Section::records) {
            file.raw(records_.data());
            for (const auto& [bit, body] : features) {
                file.u64(at).u64(body.size());
                at += body.size();
            }
        } else {
            for (const auto& [bit, body] : features) file.raw(body.data());
        }
    }
    return file.data();
}

std::vector<std::byte> PerfBuilder::build_pipe() const {
    Bytes file;
    file.u64(magic).u64(pipe_header_size);
    const auto add = [&](std::uint32_t type, const Bytes& body) {
        file.u32(type).u16(0).u16(8 + body.size()).raw(body.data());
    };
    for (const EventAttr& event : events_) {
        add(record_header_attr, attr_bytes(event, attr_size).words(event.ids));
    }
    for (const auto& [bit, body] : features_) {
        add(record_header_feature, Bytes().u64(bit).raw(body.data()));
    }
    ByteReader ids(build_ids_.data(), Bytes::order);
    while (ids.remaining() >= 8) {
        ByteReader head = ids;
        head.skip(4);
        const std::uint16_t misc = head.u16();
        const ByteView record = ids.bytes(head.u16());
        file.u32(record_header_build_id).u16(misc).u16(record.size()).raw(record.subspan(8));
    }
    file.raw(records_.data());
    return file.data();
}

void PerfBuilder::compress(std::size_t piece, std::uint32_t type) {
    ZSTD_CStream* const stream = ZSTD_createCStream();
    ZSTD_initCStream(stream, 1);
    const Bytes plain = std::move(records_);
    records_ = {};
    for (std::size_t at = 0; at < plain.size(); at += piece) {
        const ByteView bytes =
            ByteView(plain.data()).subspan(at, std::min(piece, plain.size() - at));
        std::vector<std::byte> packed(ZSTD_compressBound(bytes.size()) + 64);
        ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
        ZSTD_outBuffer output{packed.data(), packed.size(), 0};
        // Flushed, never ended: as the recorder does.
        ZSTD_compressStream2(stream, &output, &input, ZSTD_e_flush);
        const ByteView payload = ByteView(packed).first(output.pos);
        Bytes body;
        if (type == record_compressed2) {
            body.u64(payload.size()).raw(payload).zeros((8 - payload.size() % 8) % 8);
        } else {
            body.raw(payload);
        }
        record(type, 0, body);
    }
    ZSTD_freeCStream(stream);
}

}  // namespace fgread::test
