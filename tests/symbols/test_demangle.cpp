#include <doctest/doctest.h>

#include "symbols/demangle.h"

using namespace fgread;

TEST_CASE("C++ names lose parameters and return type, and keep template arguments") {
    CHECK(demangle("_Z3foov") == "foo");
    CHECK(demangle("_ZN2ns1SIlE4spinEiRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE") ==
          "ns::S<long>::spin");
    CHECK(demangle("_Z3maxIiET_S0_S0_") == "max<int>");
    CHECK(demangle("_ZZ4mainENKUliE_clEi") == "main::{lambda(int)#1}::operator()");
    CHECK(demangle("_ZN12_GLOBAL__N_14anonEi") == "(anonymous namespace)::anon");
    CHECK(demangle("_ZNSt6vectorIiSaIiEED1Ev") ==
          "std::vector<int, std::allocator<int> >::~vector");
    CHECK(demangle("_ZN1AcvbEv") == "A::operator bool");
}

TEST_CASE("legacy Rust names lose their hash") {
    CHECK(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE") ==
          "core::fmt::Write::write_fmt");
    CHECK(demangle("_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt"
                   "17h0123456789abcdefE") == "<alloc::string::String as core::fmt::Display>::fmt");
}

TEST_CASE("Rust v0 names are shown without the hashes of their crates") {
    CHECK(demangle("_RNvCs1234_7mycrate3foo") == "mycrate::foo");
    CHECK(
        demangle("_RNvMs0_NtNtCseFNCcUk9lFR_15crossbeam_utils4sync6parkerNtB5_6Parker8from_raw") ==
        "<crossbeam_utils::sync::parker::Parker>::from_raw");
}

TEST_CASE("suffixes of the compiler stay, LLVM's unique numbers go") {
    CHECK(demangle("_Z3foov.cold") == "foo.cold");
    CHECK(demangle("_Z3foov.constprop.0") == "foo.constprop.0");
    CHECK(demangle("_Z3foov.part.0.isra.0.cold") == "foo.part.0.isra.0.cold");
    CHECK(demangle("_Z3foov._omp_fn.2") == "foo._omp_fn.2");
    CHECK(demangle("handle_intel.constprop.0") == "handle_intel.constprop.0");
    CHECK(demangle("_Z3foov.llvm.1234567890") == "foo");
    CHECK(demangle("_Z3foov.llvm.1234567890.cold") == "foo.cold");
    CHECK(demangle("plain.llvm.99") == "plain");
    CHECK(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE.llvm.1A2B@@") ==
          "core::fmt::Write::write_fmt");
    CHECK(demangle("_RNvCs1234_7mycrate3foo.llvm.17") == "mycrate::foo");
    CHECK(demangle("_RNvCs1234_7mycrate3foo.cold") == "mycrate::foo.cold");
}

TEST_CASE("symbol versions go") {
    CHECK(strip_version("memcpy@@GLIBC_2.14") == "memcpy");
    CHECK(strip_version("memcpy@GLIBC_2.2.5") == "memcpy");
    CHECK(strip_version("@odd") == "@odd");
    CHECK(demangle("memcpy@@GLIBC_2.14") == "memcpy");
    CHECK(demangle("_ZSt4endlIcSt11char_traitsIcEERSt13basic_ostreamIT_T0_ES6_@@GLIBCXX_3.4") ==
          "std::endl<char, std::char_traits<char> >");
}

TEST_CASE("perf's names: versions stay on what is not mangled, suffixes go from what is") {
    CHECK(demangle("__libc_start_main@@GLIBC_2.34", NameStyle::perf) ==
          "__libc_start_main@@GLIBC_2.34");
    CHECK(demangle("_ZdlPv@@GLIBCXX_3.4", NameStyle::perf) == "operator delete");
    CHECK(demangle("_ZdlPv@plt", NameStyle::perf) == "operator delete@plt");
    CHECK(demangle("_Z3foov.cold", NameStyle::perf) == "foo");
    CHECK(demangle("_Z3maxIiET_S0_S0_.constprop.0", NameStyle::perf) == "max<int>");
    CHECK(demangle("handle_intel.constprop.0", NameStyle::perf) == "handle_intel.constprop.0");
    CHECK(demangle("_ZThisIsNotMangled@V1", NameStyle::perf) == "_ZThisIsNotMangled@V1");
    CHECK(demangle("camlStdlib__List__map_487", NameStyle::perf) == "camlStdlib__List__map_487");
    CHECK(demangle("_D3std5arrayv", NameStyle::perf) == "_D3std5arrayv");
}

TEST_CASE("what is not mangled stays as it is") {
    for (const char* name : {"main", "_start", "", "_", "_Z", "_ZN", "_R", "_RNv", "Z3foov",
                             "net/http.(*Client).Do", "_ZThisIsNotMangled"}) {
        CAPTURE(name);
        CHECK(demangle(name) == name);
    }
}

TEST_CASE("a name that would expand without end is left mangled, quickly") {
    // Without the bound this takes longer than a test may.
    bool too_long = false;
    SUBCASE("doubling template arguments: 570 MB of output from 250 bytes") {
        std::string name = "_Z1f1AIiiE";
        for (int i = 0; i < 20; ++i) {
            const std::string back = std::string("S") +
                                     (i == 0 ? "" : std::string(1, "0123456789ABCDEFGHIJ"[i - 1])) +
                                     "_";
            const std::string last =
                std::string("S") + std::string(1, "0123456789ABCDEFGHIJ"[i]) + "_";
            name += back + "I" + last + last + "E";
        }
        const std::string shown = demangle(name, NameStyle::plain, &too_long);
        CHECK(shown.size() <= max_demangled_name);
    }
    SUBCASE("longer than any name") {
        const std::string name = "_Z10000" + std::string(10000, 'a') + "v";
        CHECK(demangle(name, NameStyle::plain, &too_long) == name);
        CHECK(too_long);
    }
    SUBCASE("an array of templates times scopes that would overflow the stack") {
        std::string name = "_Z1fI";
        for (int i = 0; i < 600; ++i) name += "1aIiE";
        for (int i = 0; i < 1000; ++i) name += "RT_";
        name += "EvT_";
        CHECK(demangle(name, NameStyle::plain, &too_long) == name);
        CHECK(too_long);
    }
    SUBCASE("pointers to pointers") {
        const std::string name = "_Z1fI" + std::string(8000, 'P') + "iEvv";
        CHECK(demangle(name, NameStyle::plain, &too_long).size() <= max_demangled_name);
    }
    SUBCASE("Rust v0 references back into itself") {
        std::string name = "_RINvC1a1bT";
        for (int i = 0; i < 300; ++i) name += "TB9_B9_E";
        CHECK(demangle(name, NameStyle::plain, &too_long).size() <= max_demangled_name);
    }
}
