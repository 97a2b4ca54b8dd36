#include "perfdata/file_header.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Opened {
    Diagnostics diagnostics;
    Result<PerfFile> file;
    explicit Opened(const std::vector<std::byte>& bytes)
        : file(PerfFile::open_memory(bytes, "x.data", diagnostics)) {}
};

// The sentence open() refuses these bytes with.
std::string refusal(const std::vector<std::byte>& bytes) {
    const Opened opened(bytes);
    REQUIRE_FALSE(opened.file.has_value());
    CHECK(opened.file.error().message.find("x.data: ") == 0);
    return opened.file.error().message;
}

std::vector<std::byte> text_bytes(std::string_view text) { return Bytes().text(text).data(); }

void patch(std::vector<std::byte>& bytes, std::size_t position, std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) bytes[position + i] = static_cast<std::byte>(value >> (8 * i));
}

PerfBuilder small() {
    PerfBuilder perf;
    perf.add_event(cpu_clock_event());
    perf.sample({.ip = 1, .pid = 7, .tid = 7, .time = 1});
    return perf;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is not a recording is refused in a sentence that says why") {
    CHECK(contains(refusal({}), "is empty"));
    CHECK(contains(refusal(text_bytes("swapper 0 [000] 12.3: cpu-clock:")), "not a recording"));
    CHECK(contains(refusal(text_bytes("PERF")), "not a recording"));
    CHECK(contains(refusal(text_bytes("PERFILE2")), "header"));
    CHECK(contains(refusal(text_bytes("2ELIFREP")), "header"));
    CHECK(contains(refusal(text_bytes("PERFFILE")), "header"));
    CHECK(contains(refusal(Bytes().text("PERFILE2").u64(16).zeros(200).data()), "no event"));
}

TEST_CASE("a header with zeros is refused") {
    std::vector<std::byte> bytes = small().build();
    std::fill(bytes.begin() + 8, bytes.begin() + 104, std::byte{0});
    CHECK(contains(refusal(bytes), "header"));
    std::vector<std::byte> no_attr_size = small().build();
    patch(no_attr_size, 16, 0);
    CHECK(contains(refusal(no_attr_size), "offset 16"));
}

TEST_CASE("an attr table or records outside the file are refused") {
    for (const std::uint64_t value : {~0ULL, 1ULL << 63, 1ULL << 40, 0ULL}) {
        for (const std::size_t field : {24U, 32U, 40U}) {  // attrs.offset, attrs.size, data.offset
            std::vector<std::byte> bytes = small().build();
            patch(bytes, field, value);
            CAPTURE(field);
            CAPTURE(value);
            CHECK_FALSE(refusal(bytes).empty());
        }
    }
}

TEST_CASE("a recording that was decompressed but still says otherwise is read") {
    PerfBuilder perf = small();
    perf.feature(format::feature_compressed, Bytes().zeros(20));
    const Opened opened(perf.build());
    CHECK(opened.file.has_value());
}

TEST_CASE("attrs of every size the kernel ever had, and of sizes to come") {
    EventAttr event = dwarf_event();
    event.config = 0x1122;
    event.read_format = 4;
    event.clockid = -3;
    event.sample_regs_intr = 0x77;
    event.sample_max_stack = 99;
    for (const std::uint32_t size :
         {64U, 72U, 80U, 96U, 104U, 112U, 120U, 128U, 136U, 144U, 152U, 256U}) {
        CAPTURE(size);
        PerfBuilder perf;
        perf.attr_size = size;
        perf.add_event(event);
        perf.add_event(cpu_clock_event());
        const std::vector<std::byte> bytes = perf.build();
        const Opened opened(bytes);
        REQUIRE(opened.file.has_value());
        REQUIRE(opened.file->attrs().size() == 2);
        const EventAttr& attr = opened.file->attrs()[0];
        CHECK(attr.type == format::type_software);
        CHECK(attr.config == 0x1122);
        CHECK(attr.sample_period_or_freq == 1000);
        CHECK(attr.sample_type == event.sample_type);
        CHECK(attr.read_format == 4);
        CHECK(attr.flags == event.flags);
        CHECK(attr.sample_regs_user == (size >= 96 ? 0xff0fff : 0));
        CHECK(attr.sample_stack_user == (size >= 96 ? 64 : 0));
        CHECK(attr.clockid == (size >= 96 ? -3 : 0));
        CHECK(attr.sample_regs_intr == (size >= 104 ? 0x77 : 0));
        CHECK(attr.sample_max_stack == (size >= 112 ? 99 : 0));
        CHECK(attr.ids == std::vector<std::uint64_t>{100});
        CHECK(opened.file->attrs()[1].sample_type == cpu_clock_event().sample_type);
    }
}

