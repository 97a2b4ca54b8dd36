#include <doctest/doctest.h>

#include <string>

#include "symbols/jitdump.h"
#include "tests/symbols/jitdump_builder.h"

using namespace fgread;
using namespace fgread::test;

namespace {

JitDump read(const JitDumpBuilder& file, bool timed = true) {
    Result<JitDump> dump = JitDump::read(file.content(), timed);
    REQUIRE(dump);
    return std::move(*dump);
}

std::string error_of(const JitDumpBuilder& file) {
    const Result<JitDump> dump = JitDump::read(file.content(), true);
    return dump ? "none" : dump.error().message;
}

// The name of what was at `address` at `time`.
std::string at(const JitDump& dump, std::uint64_t address, std::uint64_t time) {
    const AddressSpace::Found found = dump.find({address}, {time, 7});
    if (!found.id) return "-";
    const JitDump::Placed& placed = dump.placed(found.id);
    const auto function = dump.function_at({address - placed.start.value + placed.svma});
    return function ? std::string(function->name) : "?";
}

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    std::vector<std::byte> result;
    for (const unsigned value : values) result.push_back(std::byte(value));
    return result;
}

// Of node 20: CIE and FDE of a function of 0x1d8 bytes, which begin 0x1d8 bytes behind its start;
// and their header.
const std::vector<std::byte> v8_eh_frame =
    bytes({0x18, 0,    0,    0,    0,    0,    0,    0,    0x03, 0x7a, 0x4c, 0x52, 0,    0x01,
           0x78, 0x10, 0x02, 0xff, 0x1b, 0x0c, 0x07, 0x08, 0x90, 0x01, 0,    0,    0,    0,
           0x20, 0,    0,    0,    0x20, 0,    0,    0,    0x04, 0xfe, 0xff, 0xff, 0xd5, 0x01,
           0,    0,    0,    0x4f, 0x0e, 0x10, 0x86, 0x02, 0x43, 0x0d, 0x06, 0x74, 0x0d, 0x07,
           0x41, 0x0e, 0x08, 0x52, 0x0c, 0x06, 0x10, 0,    0,    0,    0,    0});
const std::vector<std::byte> v8_header =
    bytes({0x01, 0x1b, 0x03, 0x3b, 0xb8, 0xff, 0xff, 0xff, 0x01, 0,
           0,    0,    0xe4, 0xfd, 0xff, 0xff, 0xd8, 0xff, 0xff, 0xff});

}  // namespace

TEST_CASE("a function is where its record says, from its time on") {
    JitDumpBuilder file;
    const std::uint64_t offset = file.load(100, 0x5000, 0x20, "fib", 0);
    file.close(200);
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 0);
    CHECK(dump.function_count() == 1);
    CHECK(dump.header().pid == 4711);
    CHECK(dump.header().machine == 62);
    CHECK(at(dump, 0x5000, 99) == "-");
    CHECK(at(dump, 0x5000, 100) == "fib");
    CHECK(at(dump, 0x501f, 1000) == "fib");
    CHECK(at(dump, 0x4fff, 1000) == "-");
    CHECK(at(dump, 0x5020, 1000) == "-");
    CHECK(dump.placed(dump.find({0x5000}, {100, 0}).id).svma == offset);
}

TEST_CASE("what an address was depends on the time") {
    JitDumpBuilder file;
    file.load(100, 0x5000, 0x40, "first", 0);
    file.load(200, 0x5000, 0x20, "second", 1);
    file.load(300, 0x5010, 0x40, "third", 2);
    const JitDump dump = read(file);
    CHECK(at(dump, 0x5018, 150) == "first");
    CHECK(at(dump, 0x5018, 250) == "second");
    CHECK(at(dump, 0x5018, 350) == "third");
    CHECK(at(dump, 0x5038, 250) == "first");  // not covered by the second
    const AddressSpace::Found found = dump.find({0x5018}, {250, 0});
    CHECK(found.from.time == 200);
    CHECK(found.until.time == 300);
}

