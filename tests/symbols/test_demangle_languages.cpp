#include <doctest/doctest.h>

#include <string>

#include "symbols/demangle.h"
#include "symbols/dlang_names.h"

using namespace fgread;

namespace {

std::string full(std::string_view name) { return demangle(name, NameStyle::full); }
std::string brief(std::string_view name) { return demangle(name, NameStyle::shorter); }

}  // namespace

TEST_CASE("--names=full shows parameters as c++filt does") {
    CHECK(full("_Z3foov") == "foo()");
    CHECK(full("_Z3maxIiET_S0_S0_") == "int max<int>(int, int)");
    CHECK(full("_ZNK1A1fEPKc.cold") == "A::f(char const*) const.cold");
    CHECK(full("_ZdlPv@plt") == "operator delete(void*)@plt");
    CHECK(full("_RNvCs1234_7mycrate3foo") == "mycrate::foo");
    CHECK(full("memcpy@@GLIBC_2.14") == "memcpy");
}

TEST_CASE("styles are known by the words of --names") {
    CHECK(name_style("plain") == NameStyle::plain);
    CHECK(name_style("full") == NameStyle::full);
    CHECK(name_style("short") == NameStyle::shorter);
    CHECK(name_style("raw") == NameStyle::raw);
    CHECK_FALSE(name_style("shorter"));
    CHECK_FALSE(name_style(""));
}

TEST_CASE("--names=raw shows what the file has, without a version") {
    CHECK(demangle("_Z3foov.llvm.12", NameStyle::raw) == "_Z3foov.llvm.12");
    CHECK(demangle("memcpy@@GLIBC_2.14", NameStyle::raw) == "memcpy");
    CHECK(demangle("_ZdlPv@plt", NameStyle::raw) == "_ZdlPv@plt");
    CHECK(demangle("camlStdlib__List__map_487", NameStyle::raw) == "camlStdlib__List__map_487");
}

TEST_CASE("D names lose their parameters, and their template arguments too if short") {
    const char* const join = "_D8demangle__T4testTiZ4testMxFDFiZvZv";
    CHECK(full(join) == "demangle.test!(int).test(void(int) delegate) const");
    CHECK(demangle(join) == "demangle.test!(int).test");
    CHECK(brief(join) == "demangle.test.test");
    CHECK(demangle("_Dmain") == "D main");
    CHECK(demangle("_D3std5stdio4File5flushMFNeZv") == "std.stdio.File.flush");
    CHECK(demangle("_D3foo9__lambda1FZv.cold") == "foo.__lambda1.cold");
    CHECK(demangle("_Dump") == "_Dump");
    CHECK(demangle("_D9") == "_D9");
}

TEST_CASE("brackets in the strings among D's template arguments are text") {
    CHECK(dlang_without_parameters("a.b!(\"x(\\\"\", 1).b(int) const.c!int.c(T) shared", true) ==
          "a.b!(\"x(\\\"\", 1).b.c!int.c");
    CHECK(dlang_without_parameters("a.b!(\"x(\", 1).b(int) const.c!int.c(T) shared", false) ==
          "a.b.b.c.c");
    CHECK(dlang_without_parameters("a.b(int", true) == "a.b(int");
    CHECK(dlang_without_parameters("a!(b", true) == "a!(b");
    CHECK(dlang_without_parameters("", true) == "");
}

TEST_CASE("a D name that would expand without end is left mangled, quickly") {
    // Without the bound this takes longer than a test may.
    bool too_long = false;
    SUBCASE("parameters that refer to the parameters before them") {
        std::string name = "_D1aFHii";
        for (int i = 0; i < 200; ++i) name += "HQdQf";
        name += "Zv";
        CHECK(demangle(name, NameStyle::plain, &too_long) == name);
        CHECK(too_long);
    }
    SUBCASE("symbols as template arguments, one in the other: 4^n ways to read their lengths") {
        std::string name = "__T1aS9zzz";
        for (int i = 0; i < 40; ++i) name = "__T1aS" + std::to_string(name.size()) + name;
        name = "_D1a" + std::to_string(name.size()) + name;
        CHECK(demangle(name, NameStyle::plain, &too_long) == name);
        CHECK(too_long);
    }
    SUBCASE("longer than is taken") {
        const std::string name = "_D1aF" + std::string(8000, 'P') + "iZv";
        CHECK(demangle(name, NameStyle::plain, &too_long) == name);
        CHECK(too_long);
    }
}

