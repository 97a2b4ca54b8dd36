#include "perfdata/sample.h"

#include <doctest/doctest.h>

#include <random>

#include "perfdata/format.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;
using namespace fgread::format;

namespace {

RecordView view_of(const Bytes& body) {
    RecordView record;
    record.type = record_sample;
    record.body = body.data();
    return record;
}

std::vector<std::byte> counted(std::size_t size) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(i + 1));
    return bytes;
}

// Every field different, so that one read in the place of another shows.
SampleFields all_fields() {
    SampleFields f;
    f.ip = 0x1111;
    f.pid = 22;
    f.tid = 33;
    f.time = 4444;
    f.addr = 0x5555;
    f.id = 666;
    f.stream_id = 777;
    f.cpu = 8;
    f.period = 999;
    f.read = {1010};
    f.callchain = {0x1111, 0x1212, 0x1313};
    f.raw = counted(20);
    f.branches = {1, 2, 3, 4, 5, 6};
    f.user_regs = {70, 71, 72};
    f.user_stack = counted(24);
    f.stack_area = 64;
    f.weight = 1414;
    f.data_src = 1515;
    f.transaction = 1616;
    f.intr_regs = {80, 81};
    f.phys_addr = 1717;
    f.cgroup = 1818;
    f.data_page_size = 4096;
    f.code_page_size = 8192;
    f.aux = counted(16);
    return f;
}

EventAttr attr_with(std::uint64_t sample_type) {
    EventAttr attr;
    attr.sample_type = sample_type;
    attr.sample_regs_user = 0b1011;
    attr.sample_regs_intr = 0b0110;
    attr.sample_period_or_freq = 5000;
    return attr;
}

bool equal(ByteView a, const std::vector<std::byte>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::vector<std::uint64_t> list(const U64View& view) {
    std::vector<std::uint64_t> words;
    for (std::size_t i = 0; i < view.size(); ++i) words.push_back(view[i]);
    return words;
}

// All fields the type asks for have the values of all_fields(), all others their default.
void check_fields(std::uint64_t type, const SampleView& s) {
    const SampleFields f = all_fields();
    const auto has = [&](std::uint64_t bit) { return (type & bit) != 0; };
    CHECK(s.sample_type == type);
    CHECK(s.id == (has(sample_identifier) || has(sample_id) ? 666 : 0));
    CHECK(s.ip.value == (has(sample_ip) ? f.ip : 0));
    CHECK(s.pid.value == (has(sample_tid) ? f.pid : -1));
    CHECK(s.tid.value == (has(sample_tid) ? f.tid : -1));
    CHECK(s.time.value == (has(sample_time) ? f.time : 0));
    CHECK(s.addr == (has(sample_addr) ? f.addr : 0));
    CHECK(s.stream_id == (has(sample_stream_id) ? f.stream_id : 0));
    CHECK(s.cpu == (has(sample_cpu) ? f.cpu : 0));
    CHECK(s.period == (has(sample_period) ? f.period : 5000));
    CHECK(s.read.size() == (has(sample_read) ? 1 : 0));
    CHECK(list(s.callchain) ==
          (has(sample_callchain) ? f.callchain : std::vector<std::uint64_t>()));
    CHECK(s.raw.size() == (has(sample_raw) ? 20 : 0));
    CHECK(s.branch_stack.size() == (has(sample_branch_stack) ? 48 : 0));
    CHECK(list(s.user_regs.values) ==
          (has(sample_regs_user) ? f.user_regs : std::vector<std::uint64_t>()));
    CHECK(s.user_regs.mask == (has(sample_regs_user) ? 0b1011 : 0));
    CHECK(s.user_regs.abi == (has(sample_regs_user) ? 2 : 0));
    CHECK(equal(s.user_stack, has(sample_stack_user) ? f.user_stack : std::vector<std::byte>()));
    CHECK(s.user_stack_requested == (has(sample_stack_user) ? 64 : 0));
    CHECK(s.weight == (has(sample_weight) || has(sample_weight_struct) ? f.weight : 0));
    CHECK(s.data_src == (has(sample_data_src) ? f.data_src : 0));
    CHECK(s.transaction == (has(sample_transaction) ? f.transaction : 0));
    CHECK(list(s.intr_regs.values) ==
          (has(sample_regs_intr) ? f.intr_regs : std::vector<std::uint64_t>()));
    CHECK(s.phys_addr == (has(sample_phys_addr) ? f.phys_addr : 0));
    CHECK(s.cgroup == (has(sample_cgroup) ? f.cgroup : 0));
    CHECK(s.data_page_size == (has(sample_data_page_size) ? f.data_page_size : 0));
    CHECK(s.code_page_size == (has(sample_code_page_size) ? f.code_page_size : 0));
    CHECK(equal(s.aux, has(sample_aux) ? f.aux : std::vector<std::byte>()));
}

void check_type(std::uint64_t type) {
    CAPTURE(type);
    const EventAttr attr = attr_with(type);
    const Bytes body = sample_body(attr, all_fields());
    const SampleLayout layout(attr);
    const auto sample = layout.decode(view_of(body));
    REQUIRE(sample.has_value());
    check_fields(type, *sample);
    const auto key = layout.peek(view_of(body));
    REQUIRE(key.has_value());
    CHECK(key->time == sample->time);
    CHECK(key->pid == sample->pid);
    CHECK(key->tid == sample->tid);
    const bool has_id = (type & (sample_id | sample_identifier)) != 0;
    CHECK(layout.event_id(view_of(body)) ==
          (has_id ? std::optional<std::uint64_t>(666) : std::nullopt));
}

}  // namespace

