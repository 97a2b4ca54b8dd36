#include "perfdata/record.h"

#include <doctest/doctest.h>

#include "perfdata/format.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

// The bytes must outlive the view.
RecordView view_of(const Bytes& body, std::uint32_t type, std::uint16_t misc = 0) {
    RecordView record;
    record.type = type;
    record.misc = misc;
    record.body = body.data();
    return record;
}

// Every prefix of a good body is too small, until the string's NUL is in it.
template <class Decode>
void check_all_cuts(const Bytes& body, std::uint32_t type, std::size_t needed, Decode decode) {
    for (std::size_t size = 0; size <= body.size(); ++size) {
        RecordView record = view_of(body, type);
        record.body = record.body.first(size);
        CAPTURE(size);
        REQUIRE(decode(record).has_value() == (size >= needed));
    }
}

}  // namespace

TEST_CASE("MMAP") {
    Bytes body;
    body.i32(7).i32(8).u64(0x1000).u64(0x2000).u64(0x40).padded_text("/bin/true");
    const auto map = decode_mmap(view_of(body, format::record_mmap, 2));
    REQUIRE(map.has_value());
    CHECK(map->pid.value == 7);
    CHECK(map->tid.value == 8);
    CHECK(map->start.value == 0x1000);
    CHECK(map->length == 0x2000);
    CHECK(map->file_offset == 0x40);
    CHECK(map->path == "/bin/true");
    CHECK(map->executable);
    CHECK(map->mode == CpuMode::user);
    CHECK_FALSE(map->has_inode);
    CHECK(map->build_id.empty());
    CHECK_FALSE(
        decode_mmap(view_of(body, format::record_mmap, 2 | format::misc_mmap_data))->executable);
    check_all_cuts(body, format::record_mmap, 32 + 10, decode_mmap);
}

TEST_CASE("MMAP2 with an inode") {
    Bytes body;
    body.i32(-1).i32(0).u64(0x1000).u64(0x2000).u64(0);
    body.u32(8).u32(3).u64(4711).u64(2).u32(5).u32(2).padded_text("//anon");
    const auto map = decode_mmap2(view_of(body, format::record_mmap2, 1));
    REQUIRE(map.has_value());
    CHECK(map->pid.value == -1);
    CHECK(map->mode == CpuMode::kernel);
    CHECK(map->has_inode);
    CHECK(map->device_major == 8);
    CHECK(map->device_minor == 3);
    CHECK(map->inode == 4711);
    CHECK(map->inode_generation == 2);
    CHECK(map->protection == 5);
    CHECK(map->flags == 2);
    CHECK(map->path == "//anon");
    check_all_cuts(body, format::record_mmap2, 64 + 7, decode_mmap2);
}

TEST_CASE("MMAP2 with a build-id") {
    Bytes body;
    body.i32(7).i32(7).u64(0x1000).u64(0x2000).u64(0);
    body.u8(16).zeros(3);
    for (unsigned i = 1; i <= 20; ++i) body.u8(i);
    body.u32(5).u32(2).padded_text("/bin/x");
    const auto map = decode_mmap2(view_of(body, format::record_mmap2, format::misc_mmap_build_id));
    REQUIRE(map.has_value());
    CHECK_FALSE(map->has_inode);
    REQUIRE(map->build_id.size() == 16);
    CHECK(map->build_id.back() == std::byte{16});
    CHECK(map->path == "/bin/x");
}

TEST_CASE("a build-id longer than its field is none") {
    Bytes body;
    body.i32(7).i32(7).u64(0x1000).u64(0x2000).u64(0);
    body.u8(21).zeros(23).u32(5).u32(2).padded_text("/bin/x");
    const auto map = decode_mmap2(view_of(body, format::record_mmap2, format::misc_mmap_build_id));
    REQUIRE(map.has_value());
    CHECK(map->build_id.empty());
}

TEST_CASE("COMM") {
    Bytes body;
    body.i32(7).i32(8).padded_text("worker");
    const auto comm = decode_comm(view_of(body, format::record_comm));
    REQUIRE(comm.has_value());
    CHECK(comm->pid.value == 7);
    CHECK(comm->tid.value == 8);
    CHECK(comm->comm == "worker");
    CHECK_FALSE(comm->from_exec);
    CHECK(decode_comm(view_of(body, format::record_comm, format::misc_comm_exec))->from_exec);
    check_all_cuts(body, format::record_comm, 8 + 7, decode_comm);
}

TEST_CASE("FORK and EXIT") {
    Bytes body;
    body.i32(7).i32(1).i32(8).i32(2).u64(99);
    const auto task = decode_task(view_of(body, format::record_fork));
    REQUIRE(task.has_value());
    CHECK(task->pid.value == 7);
    CHECK(task->parent_pid.value == 1);
    CHECK(task->tid.value == 8);
    CHECK(task->parent_tid.value == 2);
    CHECK(task->time.value == 99);
    CHECK_FALSE(task->synthesised);
    CHECK(decode_task(view_of(body, format::record_fork, format::misc_fork_exec))->synthesised);
    CHECK_FALSE(
        decode_task(view_of(body, format::record_exit, format::misc_fork_exec))->synthesised);
    check_all_cuts(body, format::record_fork, 24, decode_task);
}

TEST_CASE("records are named as in the kernel") {
    CHECK(record_type_name(format::record_sample) == "SAMPLE");
    CHECK(record_type_name(format::record_callchain_deferred) == "CALLCHAIN_DEFERRED");
    CHECK(record_type_name(format::record_finished_round) == "FINISHED_ROUND");
    CHECK(record_type_name(format::record_schedstat_domain) == "SCHEDSTAT_DOMAIN");
    for (const std::uint32_t type : {0U, 23U, 63U, 87U, 32768U, ~0U}) {
        CHECK(record_type_name(type) == "unknown");
    }
}

TEST_CASE("CALLCHAIN_DEFERRED") {
    Bytes body;
    body.u64(0x500000001).u64(2).u64(0x1000).u64(0x2000);
    const auto deferred = decode_deferred_chain(view_of(body, format::record_callchain_deferred));
    REQUIRE(deferred.has_value());
    CHECK(deferred->cookie == 0x500000001);
    REQUIRE(deferred->chain.size() == 2);
    CHECK(deferred->chain[1] == 0x2000);
    check_all_cuts(body, format::record_callchain_deferred, 32, decode_deferred_chain);
    Bytes endless;
    endless.u64(1).u64(1ULL << 61).u64(0x1000);
    CHECK_FALSE(decode_deferred_chain(view_of(endless, format::record_callchain_deferred)));
}
