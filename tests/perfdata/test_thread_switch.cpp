#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "perfdata/thread_switch.h"
#include "support/perf_builder.h"

using namespace fgread;
using Kind = ThreadSwitch::Kind;
using test::Bytes;

namespace {

constexpr std::uint64_t number = 314;  // of the tracepoint

EventAttr sched_switch() {
    EventAttr attr;
    attr.type = format::type_tracepoint;
    attr.config = number;
    attr.name = "sched:sched_switch";
    return attr;
}

// As /sys/kernel/tracing/events/sched/sched_switch/format has it; `common` bytes come first.
Bytes payload(std::int32_t previous, std::uint64_t state, std::int32_t next,
              std::size_t common = 8) {
    Bytes bytes;
    bytes.u16(number).u16(0).i32(previous).zeros(common - 8);
    bytes.padded_text("previous thread").i32(previous).i32(120);
    bytes.zeros((8 - bytes.size() % 8) % 8).u64(state);
    bytes.padded_text("the next thread").i32(next).i32(120).zeros(4);
    return bytes;
}

std::optional<std::pair<ThreadSwitch, ThreadSwitch>> decode(const Bytes& bytes, std::int32_t tid) {
    SampleView sample;
    sample.tid = Tid{tid};
    sample.raw = bytes.data();
    return decode_sched_switch(sched_switch(), sample, Bytes::order, {5, 6});
}

ThreadSwitch decode(std::uint32_t type, std::uint16_t misc, const Bytes& body,
                    bool expected = true) {
    RecordView record;
    record.type = type;
    record.misc = misc;
    record.body = body.data();
    const auto got = decode_thread_switch(record, Tid{9}, {5, 6});
    REQUIRE(got.has_value() == expected);
    return got.value_or(ThreadSwitch{});
}

}  // namespace

TEST_CASE("sched_switch says who leaves, why, and who comes") {
    const auto both = decode(payload(7, 1, 8), 7);
    REQUIRE(both.has_value());
    CHECK(both->first.tid == Tid{7});
    CHECK(both->first.kind == Kind::blocked);
    CHECK(both->first.when == EventTime{5, 6});
    CHECK(both->second.tid == Tid{8});
    CHECK(both->second.kind == Kind::in);
}

TEST_CASE("sched_switch: the state of the thread that leaves") {
    const auto kind = [](std::uint64_t state) {
        return decode(payload(7, state, 8), 7)->first.kind;
    };
    CHECK(kind(0) == Kind::preempted);
    CHECK(kind(0x100) == Kind::preempted);  // R+
    CHECK(kind(0x1000) == Kind::preempted);
    CHECK(kind(2) == Kind::blocked);     // D
    CHECK(kind(0x80) == Kind::blocked);  // I
    CHECK(kind(0x10) == Kind::gone);     // X
    CHECK(kind(0x20) == Kind::gone);     // Z
}

TEST_CASE("sched_switch of a big-endian machine, and of one with another common part") {
    CHECK(decode(payload(7, 1, 8, 12), 7)->second.tid == Tid{8});
    const test::BigEndian big;
    CHECK(decode(payload(7, 1, 8), 7)->second.tid == Tid{8});
}

TEST_CASE("a payload that does not agree with its sample is not believed") {
    CHECK_FALSE(decode(payload(7, 1, 8), 6).has_value());  // the pid namespace of a container
    CHECK(decode(payload(7, 1, 8), -1).has_value());       // a thread that is gone has no number
    CHECK_FALSE(decode(Bytes().zeros(68), 7).has_value());
    Bytes wrong;
    wrong.u16(number + 1).raw(ByteView(payload(7, 1, 8).data()).subspan(2));
    CHECK_FALSE(decode(wrong, 7).has_value());
    const Bytes whole = payload(7, 1, 8);
    for (std::size_t size = 0; size < 64; ++size) {
        CHECK_FALSE(decode(Bytes().raw(ByteView(whole.data()).first(size)), 7).has_value());
    }
}

TEST_CASE("records of switches say whether the thread comes, waits, or could have gone on") {
    using namespace format;
    CHECK(decode(record_switch, 0, {}).kind == Kind::in);
    CHECK(decode(record_switch, misc_switch_out, {}).kind == Kind::blocked);
    CHECK(decode(record_switch, misc_switch_out | misc_switch_out_preempt, {}).kind ==
          Kind::preempted);
    CHECK(decode(record_switch_cpu_wide, misc_switch_out, Bytes().zeros(8)).tid == Tid{9});
}

TEST_CASE("a thread's beginning and end are its own, not those of the record's trailer") {
    const Bytes body = Bytes().i32(3).i32(2).i32(4).i32(2).u64(5);  // pid, ppid, tid, ptid, time
    CHECK(decode(format::record_fork, 0, body).tid == Tid{4});
    CHECK(decode(format::record_fork, 0, body).kind == Kind::started);
    CHECK(decode(format::record_exit, 0, body).kind == Kind::ended);
    CHECK(decode(format::record_exit, 0, body).tid == Tid{4});
    decode(format::record_exit, 0, Bytes().i32(3), false);
    decode(format::record_comm, 0, body, false);
}

TEST_CASE("only sched:sched_switch is taken for it") {
    EventAttr attr = sched_switch();
    CHECK(is_sched_switch(attr));
    attr.name = "sched:sched_waking";
    CHECK_FALSE(is_sched_switch(attr));
    attr = sched_switch();
    attr.type = format::type_software;
    CHECK_FALSE(is_sched_switch(attr));
}