TEST_CASE("each sample_type bit alone, all together, and all but one") {
    check_type(0);
    check_type(sample_known_bits);
    for (unsigned bit = 0; bit < 25; ++bit) {
        check_type(1ULL << bit);
        check_type(sample_known_bits & ~(1ULL << bit));
    }
}

TEST_CASE("random combinations of sample_type bits") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 500; ++i) check_type(random() & sample_known_bits);
}

TEST_CASE("a sample cut anywhere is not decoded, and not read beyond") {
    const EventAttr attr = attr_with(sample_known_bits);
    const Bytes body = sample_body(attr, all_fields());
    const SampleLayout layout(attr);
    for (std::size_t size = 0; size < body.size(); ++size) {
        // A copy of exactly this size, for AddressSanitizer.
        const std::vector<std::byte> cut(body.data().begin(),
                                         body.data().begin() + static_cast<std::ptrdiff_t>(size));
        RecordView record;
        record.body = cut;
        CAPTURE(size);
        REQUIRE_FALSE(layout.decode(record).has_value());
        static_cast<void>(layout.peek(record));
        static_cast<void>(layout.event_id(record));
    }
}

TEST_CASE("counts near 2^64 do not wrap around") {
    for (const std::uint64_t count : {~0ULL, 1ULL << 61, (1ULL << 61) + 1, 1ULL << 32, 9ULL}) {
        for (const std::uint64_t type :
             {sample_callchain, sample_branch_stack, sample_stack_user, sample_aux}) {
            Bytes body;
            body.u64(count).u64(0);
            CHECK_FALSE(SampleLayout(attr_with(type)).decode(view_of(body)).has_value());
        }
        EventAttr group = attr_with(sample_read);
        group.read_format = read_group | read_id | read_lost | read_total_time_enabled;
        Bytes body;
        body.u64(count).u64(0);
        CHECK_FALSE(SampleLayout(group).decode(view_of(body)).has_value());
    }
}

TEST_CASE("without a period the weight is the fixed one, or 1 where a frequency was asked for") {
    EventAttr attr = attr_with(sample_ip);
    const Bytes body = sample_body(attr, all_fields());
    CHECK(SampleLayout(attr).decode(view_of(body))->period == 5000);
    attr.flags |= 1ULL << attr_freq;
    CHECK(SampleLayout(attr).decode(view_of(body))->period == 1);
    attr.flags = 0;
    attr.sample_period_or_freq = 0;
    CHECK(SampleLayout(attr).decode(view_of(body))->period == 1);
}

TEST_CASE("a task without user registers and stack has none (kernel threads)") {
    const EventAttr attr = attr_with(sample_regs_user | sample_stack_user | sample_weight);
    SampleFields fields = all_fields();
    fields.user_abi = 0;
    fields.user_stack.clear();
    fields.stack_area = 0;
    const Bytes body = sample_body(attr, fields);
    CHECK(body.size() == 3 * 8);
    const auto sample = SampleLayout(attr).decode(view_of(body));
    REQUIRE(sample.has_value());
    CHECK(sample->user_regs.abi == 0);
    CHECK(sample->user_regs.mask == 0);
    CHECK(sample->user_regs.values.empty());
    CHECK(sample->user_stack.empty());
    CHECK(sample->weight == 1414);
}

TEST_CASE("a stack that claims more bytes than its area holds is malformed") {
    const EventAttr attr = attr_with(sample_stack_user);
    Bytes body;
    body.u64(16).zeros(16).u64(17);
    CHECK_FALSE(SampleLayout(attr).decode(view_of(body)).has_value());
    Bytes full;
    full.u64(16).zeros(16).u64(16);
    CHECK(SampleLayout(attr).decode(view_of(full))->user_stack.size() == 16);
    Bytes none;
    none.u64(16).zeros(16).u64(0);
    CHECK(SampleLayout(attr).decode(view_of(none))->user_stack.empty());
}

TEST_CASE("counter values are skipped whatever read_format asks for") {
    for (std::uint64_t format = 0; format < 32; ++format) {
        EventAttr attr = attr_with(sample_read | sample_weight);
        attr.read_format = format;
        SampleFields fields = all_fields();
        const std::uint64_t times = (format & 1) + ((format >> 1) & 1);
        const std::uint64_t each = 1 + ((format >> 2) & 1) + ((format >> 4) & 1);
        const bool group = (format & read_group) != 0;
        const std::uint64_t words = group ? 1 + times + 3 * each : times + each;
        fields.read.assign(words, 3);  // the first word of a group says: 3 values
        const Bytes body = sample_body(attr, fields);
        const auto sample = SampleLayout(attr).decode(view_of(body));
        REQUIRE(sample.has_value());
        CHECK(sample->read.size() == words);
        CHECK(sample->weight == 1414);
    }
}