TEST_CASE("without the recording's clock the last record of a place holds for ever") {
    JitDumpBuilder file;
    file.load(100, 0x5000, 0x40, "first", 0);
    file.load(200, 0x5000, 0x20, "second", 1);
    SUBCASE("because the caller says so") {
        const JitDump dump = read(file, false);
        CHECK(at(dump, 0x5000, 1) == "second");
        CHECK(at(dump, 0x5030, 1) == "first");
    }
    SUBCASE("because the dump counts cycles") {
        JitDumpBuilder::Header header;
        header.flags = 1;
        JitDumpBuilder cycles(header);
        cycles.load(1'000'000, 0x5000, 0x40, "first", 0);
        const JitDump dump = read(cycles);
        CHECK(dump.header().processor_clock);
        CHECK(at(dump, 0x5000, 1) == "first");
    }
}

TEST_CASE("a moved function keeps its name and its lines at its new address") {
    JitDumpBuilder file;
    file.debug_info(90, 0x5000, {{0x5000, 10, "a.js"}, {0x5010, 11, "\xff"}});
    file.load(100, 0x5000, 0x20, "moved", 7);
    file.load(110, 0x6000, 0x20, "stays", 8);
    file.move(200, 0x5000, 0x9000, 0x20, 7);
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 0);
    CHECK(at(dump, 0x9010, 150) == "-");
    CHECK(at(dump, 0x9010, 250) == "moved");
    CHECK(at(dump, 0x6010, 250) == "stays");
    const JitDump::Placed& placed = dump.placed(dump.find({0x9010}, {250, 0}).id);
    const auto line = dump.line_at({placed.svma + 0x10});
    REQUIRE(line);
    CHECK(line->file == "a.js");  // "\xff": the same as before
    CHECK(line->line == 11);
}

TEST_CASE("lines belong to the next load, and the last one that begins before counts") {
    JitDumpBuilder file;
    file.debug_info(90, 0x5000, {{0x5008, 12, "b.js"}, {0x5000, 10, "a.js"}});
    const std::uint64_t first = file.load(100, 0x5000, 0x20, "with", 0);
    const std::uint64_t second = file.load(110, 0x6000, 0x20, "without", 1);
    const JitDump dump = read(file);
    CHECK(dump.line_at({first})->line == 10);
    CHECK(dump.line_at({first + 7})->line == 10);
    CHECK(dump.line_at({first + 0x1f})->line == 12);
    CHECK(dump.line_at({first + 0x1f})->file == "b.js");
    CHECK_FALSE(dump.line_at({second}));
    CHECK_FALSE(dump.line_at({first + 0x20}));
}

TEST_CASE("V8 counts the header of an ELF file that it expects before the code") {
    JitDumpBuilder::Header header;
    header.padding = 0xdeadbeef;
    JitDumpBuilder file(header);
    file.debug_info(90, 0x5000, {{0x5040, 1, "a.js"}, {0x5050, 2, "a.js"}});
    const std::uint64_t code = file.load(100, 0x5000, 0x20, "f", 0);
    const JitDump dump = read(file);
    CHECK(dump.line_at({code})->line == 1);
    CHECK(dump.line_at({code + 0x10})->line == 2);
}

TEST_CASE("lines of which one makes no sense are not believed at all") {
    JitDumpBuilder file;
    SUBCASE("an address outside the function") {
        file.debug_info(90, 0x5000, {{0x5000, 1, "a.js"}, {0x7000, 2, "a.js"}});
    }
    SUBCASE("a name with a NUL in it, as node 20 writes") {
        file.debug_info(90, 0x5000, {{0x5000, 1, std::string("\xdd\0\x8f", 3)}, {0x5004, 2, "a"}});
    }
    SUBCASE("more lines than the record holds") {
        file.prefix(2, 16, 90);
        file.u64(0x5000), file.u64(~std::uint64_t{0});
    }
    const std::uint64_t code = file.load(100, 0x5000, 0x20, "f", 0);
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 1);
    CHECK(at(dump, 0x5000, 100) == "f");
    CHECK_FALSE(dump.line_at({code}));
}

TEST_CASE("unwinding information gives the function its rules") {
    JitDumpBuilder file;
    file.unwinding_info(90, v8_eh_frame, v8_header);
    const std::uint64_t code = file.load(100, 0x5000, 0x1d8, "f", 0);
    file.load(110, 0x6000, 0x20, "without", 1);
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 0);
    const UnwindTable* table = dump.unwind_table(0);
    REQUIRE(table != nullptr);
    CHECK(dump.unwind_table(0) == table);
    CHECK(table->find({code}) != nullptr);
    CHECK(table->find({code + 0x1d4}) != nullptr);
    CHECK(table->find({code + 0x1d8}) == nullptr);
    CHECK(dump.unwind_table(1) == nullptr);
}

