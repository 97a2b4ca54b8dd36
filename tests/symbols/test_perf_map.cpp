#include <doctest/doctest.h>

#include <string>

#include "symbols/perf_map.h"

using namespace fgread;

namespace {

PerfMap parse(const std::string& text) { return PerfMap(std::as_bytes(std::span(text))); }

std::string at(const PerfMap& map, std::uint64_t address) {
    const auto found = map.find({address});
    return found ? std::string(found->name) : std::string("-");
}

}  // namespace

TEST_CASE("a line names the addresses from its start, as many as its size says") {
    const PerfMap map = parse("7f0000001000 20 first\n7f0000001020 10 second\n");
    CHECK(map.line_count() == 2);
    CHECK(map.malformed() == 0);
    CHECK(at(map, 0x7f0000000fff) == "-");
    CHECK(at(map, 0x7f0000001000) == "first");
    CHECK(at(map, 0x7f000000101f) == "first");
    CHECK(at(map, 0x7f0000001020) == "second");
    CHECK(at(map, 0x7f0000001030) == "-");
}

TEST_CASE("a name goes on to the end of the line, with blanks and semicolons") {
    const PerfMap map = parse(
        "1000 10 JS:*fib /home/me/fib.js:1:13\r\n"
        "2000 10 Ljava/lang/String;::hashCode\n"
        "0x3000 0x10 py::f:/tmp/a b.py");  // 0x, and no newline at the end
    CHECK(at(map, 0x1000) == "JS:*fib /home/me/fib.js:1:13");
    CHECK(at(map, 0x2000) == "Ljava/lang/String;::hashCode");
    CHECK(at(map, 0x3008) == "py::f:/tmp/a b.py");
}

TEST_CASE("where ranges overlap, the later line wins, and the earlier one keeps its rest") {
    const PerfMap map = parse(
        "1000 100 old\n"
        "1040 20 new\n"
        "1050 4 newest\n"
        "2000 10 replaced\n"
        "2000 10 replacement\n"
        "3010 10 inner, earlier\n"
        "3000 40 outer, later\n");
    CHECK(at(map, 0x103f) == "old");
    CHECK(at(map, 0x1040) == "new");
    CHECK(at(map, 0x1050) == "newest");
    CHECK(at(map, 0x1054) == "new");
    CHECK(at(map, 0x1060) == "old");
    CHECK(at(map, 0x10ff) == "old");
    CHECK(at(map, 0x2008) == "replacement");
    CHECK(at(map, 0x3018) == "outer, later");
    CHECK(at(map, 0x3040) == "-");
}

TEST_CASE("equal lines have one number, so that their names need be made once") {
    const PerfMap map = parse("1000 100 outer\n1040 10 inner\n");
    CHECK(map.find({0x1000})->name_id == map.find({0x1080})->name_id);
    CHECK(map.find({0x1000})->name_id != map.find({0x1040})->name_id);
}

TEST_CASE("lines of another form are counted, those around them are kept") {
    const PerfMap map = parse(
        "\n"
        "no number 10 x\n"
        "1000\n"
        "1000 10\n"
        "1000 10 \n"
        "-1000 10 negative\n"
        "11111111111111111 10 more than 64 bits\n"
        "2000 10 good\n");
    CHECK(map.line_count() == 1);
    CHECK(map.malformed() == 6);
    CHECK(at(map, 0x2000) == "good");
    CHECK(at(map, 0x1000) == "-");
}

TEST_CASE("sizes of nothing and of more than there is are bounded") {
    const PerfMap map = parse(
        "1000 0 point\n"
        "fffffffffffffff0 ffffffffffffffff top\n"
        "0 1 bottom\n");
    CHECK(at(map, 0x1000) == "point");
    CHECK(at(map, 0x1001) == "-");
    CHECK(at(map, ~std::uint64_t{0}) == "top");
    CHECK(at(map, 0) == "bottom");
    CHECK(at(map, 1) == "-");
}

TEST_CASE("names are cut at their bound") {
    const PerfMap map = parse("1000 10 " + std::string(10'000, 'x') + "\n2000 10 next\n");
    CHECK(at(map, 0x1000).size() == PerfMap::max_name);
    CHECK(at(map, 0x2000) == "next");
}

TEST_CASE("nested ranges by the thousand cost no more than their number") {
    std::string text;
    for (unsigned i = 0; i < 100'000; ++i) {
        char line[64];
        std::snprintf(line, sizeof line, "%x %x f%u\n", 0x10000000 + i, 2 * (200'000 - i), i);
        text += line;
    }
    const PerfMap map = parse(text);
    CHECK(at(map, 0x10000000) == "f0");
    CHECK(at(map, 0x10000000 + 99'999) == "f99999");
    CHECK(at(map, 0x10000000 + 150'000) == "f99999");
}

TEST_CASE("no text, no names") {
    CHECK(at(PerfMap(), 0x1000) == "-");
    CHECK(at(parse(""), 0x1000) == "-");
    CHECK(at(parse("\n\n\n"), 0x1000) == "-");
}
