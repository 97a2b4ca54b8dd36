#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "collapse/frame_names.h"
#include "collapse/unreal_frames.h"

using namespace fgread;

namespace {

std::vector<std::string> texts(const FrameNames& names, FrameId frame) {
    std::vector<std::string> out;
    for (const NameId id : names[frame]) out.emplace_back(names.name(id));
    return out;
}

// A recording whose binaries do not exist: every frame in one of them is "[basename]".
struct MissingBinaries {
    MappingTable table;
    ModuleId first, second;
    std::unique_ptr<ModuleCache> cache;

    MissingBinaries() {
        const MappingId one = map("/nonexistent/bin/one");
        const MappingId two = map("/nonexistent/lib/two.so.2");
        cache = std::make_unique<ModuleCache>(table, ModuleSources{});
        first = cache->resolve(one).module;
        second = cache->resolve(two).module;
    }
    MappingId map(const std::string& path) {
        Image image;
        image.path = path;
        return table.intern(Mapping{Avma{0x1000}, Avma{0x9000}, 0, table.intern(image)});
    }
};

std::vector<std::string> all_names(const FrameTable& frames, NamingOptions options) {
    MissingBinaries binaries;
    Symbolizer symbolizer(*binaries.cache, {});
    const FrameNames names = name_frames(frames, symbolizer, options);
    std::vector<std::string> out;
    for (FrameId frame = 0; frame < frames.size(); ++frame) {
        for (const std::string& text : texts(names, frame)) out.push_back(text);
    }
    return out;
}

}  // namespace

TEST_CASE("a semicolon in a name becomes a colon") {
    CHECK(escape_frame_name("a;b;;c") == "a:b::c");
    CHECK(escape_frame_name(";") == ":");
}

TEST_CASE("control bytes in a name are written as hexadecimal numbers") {
    CHECK(escape_frame_name("two\nlines\r\n") == "two\\x0alines\\x0d\\x0a");
    CHECK(escape_frame_name("\x1b[31mred") == "\\x1b[31mred");
    CHECK(escape_frame_name(std::string_view("nul\0", 4)) == "nul\\x00");
    CHECK(escape_frame_name("del\x7f") == "del\\x7f");
    CHECK(escape_frame_name("tab\t") == "tab\\x09");
}

TEST_CASE("everything else in a name stays as it is") {
    for (const char* name : {"", " ", "operator()(int, char) const", "std::map<a, b>::at",
                             "<T as core::ops::Fn>::call{{closure}}", "\xc3\xa9\xff\x80", "\\x0a",
                             "\"quoted\"", "a'b`c$d"}) {
        CHECK(escape_frame_name(name) == name);
    }
}

TEST_CASE("paths keep their semicolons and lose their control bytes") {
    CHECK(escape_control_bytes("/tmp/a;b\x1b]0;title\x07") == "/tmp/a;b\\x1b]0;title\\x07");
}

TEST_CASE("a name has one number, its escaped form the same") {
    FrameNames names;
    const NameId a = names.intern("a");
    const NameId colon = names.intern("x:y");
    CHECK(names.intern("a") == a);
    CHECK(names.intern("x;y") == colon);
    CHECK(names.intern("b") != a);
    CHECK(names.name(a) == "a");
    CHECK(names.name_count() == 3);
}

TEST_CASE("names stay where they are while others come") {
    FrameNames names;
    const std::string_view short_name = names.name(names.intern("short"));
    const std::string_view long_name =
        names.name(names.intern("a name too long for the small string optimisation"));
    for (int i = 0; i < 10'000; ++i) names.intern("name " + std::to_string(i));
    const FrameNames moved = std::move(names);
    CHECK(short_name == "short");
    CHECK(long_name == "a name too long for the small string optimisation");
    CHECK(moved.name_count() == 10'002);
}

TEST_CASE("a caller may give frames names of its own") {
    FrameNames names;
    names.set(2, {"outer", "inlined;twice"});
    names.set(0, {"main"});
    names.set(1, {"main"});
    CHECK(texts(names, 0) == std::vector<std::string>{"main"});
    CHECK(names[0][0] == names[1][0]);
    CHECK(texts(names, 2) == std::vector<std::string>{"outer", "inlined:twice"});
}

TEST_CASE("an address in no module is [unknown]") {
    FrameTable frames;
    frames.intern({ModuleId{}, FrameKind::exact, 0});
    frames.intern({ModuleId{}, FrameKind::return_address, 0xdead});
    CHECK(all_names(frames, {}) == std::vector<std::string>{"[unknown]", "[unknown]"});
}

TEST_CASE("an address without a symbol is its module's name in brackets") {
    const MissingBinaries binaries;
    FrameTable frames;
    frames.intern({binaries.first, FrameKind::exact, 0x28ab0});
    frames.intern({binaries.second, FrameKind::exact, 0x28ab0});
    CHECK(all_names(frames, {}) == std::vector<std::string>{"[one]", "[two.so.2]"});
}

TEST_CASE("addresses of frames without a name are shown when asked for") {
    const MissingBinaries binaries;
    FrameTable frames;
    frames.intern({binaries.second, FrameKind::exact, 0x28ab0});
    frames.intern({ModuleId{}, FrameKind::exact, 0x7fff0001});
    frames.intern({binaries.second, FrameKind::return_address, 0x28ac0});
    NamingOptions options;
    options.addresses = true;
    CHECK(all_names(frames, options) == std::vector<std::string>{"[two.so.2 <28ab0>]",
                                                                 "[unknown <7fff0001>]",
                                                                 "[two.so.2 <28abf>]"});
}

TEST_CASE("any number of threads names all frames alike") {
    const MissingBinaries binaries;
    FrameTable frames;
    for (std::uint64_t offset = 0; offset < 5'000; ++offset) {
        frames.intern(
            {offset % 3 == 0 ? binaries.first : binaries.second, FrameKind::exact, offset * 16});
    }
    NamingOptions options;
    options.addresses = true;
    options.jobs = 1;
    const std::vector<std::string> expected = all_names(frames, options);
    CHECK(expected.size() == frames.size());
    CHECK(std::set<std::string>(expected.begin(), expected.end()).size() == frames.size());
    for (const unsigned jobs : {2u, 3u, 8u}) {
        options.jobs = jobs;
        CHECK(all_names(frames, options) == expected);
    }
}

TEST_CASE("the mark of cut stacks has a name") {
    FrameTable frames;
    frames.intern(truncated_mark);
    CHECK(all_names(frames, {}) == std::vector<std::string>{"[truncated]"});
}