TEST_CASE("a header whose attr_size is larger than the entries really are") {
    std::vector<std::byte> bytes = small().build();
    patch(bytes, 16, 136 + 16 + 16);
    // The table's size is that of one real entry, so the wrong stride does not fit into it.
    CHECK_FALSE(refusal(bytes).empty());

    PerfBuilder two = small();
    EventAttr second = cpu_clock_event();
    second.ids = {200};
    two.add_event(second);
    bytes = two.build();
    patch(bytes, 16, 136 + 16 + 16);
    const Opened opened(bytes);
    REQUIRE(opened.file.has_value());
    REQUIRE(opened.file->attrs().size() == 2);
    CHECK(opened.file->attrs()[1].ids == std::vector<std::uint64_t>{200});
}

TEST_CASE("ids outside the file are counted, and the event has none") {
    std::vector<std::byte> bytes = small().build();
    const std::size_t ids_section = 104 + 8 + 136;
    for (const std::uint64_t offset : {~std::uint64_t{0}, std::uint64_t{bytes.size() - 7}}) {
        patch(bytes, ids_section, offset);
        const Opened opened(bytes);
        REQUIRE(opened.file.has_value());
        CHECK(opened.file->attrs()[0].ids.empty());
        CHECK(opened.diagnostics[Problem::feature_malformed].count == 1);
    }
}

TEST_CASE("features are read") {
    using namespace format;
    PerfBuilder perf = small();
    perf.hostname("builder");
    perf.feature(feature_os_release, Bytes().string_field("6.1.0-18-amd64"));
    perf.feature(feature_version, Bytes().string_field("6.1.76"));
    perf.feature(feature_arch, Bytes().string_field("x86_64"));
    perf.feature(feature_nr_cpus, Bytes().u32(8).u32(6));
    perf.feature(feature_cpu_desc, Bytes().string_field("Some CPU"));
    perf.feature(feature_cpu_id, Bytes().string_field("GenuineIntel,6,85,7"));
    perf.feature(feature_total_mem, Bytes().u64(16'000'000));
    perf.feature(feature_cmdline,
                 Bytes().u32(2).string_field("/usr/bin/perf").string_field("record"));
    perf.feature(feature_sample_time, Bytes().u64(5).u64(9));
    perf.feature(feature_e_machine, Bytes().u32(183).u32(0));
    perf.feature(200, Bytes().text("of the future"));
    perf.build_id("/bin/x", {1, 2, 3, 4});
    const std::vector<std::byte> bytes = perf.build();
    const Opened opened(bytes);
    REQUIRE(opened.file.has_value());
    const Features& features = opened.file->features();
    CHECK(features.hostname == "builder");
    CHECK(features.os_release == "6.1.0-18-amd64");
    CHECK(features.perf_version == "6.1.76");
    CHECK(features.arch == "x86_64");
    CHECK(features.cpus_available == 8);
    CHECK(features.cpus_online == 6);
    CHECK(features.cpu_description == "Some CPU");
    CHECK(features.cpu_id == "GenuineIntel,6,85,7");
    CHECK(features.total_memory_kb == 16'000'000);
    CHECK(features.command_line == std::vector<std::string>{"/usr/bin/perf", "record"});
    CHECK(features.elf_machine == 183);
    CHECK(features.sample_time == std::pair<std::uint64_t, std::uint64_t>{5, 9});
    REQUIRE(features.build_ids.size() == 1);
    CHECK(features.build_ids[0].path == "/bin/x");
    CHECK(features.build_ids[0].build_id.hex() == "01020304");
    CHECK(features.build_ids[0].mode == CpuMode::user);
    for (std::size_t i = 0; i < problem_count; ++i) {
        CHECK(opened.diagnostics[static_cast<Problem>(i)].count == 0);
    }
}

TEST_CASE("the number of branch registers is that of all processors, or unknown") {
    using namespace format;
    const auto registers = [](unsigned bit, const Bytes& body) {
        PerfBuilder perf = small();
        perf.feature(bit, body);
        const std::vector<std::byte> bytes = perf.build();
        return Opened(bytes).file->features().branch_registers;
    };
    const auto pmu = [](Bytes& out, const char* count, bool named) {
        out.u32(2).string_field("max_precise").string_field("3");
        out.string_field("branches").string_field(count);
        if (named) out.string_field("cpu_core");
    };
    Bytes one, same, different;
    pmu(one, "32", false);
    same.u32(2);
    different.u32(2);
    for (const char* count : {"32", "32"}) pmu(same, count, true);
    for (const char* count : {"32", "16"}) pmu(different, count, true);
    CHECK(registers(feature_cpu_pmu_caps, one) == 32);
    CHECK(registers(feature_pmu_caps, same) == 32);
    CHECK(registers(feature_pmu_caps, different) == 0);
    CHECK(registers(feature_pmu_caps, Bytes().u32(~0U)) == 0);
    CHECK(registers(feature_cpu_pmu_caps, Bytes().u32(0)) == 0);
}