TEST_CASE("the expansion of a D name is never underestimated by identifiers") {
    // "Qb" at 8 refers to the "1b" before it: an identifier, counted with its length alone.
    CHECK(dlang_expansion("_D1a1bQc", 1 << 20) == 8 * 24 + 2);
    CHECK(dlang_expansion(std::string(100, 'P'), 1000) == 1000);
    CHECK(dlang_expansion("QQQQQQQQQQQQQQQQ", 1 << 20) == 16 * 24);
    CHECK(dlang_expansion("", 10) == 0);
}

TEST_CASE("OCaml symbols are shown as paths of modules") {
    CHECK(demangle("camlStdlib__List__map_487") == "Stdlib.List.map");
    CHECK(demangle("camlStdlib__List.map_487") == "Stdlib.List.map");
    CHECK(demangle("camlMain__entry") == "Main.entry");
    CHECK(demangle("camlFoo__fun_1234") == "Foo.fun");
    CHECK(demangle("camlFoo__$3e$3e$3d_12") == "Foo.>>=");
    CHECK(demangle("camlFoo__x'_3") == "Foo.x'");
}

TEST_CASE("what only looks like OCaml stays") {
    for (const char* name :
         {"caml_alloc_small", "caml", "camlFoo", "camlFoo_bar", "camlfoo__bar", "camlFoo__",
          "camlFoo__$zz", "camlFoo__$3", "caml_Foo__bar", "CamlFoo__bar", "camlFoo__bar(int)",
          "camlFoo__a b", "camlFoo__bar__"}) {
        CAPTURE(name);
        CHECK(demangle(name) == name);
    }
}

TEST_CASE("Java and Scala methods of perf maps are readable") {
    CHECK(demangle("Lcom/foo/Bar;::baz") == "com.foo.Bar::baz");
    CHECK(demangle("Lcom/foo/Bar$Inner;::<init>") == "com.foo.Bar$Inner::<init>");
    CHECK(demangle("LMain;::run") == "Main::run");
    CHECK(demangle("com/foo/Bar::baz") == "com.foo.Bar::baz");
    CHECK(demangle("Lcom/foo/Bar;::baz(I[Ljava/x/Y;[[J)V") == "com.foo.Bar::baz");
    CHECK(full("Lcom/foo/Bar;::baz(I[Ljava/x/Y;[[J)V") ==
          "com.foo.Bar::baz(int, java.x.Y[], long[][])");
    CHECK(full("Lcom/foo/Bar;::baz()V") == "com.foo.Bar::baz()");
    CHECK(demangle("java.lang.String java.lang.Object::toString()") ==
          "java.lang.Object::toString");
    CHECK(full("void com.foo.Bar::baz(int, java.lang.String[])") ==
          "com.foo.Bar::baz(int, java.lang.String[])");
    CHECK(demangle("Lscala/collection/List;::$plus$plus$eq") == "scala.collection.List::++=");
    CHECK(demangle("Lscala/A$;::$anonfun$map$1") == "scala.A$::$anonfun$map$1");
    CHECK(demangle("LA;::$upper$div") == "A::$upper/");
}

TEST_CASE("names of other languages are not taken for Java's") {
    for (const char* name :
         {"net/http.(*Client).Do", "net/http.Get", "github.com/a/b.F", "foo::bar", "a/b::", "::a/b",
          "/a/b::c", "LazyCompile:*f /srv/app/x.js:1:2", "Lcom/foo/Bar;", "Lcom;::a b",
          "void foo::bar(int)", "Lcom/foo/Bar;::baz(X)V", "Lcom/foo/Bar;::baz(Lfoo)V",
          "Lcom/foo/Bar;::baz(I", "a b::c", "int a.b::c", "L;::x", "Function:~f<x> a.js"}) {
        CAPTURE(name);
        CHECK(demangle(name) == name);
    }
}
