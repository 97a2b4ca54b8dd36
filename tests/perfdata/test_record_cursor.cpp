#include <doctest/doctest.h>

#include <algorithm>

#include "perfdata/format.h"
#include "perfdata/reader.h"
#include "perfdata/record_hopper.h"
#include "support/perf_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

Bytes record(std::uint32_t type, std::size_t body) {
    return Bytes().u32(type).u16(2).u16(8 + body).zeros(body);
}

Bytes operator+(Bytes a, const Bytes& b) { return a.raw(b.data()); }

std::vector<std::uint32_t> cursor_types(const Bytes& bytes, bool& damaged) {
    RecordCursor cursor(bytes.data(), 1000, 5, Endian::little);
    std::vector<std::uint32_t> types;
    while (const auto record = cursor.next()) types.push_back(record->type);
    damaged = cursor.damaged();
    CHECK_FALSE(cursor.next().has_value());
    return types;
}

std::vector<std::uint32_t> hopper_types(const Bytes& bytes, RecordHopper::Stop& stop) {
    const InputFile file = InputFile::in_memory(bytes.data(), "test");
    RecordHopper hopper(file, 0, bytes.size(), Endian::little);
    std::vector<std::uint32_t> types;
    while (const auto header = hopper.next()) types.push_back(header->type);
    stop = hopper.stop();
    CHECK_FALSE(hopper.next().has_value());
    return types;
}

using Types = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("records come in order, with their place and number") {
    const Bytes bytes = record(3, 16) + record(9, 24) + record(200, 0);
    RecordCursor cursor(bytes.data(), 1000, 5, Endian::little);
    const auto first = cursor.next();
    CHECK(first->type == 3);
    CHECK(first->body.size() == 16);
    CHECK(first->file_offset == 1000);
    CHECK(first->sequence == 5);
    CHECK(first->cpu_mode() == CpuMode::user);
    const auto second = cursor.next();
    CHECK(second->file_offset == 1024);
    CHECK(second->sequence == 6);
    CHECK(cursor.next()->body.empty());
    CHECK_FALSE(cursor.next().has_value());
    CHECK_FALSE(cursor.damaged());
}

TEST_CASE("a record of impossible size stops the cursor and the hopper") {
    bool damaged = false;
    auto stop = RecordHopper::Stop::at_end;
    for (const unsigned size : {0U, 1U, 7U}) {
        const Bytes bytes = record(3, 16) + Bytes().u32(9).u16(0).u16(size).zeros(56);
        CHECK(cursor_types(bytes, damaged) == Types{3});
        CHECK(damaged);
        CHECK(hopper_types(bytes, stop) == Types{3});
        CHECK(stop == RecordHopper::Stop::bad_size);
    }
}

TEST_CASE("a record that is not all there is not given") {
    bool damaged = false;
    auto stop = RecordHopper::Stop::at_end;
    const Bytes whole = record(3, 16) + record(9, 24);
    for (std::size_t size = 25; size < whole.size(); ++size) {
        const Bytes cut = Bytes().raw(ByteView(whole.data()).first(size));
        CHECK(cursor_types(cut, damaged) == Types{3});
        CHECK(damaged);
        CHECK(hopper_types(cut, stop) == Types{3});
        CHECK(stop == RecordHopper::Stop::cut);
    }
}

TEST_CASE("trace bytes outside a record are not taken for records") {
    bool damaged = false;
    auto stop = RecordHopper::Stop::bad_size;
    Bytes aux;
    aux.u32(format::record_auxtrace).u16(0).u16(48).u64(24).zeros(32).zeros(24);
    Bytes tracing;
    tracing.u32(format::record_header_tracing_data).u16(0).u16(12).u32(16).zeros(16);
    const Bytes bytes = record(3, 16) + aux + record(4, 24) + tracing + record(9, 8);
    const Types expected = {3, 71, 4, 66, 9};
    CHECK(cursor_types(bytes, damaged) == expected);
    CHECK_FALSE(damaged);
    CHECK(hopper_types(bytes, stop) == expected);
    CHECK(stop == RecordHopper::Stop::at_end);
}

TEST_CASE("a trace that claims more than the file holds ends the records") {
    bool damaged = true;
    auto stop = RecordHopper::Stop::bad_size;
    Bytes bytes;
    bytes.u32(format::record_auxtrace).u16(0).u16(48).u64(~0ULL).zeros(32).zeros(24);
    CHECK(cursor_types(bytes, damaged) == Types{71});
    CHECK_FALSE(damaged);
    CHECK(hopper_types(bytes, stop) == Types{71});
}

TEST_CASE("the hopper sees the same records as the cursor, small and large ones mixed") {
    Bytes bytes;
    for (unsigned i = 0; i < 400; ++i) {
        const unsigned large = i % 50 < 25 ? 8192 + 8 * i : 8 * (i % 7);
        bytes = bytes + record(i % 20 + 1, i == 200 ? 65520 : large);
    }
    bool damaged = false;
    auto stop = RecordHopper::Stop::bad_size;
    CHECK(hopper_types(bytes, stop) == cursor_types(bytes, damaged));
    CHECK(stop == RecordHopper::Stop::at_end);

    const InputFile file = InputFile::in_memory(bytes.data(), "test");
    RecordHopper hopper(file, 0, bytes.size(), Endian::little);
    RecordCursor cursor(bytes.data(), 0, 0, Endian::little);
    while (const auto record = cursor.next()) {
        const auto header = hopper.next();
        REQUIRE(header.has_value());
        REQUIRE(header->offset == record->file_offset);
        REQUIRE(header->sequence == record->sequence);
        if (record->sequence % 3 == 0) {
            const auto view = hopper.view();
            REQUIRE(view.has_value());
            REQUIRE(view->body.size() == record->body.size());
            REQUIRE(std::equal(view->body.begin(), view->body.end(), record->body.begin()));
        }
        if (record->sequence % 5 == 0) REQUIRE(hopper.view(32)->body.size() <= 32);
    }
}