TEST_CASE("events get the names of their descriptions") {
    PerfBuilder perf;
    EventAttr event = cpu_clock_event();
    event.name = "my-event";
    perf.add_event(event);
    perf.sample({.time = 1});
    perf.event_names();
    const std::vector<std::byte> bytes = perf.build();
    const Opened opened(bytes);
    CHECK(opened.file->attrs()[0].name == "my-event");
    CHECK(opened.file->features().events.size() == 1);
}

TEST_CASE("a build-id without a valid size loses its padding") {
    PerfBuilder perf = small();
    Bytes body;
    const auto entry = [&](std::initializer_list<unsigned> id, std::string_view path) {
        Bytes record;
        record.i32(-1);
        for (const unsigned byte : id) record.u8(byte);
        record.zeros(20 - id.size()).zeros(4).padded_text(path);
        body.u32(0).u16(2).u16(8 + record.size()).raw(record.data());
    };
    entry({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "/md5");
    entry({1, 2, 3, 4, 5}, "/short");
    entry({}, "/none");
    perf.feature(format::feature_build_id, body);
    const std::vector<std::byte> bytes = perf.build();
    const Opened opened(bytes);
    const auto& ids = opened.file->features().build_ids;
    REQUIRE(ids.size() == 3);
    CHECK(ids[0].build_id.bytes.size() == 16);
    CHECK(ids[1].build_id.bytes.size() == 8);
    CHECK(ids[2].build_id.empty());
}

TEST_CASE("a feature that lies is counted and the others are read") {
    using namespace format;
    struct Lie {
        unsigned bit;
        Bytes body;
    };
    for (const Lie& lie :
         {Lie{feature_os_release, Bytes().u32(~0U).text("x")},
          Lie{feature_cmdline, Bytes().u32(~0U).string_field("perf")},
          Lie{feature_event_desc, Bytes().u32(~0U).u32(~0U)},
          Lie{feature_event_desc, Bytes().u32(1).u32(0).u32(~0U).string_field("cycles")},
          Lie{feature_build_id, Bytes().u32(0).u16(2).u16(7).zeros(64)},
          Lie{feature_sample_time, Bytes().u64(1)}, Lie{feature_nr_cpus, {}}}) {
        CAPTURE(lie.bit);
        PerfBuilder perf = small();
        perf.hostname("builder");
        perf.feature(lie.bit, lie.body);
        const std::vector<std::byte> bytes = perf.build();
        const Opened opened(bytes);
        REQUIRE(opened.file.has_value());
        CHECK(opened.file->features().hostname == "builder");
        CHECK(opened.diagnostics[Problem::feature_malformed].count == 1);
        CHECK_FALSE(opened.diagnostics.input_damaged());
    }
}

TEST_CASE("a feature outside the file is counted") {
    PerfBuilder perf = small();
    const std::size_t table = perf.next_offset();
    perf.hostname("builder");
    for (const std::size_t field : {table, table + 8}) {
        std::vector<std::byte> bytes = perf.build();
        patch(bytes, field, ~0ULL);
        const Opened opened(bytes);
        REQUIRE(opened.file.has_value());
        CHECK(opened.file->features().hostname.empty());
        CHECK(opened.diagnostics[Problem::feature_malformed].count == 1);
    }
}

TEST_CASE("headers of before the feature bitmap, and of before 2012, are read") {
    std::vector<std::byte> bytes = small().build();
    patch(bytes, 8, format::old_file_header_size);
    CHECK(Opened(bytes).file.has_value());
    for (const Endian order : {Endian::little, Endian::big}) {
        Bytes::order = order;
        std::vector<std::byte> old = small().build();
        Bytes::order = Endian::little;
        std::copy_n(text_bytes("PERFFILE").begin(), 8, old.begin());
        const Opened opened(old);
        REQUIRE(opened.file.has_value());
        CHECK(opened.file->header().endian == order);
        CHECK(opened.file->attrs()[0].ids == std::vector<std::uint64_t>{100});
    }
}

TEST_CASE("a big-endian recording needs no hostname for its other features") {
    const BigEndian big;
    PerfBuilder perf = small();
    perf.feature(format::feature_arch, Bytes().string_field("ppc64"));
    const std::vector<std::byte> bytes = perf.build();
    CHECK(Opened(bytes).file->features().arch == "ppc64");
}

TEST_CASE("the feature bitmap of a 32-bit big-endian machine has its halves exchanged") {
    const BigEndian big;
    PerfBuilder perf = small();
    perf.hostname("box");
    std::vector<std::byte> bytes = perf.build();
    std::swap_ranges(bytes.begin() + 72, bytes.begin() + 76, bytes.begin() + 76);
    const Opened opened(bytes);
    REQUIRE(opened.file.has_value());
    CHECK(opened.file->features().hostname == "box");
}