TEST_CASE("unwinding information of impossible sizes is left out") {
    JitDumpBuilder file;
    file.prefix(4, 24, 90);
    file.u64(1000), file.u64(20), file.u64(0);
    file.load(100, 0x5000, 0x20, "f", 0);
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 1);
    CHECK(dump.unwind_table(0) == nullptr);
    CHECK(at(dump, 0x5000, 100) == "f");
}

TEST_CASE("words of code are read within one function") {
    JitDumpBuilder file;
    const std::uint64_t code = file.load(100, 0x5000, 0x10, "f", 0);
    const JitDump dump = read(file);
    CHECK(dump.read_word({code}) == 0x0706050403020100);
    CHECK(dump.read_word({code + 8}) == 0x0f0e0d0c0b0a0908);
    CHECK_FALSE(dump.read_word({code + 9}));
    CHECK_FALSE(dump.read_word({code - 1}));
    CHECK_FALSE(dump.read_word({~std::uint64_t{0}}));
}

TEST_CASE("a dump of the other byte order is read as well") {
    JitDumpBuilder file(JitDumpBuilder::Header{}, true);
    file.load(100, 0x5000, 0x20, "f", 0);
    const JitDump dump = read(file);
    CHECK(dump.header().endian == Endian::big);
    CHECK(at(dump, 0x5000, 100) == "f");
}

TEST_CASE("what is no jitdump of version 1 is refused with the reason") {
    JitDumpBuilder::Header header;
    SUBCASE("magic") {
        header.magic = 0x1234;
        CHECK(error_of(JitDumpBuilder(header)) == "not a jitdump file");
    }
    SUBCASE("version") {
        header.version = 2;
        CHECK(error_of(JitDumpBuilder(header)) == "jitdump of version 2, not 1");
    }
    SUBCASE("header size") {
        header.size = 8;
        CHECK(error_of(JitDumpBuilder(header)) == "jitdump cut inside its header");
    }
    SUBCASE("cut") {
        JitDumpBuilder file;
        file.bytes.resize(39);
        CHECK(error_of(file) == "jitdump cut inside its header");
        file.bytes.clear();
        CHECK(error_of(file) == "not a jitdump file");
    }
}

TEST_CASE("a file that was cut keeps what came before, at every length") {
    JitDumpBuilder file;
    file.load(100, 0x5000, 0x20, "f", 0);
    const std::size_t whole = file.bytes.size();
    file.debug_info(190, 0x6000, {{0x6000, 1, "a.js"}});
    file.load(200, 0x6000, 0x20, "g", 1);
    const JitDumpBuilder all = file;
    for (std::size_t size = whole; size < all.bytes.size(); ++size) {
        file.bytes.assign(all.bytes.begin(), all.bytes.begin() + static_cast<std::ptrdiff_t>(size));
        const JitDump dump = read(file);
        CHECK(at(dump, 0x5000, 300) == "f");
        CHECK(at(dump, 0x6000, 300) == "-");
    }
}

TEST_CASE("records that make no sense are counted, and the others kept") {
    JitDumpBuilder file;
    file.prefix(0, 0, 50);  // a load without a body
    file.load(60, 0x4000, 0, "empty", 0);
    file.load(70, ~std::uint64_t{0} - 4, 0x20, "past the top", 0);
    file.move(80, 0x1, 0x2, 0x20, 99);  // of a function nobody loaded
    file.prefix(77, 8, 90);             // of a kind of the future: no damage
    file.u64(0);
    file.load(100, 0x5000, 0x20, "f", 0);
    file.move(110, 0x5000, 0x7000, 0x21, 0);  // more than there is
    file.prefix(0, 1'000'000, 120);           // past the end
    const JitDump dump = read(file);
    CHECK(dump.malformed() == 6);
    CHECK(at(dump, 0x5000, 100) == "f");
    CHECK(dump.function_count() == 1);
}
