// The feature sections (file_header.h): tools/perf/util/header.c writes them, feat_ops lists them.
#include <algorithm>
#include <charconv>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "perfdata/file_header.h"
#include "perfdata/format.h"

namespace fgread {
namespace {

using namespace format;

// Real ones have some KB, a build-id table of a whole system some MB.
constexpr std::uint64_t max_feature_size = std::uint64_t{64} << 20;
constexpr std::size_t max_build_id_size = 20;  // u8 build_id[20] of a table entry

// u32 length, then that many bytes, of which the text ends at the first NUL.
std::string read_string(ByteReader& in) {
    const std::uint32_t length = in.u32();
    const ByteView bytes = in.bytes(length);
    const auto end = std::find(bytes.begin(), bytes.end(), std::byte{0});
    std::string text;
    std::transform(bytes.begin(), end, std::back_inserter(text),
                   [](std::byte byte) { return static_cast<char>(byte); });
    return text;
}

std::vector<std::string> read_strings(ByteReader& in) {
    const std::uint32_t count = in.u32();
    std::vector<std::string> strings;
    // Not reserved: the count is the file's word. A string takes 4 bytes at least.
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) strings.push_back(read_string(in));
    return strings;
}

// Before 5.12 the size of a build-id was not recorded: 20, or less where zeros fill the end (an MD5
// id has 16 bytes). Ids come in multiples of 4.
std::size_t size_without_zeros(ByteView id) {
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    std::size_t size = id.size();
    while (size >= 4 && std::all_of(id.begin() + static_cast<std::ptrdiff_t>(size - 4),
                                    id.begin() + static_cast<std::ptrdiff_t>(size), is_zero)) {
        size -= 4;
    }
    return size;
}

// Whole entries only, so that a file cut in the middle keeps the ones before.
std::vector<BuildIdEntry> read_build_ids(ByteReader& in) {
    std::vector<BuildIdEntry> entries;
    while (in.remaining() >= record_header_size) {
        ByteReader header = in;
        header.skip(4);  // type: 0 here
        const std::uint16_t misc = header.u16();
        const std::uint16_t size = header.u16();
        ByteReader body(in.bytes(size), in.endian());
        body.skip(record_header_size);
        auto entry = read_build_id(misc, body);
        if (!in.ok() || !body.ok()) {
            in.fail();
            break;
        }
        if (entry) entries.push_back(std::move(*entry));
    }
    return entries;
}

std::vector<EventDescription> read_event_descriptions(ByteReader& in) {
    const std::uint32_t count = in.u32();
    const std::uint32_t attr_size = in.u32();
    std::vector<EventDescription> events;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        in.skip(attr_size);
        const std::uint32_t id_count = in.u32();
        EventDescription event;
        event.name = read_string(in);
        const U64View ids(in.bytes(std::uint64_t{id_count} * 8), in.endian());
        for (std::size_t k = 0; k < ids.size(); ++k) event.ids.push_back(ids[k]);
        if (in.ok()) events.push_back(std::move(event));
    }
    return events;
}

// One PMU's capabilities, names with values: how many registers keep its branches.
void read_pmu_capabilities(ByteReader& in, std::optional<std::uint64_t>& registers) {
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const std::string name = read_string(in);
        const std::string value = read_string(in);
        if (name != "branches") continue;
        std::uint64_t number = 0;
        std::from_chars(value.data(), value.data() + value.size(), number);
        registers = registers.value_or(number) == number ? number : 0;
    }
}

// Of all PMUs: one of a hybrid processor may have fewer than another.
std::uint64_t read_branch_registers(unsigned bit, ByteReader& in) {
    std::optional<std::uint64_t> registers;
    const bool several = bit == feature_pmu_caps;
    const std::uint32_t pmus = several ? in.u32() : 1;
    for (std::uint32_t i = 0; i < pmus && in.ok(); ++i) {
        read_pmu_capabilities(in, registers);
        if (several) read_string(in);  // its name
    }
    return in.ok() ? registers.value_or(0) : 0;
}

}  // namespace

std::optional<BuildIdEntry> read_build_id(std::uint16_t misc, ByteReader& body) {
    BuildIdEntry entry;
    entry.pid.value = body.i32();
    entry.mode = static_cast<CpuMode>(misc & misc_cpu_mode_mask);
    const ByteView id = body.bytes(max_build_id_size);
    std::size_t id_size = body.u8();
    body.skip(3);
    entry.path = body.c_string();
    if (!body.ok()) return std::nullopt;
    if ((misc & misc_build_id_size_valid) == 0) id_size = size_without_zeros(id);
    if (id_size > max_build_id_size) return std::nullopt;  // says not which bytes count
    for (const std::byte byte : id.first(id_size)) {
        entry.build_id.bytes.push_back(std::to_integer<std::uint8_t>(byte));
    }
    return entry;
}

