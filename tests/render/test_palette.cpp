#include <doctest/doctest.h>

#include <set>
#include <string>

#include "render/palette.h"

using namespace fgread;

namespace {

Color by_name(const char* name, ColorScheme scheme) {
    return color_of(name, scheme, ColorSpread::by_name);
}

// The family a scheme puts a name in, by the greatest channels.
std::string hue(Color color) {
    if (color.red > color.green && color.green > color.blue + 20) {
        return color.green > color.red * 3 / 4 ? "yellow" : "orange";
    }
    if (color.red > color.green && color.red > color.blue) return "red";
    if (color.green > color.red && color.green > color.blue + 12) return "green";
    if (color.blue > color.red && color.green > color.red + 60) return "aqua";
    return "other";
}

}  // namespace

TEST_CASE("a name has the same colour always, other names have others") {
    std::set<std::string> colors;
    for (int i = 0; i < 200; ++i) {
        const std::string name = "function_" + std::to_string(i);
        const Color color = color_of(name, ColorScheme::hot, ColorSpread::by_name);
        CHECK(color == color_of(name, ColorScheme::hot, ColorSpread::by_name));
        colors.insert(hex(color));
    }
    CHECK(colors.size() > 150);
    // Kept from release to release: pictures of different days shall be comparable.
    CHECK(hex(by_name("main", ColorScheme::hot)) == "#f2d152");
}

TEST_CASE("black text reads well on every scheme's colours") {
    for (std::string name :
         {"hot", "mem", "io", "wakeup", "chain", "java", "js", "perl", "python", "rust", "module",
          "red", "green", "blue", "aqua", "yellow", "purple", "orange"}) {
        CAPTURE(name);
        REQUIRE(color_scheme(name));
        CHECK(color_scheme_names().find(name) != std::string::npos);
        for (int i = 0; i < 300; ++i) {
            CHECK_FALSE(is_dark(color_of("f" + std::to_string(i) + "::g", *color_scheme(name),
                                         ColorSpread::by_name)));
        }
    }
    CHECK_FALSE(color_scheme("pink"));
    CHECK(is_dark({60, 0, 60}));
}

TEST_CASE("languages and layers have their hues") {
    CHECK(hue(by_name("vfs_read_[k]", ColorScheme::java)) == "orange");
    CHECK(hue(by_name("Lorg/x/Y:::run_[j]", ColorScheme::java)) == "green");
    CHECK(hue(by_name("java/util/List.get", ColorScheme::java)) == "green");
    CHECK(hue(by_name("JavaThread::run", ColorScheme::java)) == "yellow");
    CHECK(hue(by_name("read", ColorScheme::java)) == "red");
    CHECK(hue(by_name("inlined_[i]", ColorScheme::java)) == "aqua");
    CHECK(hue(by_name("core::fmt::write", ColorScheme::rust)) == "aqua");
    CHECK(hue(by_name("<alloc::vec::Vec<T> as X>::y", ColorScheme::rust)) == "aqua");
    CHECK(hue(by_name("serde::de", ColorScheme::rust)) == "yellow");
    CHECK(hue(by_name("LazyCompile:~run /a/b.js:3", ColorScheme::js)) == "green");
    CHECK(hue(by_name("waker_[w]", ColorScheme::chain)) == "aqua");
    CHECK(by_name("[unknown]", ColorScheme::hot) == by_name("[unknown]", ColorScheme::mem));
}

TEST_CASE("a module is what a name says it is") {
    CHECK(module_of("[libc.so.6]") == "libc.so.6");
    CHECK(module_of("[libc.so.6 <28ab0>]") == "libc.so.6");
    CHECK(module_of("libc.so.6`read") == "libc.so.6");
    CHECK(module_of("vfs_read_[k]") == "[kernel]");
    CHECK(module_of("[kernel.kallsyms]") == "[kernel]");
    CHECK(module_of("tokio::runtime::run") == "tokio");
    CHECK(module_of("<tokio::Task as Future>::poll") == "tokio");
    CHECK(module_of("org.apache.Foo") == "org");
    CHECK(module_of("std::vector<a::b>::push_back") == "std");
    CHECK(module_of("operator<< <x::y>") == "");
    CHECK(module_of("main") == "");
    CHECK(by_name("tokio::a", ColorScheme::module) != by_name("serde::a", ColorScheme::module));
}

TEST_CASE("similar names can look alike") {
    const auto distance = [](Color a, Color b) {
        return std::abs(a.red - b.red) + std::abs(a.green - b.green) + std::abs(a.blue - b.blue);
    };
    int alike = 0;
    for (int i = 0; i < 50; ++i) {
        const std::string name = "very_long_prefix_" + std::to_string(i);
        const std::string other = "very_long_prefix_" + std::to_string(i + 1);
        alike += distance(color_of(name, ColorScheme::mem, ColorSpread::by_similar),
                          color_of(other, ColorScheme::mem, ColorSpread::by_similar)) < 120;
    }
    CHECK(alike == 50);
}

TEST_CASE("changes go from blue over white to red") {
    CHECK(hex(color_of_change(0, 10)) == "#f0f0f0");
    CHECK(hex(color_of_change(10, 10)) == "#ff5448");
    CHECK(hex(color_of_change(-10, 10)) == "#548cff");
    CHECK(hex(color_of_change(0, 0)) == "#f0f0f0");
    CHECK(color_of_change(1, 10).blue < 0xf0);
}

TEST_CASE("a palette map keeps its colours") {
    PaletteMap map;
    map.read(
        "main->rgb(1,2,3)\noperator->->rgb(4, 5, 6)\nbad\nworse->rgb(1,2)\nover->rgb(1,2,300)\n");
    CHECK(map.keep("main", {9, 9, 9}) == Color{1, 2, 3});
    CHECK(map.keep("operator->", {9, 9, 9}) == Color{4, 5, 6});
    CHECK(map.keep("new", {7, 8, 9}) == Color{7, 8, 9});
    CHECK(map.keep("new", {0, 0, 0}) == Color{7, 8, 9});
    CHECK(map.text() == "main->rgb(1,2,3)\nnew->rgb(7,8,9)\noperator->->rgb(4,5,6)\n");
}
