// What compilers, dwz and objcopy write, against what llvm-symbolizer says about it.
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "dwarf_files.h"

using namespace fgread;
using namespace fgread::test;

namespace {

struct Expected {
    std::uint64_t address = 0;
    std::vector<std::string> frames;  // "NAME FILE:LINE"
};

std::string fixture(const std::string& name) { return std::string(FIXTURE_DIR "/") + name; }

std::vector<Expected> read_expected(const std::string& path) {
    std::vector<Expected> result;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        std::istringstream fields(line);
        std::string field;
        std::getline(fields, field, '\t');
        Expected expected;
        std::from_chars(field.data(), field.data() + field.size(), expected.address, 16);
        while (std::getline(fields, field, '\t')) expected.frames.push_back(field);
        result.push_back(std::move(expected));
    }
    return result;
}

// As llvm-symbolizer prints a frame, with the file's last component only.
std::string shown(const InlineFrame& frame) {
    const std::string name(frame.name.empty() ? "??" : frame.name);
    const std::string file = frame.file.substr(frame.file.rfind('/') + 1);
    return name + ' ' + (file.empty() ? "??" : file) + ':' + std::to_string(frame.line);
}

// llvm-symbolizer does not qualify names without a linkage name.
bool agrees(const InlineFrame& frame, const std::string& expected) {
    const std::string ours = shown(frame);
    if (ours == expected) return true;
    return !frame.is_linkage && ours.ends_with("::" + expected);
}

bool agrees(const std::vector<InlineFrame>& frames, const std::vector<std::string>& expected) {
    if (frames.empty()) return expected == std::vector<std::string>{"?? ??:0"};
    return std::equal(frames.begin(), frames.end(), expected.begin(), expected.end(),
                      [](const InlineFrame& a, const std::string& b) { return agrees(a, b); });
}

std::string joined(const std::vector<InlineFrame>& frames) {
    std::string text;
    for (const InlineFrame& frame : frames) text += shown(frame) + '\t';
    return text;
}

// Every address of .text.
void compare(const DwarfIndex& index, const std::string& expected_name) {
    const std::vector<Expected> all = read_expected(fixture(expected_name + ".expected"));
    REQUIRE(all.size() > 50);
    std::vector<InlineFrame> frames;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
        for (std::uint64_t pc = all[i].address; pc < all[i + 1].address; ++pc) {
            index.chain(Svma{pc}, true, frames);
            CAPTURE(pc);
            CAPTURE(joined(frames));
            REQUIRE(agrees(frames, all[i].frames));
        }
    }
    const DwarfProblems problems = index.stats().problems;
    CHECK(problems.bad_units + problems.cut_walks + problems.bad_ranges + problems.bad_lines +
              problems.missing_split ==
          0);
}

struct Case {
    const char* name;
    const char* expected;
};

}  // namespace

TEST_CASE("names, order and lines are those of llvm-symbolizer") {
    for (const Case each :
         {Case{"gcc-dwarf2", "gcc"}, Case{"gcc-dwarf4", "gcc"}, Case{"gcc-dwarf5", "gcc"},
          Case{"gcc-types", "gcc"}, Case{"gcc-wide", "gcc"}, Case{"gcc-zlib", "gcc"},
          Case{"gcc-zstd", "gcc"}, Case{"gcc-o3", "gcc-o3"}, Case{"clang-dwarf2", "clang"},
          Case{"clang-dwarf4", "clang"}, Case{"clang-dwarf5", "clang"},
          Case{"rust-release", "rust"}}) {
        CAPTURE(each.name);
        const auto index = open_files(fixture(std::string(each.name) + ".debug"));
        REQUIRE(index);
        compare(*index, each.expected);
    }
}

TEST_CASE("dwz changes nothing if its common file is there") {
    for (const Case each : {Case{"dwz-first", "gcc"}, Case{"dwz-second", "gcc-o3"}}) {
        CAPTURE(each.name);
        const auto index =
            open_files(fixture(std::string(each.name) + ".debug"), fixture("dwz-common.debug"));
        REQUIRE(index);
        compare(*index, each.expected);
    }
}

TEST_CASE("split files change nothing, nor does a package of them") {
    for (const Case each :
         {Case{"gcc-split4", "gcc"}, Case{"gcc-split5", "gcc"}, Case{"clang-split5", "clang"}}) {
        CAPTURE(each.name);
        const auto index =
            open_files(fixture(std::string(each.name) + ".debug"), "", "", FIXTURE_DIR);
        REQUIRE(index);
        compare(*index, each.expected);
    }
    for (const Case each : {Case{"gcc-split4", "gcc"}, Case{"gcc-split5", "gcc"}}) {
        CAPTURE(each.name);
        const auto index = open_files(fixture(std::string(each.name) + ".debug"), "",
                                      fixture(std::string(each.name) + ".dwp"), "/nowhere");
        REQUIRE(index);
        compare(*index, each.expected);
    }
}

TEST_CASE("names without linkage name are qualified") {
    const auto index = open_files(fixture("gcc-dwarf5.debug"));
    REQUIRE(index);
    const std::vector<Expected> all = read_expected(fixture("gcc.expected"));
    std::vector<InlineFrame> frames;
    for (const Expected& each : all) {
        index->chain(Svma{each.address}, false, frames);
        for (const InlineFrame& frame : frames) {
            CHECK(frame.name != "hidden");
            CHECK(frame.name != "square<int>");
        }
    }
}