TEST_CASE("branch stacks with a hardware index and counters") {
    for (const std::uint64_t extra :
         {branch_hw_index, branch_counters, branch_hw_index | branch_counters}) {
        EventAttr attr = attr_with(sample_branch_stack | sample_weight);
        attr.branch_sample_type = extra;
        SampleFields fields = all_fields();
        fields.newest_branch = 31;
        const Bytes body = sample_body(attr, fields);
        const auto sample = SampleLayout(attr).decode(view_of(body));
        REQUIRE(sample.has_value());
        CHECK(sample->branch_stack.size() == 48);
        CHECK(sample->branch_newest == ((extra & branch_hw_index) != 0 ? 31 : ~0ULL));
        CHECK(load_unchecked<std::uint64_t>(sample->branch_stack.data(), Endian::little) == 1);
        CHECK(sample->weight == 1414);
    }
}

TEST_CASE("fields of the future do not hide those of today") {
    const EventAttr attr = attr_with(sample_ip | sample_time | sample_aux | (1ULL << 25));
    Bytes body;
    body.u64(0x1234).u64(55).u64(~0ULL);  // the unknown field, where AUX's size would be
    const auto sample = SampleLayout(attr).decode(view_of(body));
    REQUIRE(sample.has_value());
    CHECK(sample->ip.value == 0x1234);
    CHECK(sample->time.value == 55);
    CHECK(sample->aux.empty());
}

TEST_CASE("the trailer of other records is found from their end") {
    EventAttr attr = attr_with(sample_tid | sample_time | sample_id | sample_stream_id |
                               sample_cpu | sample_identifier);
    Bytes body;
    body.text("any body").i32(1).i32(2).u64(4444).u64(9).u64(10).u32(0).u32(0).u64(666);
    RecordView record = view_of(body);
    record.type = record_comm;
    CHECK(SampleLayout(attr).trailer_size() == 0);  // sample_id_all is not set
    CHECK_FALSE(SampleLayout(attr).trailer_time(record).has_value());

    attr.flags = 1ULL << attr_sample_id_all;
    const SampleLayout layout(attr);
    CHECK(layout.trailer_size() == 48);
    CHECK(layout.trailer_time(record)->value == 4444);
    CHECK(layout.trailer_event_id(record) == 666);
    CHECK(layout.trailer_key(record)->pid == Pid{1});
    CHECK(layout.trailer_key(record)->tid == Tid{2});
    CHECK(layout.trailer_key(record)->time.value == 4444);
    attr.sample_type &= ~sample_identifier;
    Bytes shorter;
    shorter.i32(1).i32(2).u64(4444).u64(9).u64(10).u32(0).u32(0);
    record.body = shorter.data();
    CHECK(SampleLayout(attr).trailer_event_id(record) == 9);
    CHECK(SampleLayout(attr).trailer_time(record)->value == 4444);

    record.body = record.body.first(39);
    CHECK_FALSE(SampleLayout(attr).trailer_time(record).has_value());
    CHECK_FALSE(SampleLayout(attr).trailer_key(record).has_value());
    record.type = record_finished_round;
    record.body = shorter.data();
    CHECK_FALSE(SampleLayout(attr).trailer_time(record).has_value());
}

TEST_CASE("an off-CPU sample says in RAW what it is of") {
    EventAttr attr = attr_with(sample_ip | sample_tid | sample_time | sample_period | sample_raw);
    attr.type = type_software;
    attr.config = software_bpf_output;
    attr.name = "offcpu-time";
    const Bytes payload =
        Bytes().u32(7).u32(8).u64(5'000'000).u64(2).u64(context_user).u64(0x1234).u64(77);
    SampleFields fields;
    fields.ip = 1;
    fields.pid = fields.tid = 2;
    fields.time = 3;
    fields.raw = payload.data();
    const Bytes body = sample_body(attr, fields);
    const SampleLayout layout(attr);
    CHECK(layout.is_off_cpu());
    const auto sample = layout.decode(view_of(body));
    REQUIRE(sample.has_value());
    CHECK(sample->pid == Pid{7});
    CHECK(sample->tid == Tid{8});
    CHECK(sample->time.value == 3);
    CHECK(sample->period == 5'000'000);
    CHECK(sample->ip.value == 0x1234);
    CHECK(sample->callchain.size() == 2);
    CHECK(sample->cgroup == 77);
    // Every cut, and a count that is not there.
    for (std::size_t size = 0; size < payload.size(); size += 8) {
        fields.raw.assign(payload.data().begin(),
                          payload.data().begin() + static_cast<std::ptrdiff_t>(size));
        const Bytes cut = sample_body(attr, fields);
        CHECK_FALSE(layout.decode(view_of(cut)).has_value());
    }
    // The same bytes of another event are only bytes.
    attr.name = "my-output";
    CHECK(SampleLayout(attr).decode(view_of(body))->pid == Pid{2});
}