void read_feature(unsigned bit, ByteReader& in, Features& features) {
    switch (bit) {
        case feature_build_id:
            features.build_ids = read_build_ids(in);
            break;
        case feature_hostname:
            features.hostname = read_string(in);
            break;
        case feature_os_release:
            features.os_release = read_string(in);
            break;
        case feature_version:
            features.perf_version = read_string(in);
            break;
        case feature_arch:
            features.arch = read_string(in);
            break;
        case feature_nr_cpus:
            features.cpus_available = in.u32();
            features.cpus_online = in.u32();
            break;
        case feature_cpu_desc:
            features.cpu_description = read_string(in);
            break;
        case feature_cpu_id:
            features.cpu_id = read_string(in);
            break;
        case feature_total_mem:
            features.total_memory_kb = in.u64();
            break;
        case feature_cmdline:
            features.command_line = read_strings(in);
            break;
        case feature_event_desc:
            features.events = read_event_descriptions(in);
            break;
        case feature_sample_time: {
            const std::uint64_t first = in.u64();
            const std::uint64_t last = in.u64();
            if (in.ok()) features.sample_time = {first, last};
            break;
        }
        case feature_compressed:
            features.compressed = true;
            break;
        case feature_cpu_pmu_caps:
        case feature_pmu_caps:
            features.branch_registers = read_branch_registers(bit, in);
            break;
        case feature_e_machine:
            features.elf_machine = in.u32();
            break;
        default:
            break;
    }
}

namespace {

bool is_parsed(unsigned bit) {
    return (bit >= feature_build_id && bit <= feature_event_desc) || bit == feature_sample_time ||
           bit == feature_compressed || bit == feature_cpu_pmu_caps || bit == feature_pmu_caps ||
           bit == feature_e_machine;
}

struct FeatureName {
    unsigned bit;
    const char* name;
};

// Those that a user misses; perf records twenty.
constexpr FeatureName missed[] = {
    {feature_build_id, "build-ids"},        {feature_hostname, "host name"},
    {feature_os_release, "kernel release"}, {feature_arch, "architecture"},
    {feature_cmdline, "command line"},      {feature_event_desc, "event names"}};

// Features that could not be read, told as one: a file that was cut lacks all from some place on.
class LostFeatures {
public:
    void add(unsigned bit, std::uint64_t offset) {
        bits_.push_back(bit);
        offsets_.push_back(offset);
    }
    // The table at `offset`, which was to say where the features from `bit` on are.
    void add_table(const FileHeader& header, unsigned bit, std::uint64_t offset) {
        for (; bit < feature_limit; ++bit) {
            if (header.has_feature(bit)) bits_.push_back(bit);
        }
        offsets_.push_back(offset);
    }
    void tell(Diagnostics& diagnostics) const {
        std::string detail = offsets_.empty() ? "" : text();
        for (const std::uint64_t offset : offsets_) {
            diagnostics.add(Problem::feature_malformed, offset, std::exchange(detail, {}));
        }
    }

private:
    [[nodiscard]] bool has(unsigned bit) const {
        return std::find(bits_.begin(), bits_.end(), bit) != bits_.end();
    }

    // "build-ids, host name and 9 more; ..."
    [[nodiscard]] std::string text() const {
        std::string names;
        std::size_t others = bits_.size();
        for (const FeatureName& each : missed) {
            if (!has(each.bit)) continue;
            names += (names.empty() ? "" : ", ") + std::string(each.name);
            --others;
        }
        if (names.empty()) {
            names = "feature " + std::to_string(bits_.front());
            --others;
        }
        if (others != 0) names += " and " + std::to_string(others) + " more";
        if (has(feature_hostname)) names += "; whether it is of this machine is not known";
        if (has(feature_build_id)) names += "; binaries are checked by inode and age, not build-id";
        return names;
    }

    std::vector<unsigned> bits_;
    std::vector<std::uint64_t> offsets_;
};

std::optional<std::vector<std::byte>> read_section_bytes(const InputFile& file,
                                                         const FileSection& section) {
    if (section.offset > file.size() || section.size > file.size() - section.offset ||
        section.size > max_feature_size) {
        return std::nullopt;
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(section.size));
    const auto got = file.read_at(section.offset, bytes);
    if (!got || *got != bytes.size()) return std::nullopt;
    return bytes;
}

}  // namespace

Features read_features(const InputFile& file, const FileHeader& header, Diagnostics& diagnostics) {
    Features features;
    // A recorder that was killed wrote no features, and one cut off has lost them.
    const std::uint64_t room = file.size() - header.data.offset;
    if (header.data.size == 0 || header.data.size > room) return features;

    // The table follows the records: one section for each bit that is set, in order.
    std::uint64_t table_offset = header.data.offset + header.data.size;
    features.table_found = true;
    LostFeatures lost;
    for (unsigned bit = 0; bit < feature_limit; ++bit) {
        if (!header.has_feature(bit)) continue;
        const auto entry = read_section_bytes(file, {table_offset, attr_ids_section_size});
        if (!entry) {
            lost.add_table(header, bit, table_offset);
            features.table_found = false;
            break;
        }
        table_offset += attr_ids_section_size;
        if (!is_parsed(bit)) continue;
        ByteReader section(*entry, header.endian);
        const std::uint64_t offset = section.u64();
        const auto body = read_section_bytes(file, {offset, section.u64()});
        if (!body) {
            lost.add(bit, offset);
            continue;
        }
        ByteReader in(*body, header.endian);
        read_feature(bit, in, features);
        if (!in.ok()) lost.add(bit, offset);
    }
    lost.tell(diagnostics);
    return features;
}

}  // namespace fgread
