#include <doctest/doctest.h>

#include "symbols/demangle.h"
#include "symbols/short_name.h"

using namespace fgread;

TEST_CASE("template arguments go, whatever brackets are in them") {
    CHECK(short_name("std::map<int, std::vector<long> >::find") == "std::map::find");
    CHECK(short_name("max<int>") == "max");
    CHECK(short_name("f<(a>b)>::g") == "f::g");
    CHECK(short_name("f<(E)5, &A::operator-> >") == "f");
    CHECK(short_name("f<&A::operator<, int>") == "f");
    CHECK(short_name("f<decltype ((x)<(y))>::g") == "f::g");
    CHECK(short_name("foo[abi:cxx11]<char>") == "foo[abi:cxx11]");
    CHECK(short_name("{closure_env#0}<u8>::call") == "{closure_env#0}::call");
}

TEST_CASE("operators are no brackets") {
    CHECK(short_name("operator< <int>") == "operator<");
    CHECK(short_name("operator<< <char>") == "operator<<");
    CHECK(short_name("operator<=> <char>") == "operator<=>");
    CHECK(short_name("A<int>::operator-><long>") == "A::operator->");
    CHECK(short_name("A<int>::operator->") == "A::operator->");
    CHECK(short_name("A<int>::operator()<long>") == "A::operator()");
    CHECK(short_name("operator><int>") == "operator>");
    CHECK(short_name("operator>><int>") == "operator>>");
    CHECK(short_name("A::operator std::vector<int>") == "A::operator std::vector");
    CHECK(short_name("my_operator<int>") == "my_operator");
    CHECK(short_name("operators<int>") == "operators");
}

TEST_CASE("lambdas and anonymous namespaces stay") {
    CHECK(short_name("main::{lambda(std::vector<int>)#1}::operator()") ==
          "main::{lambda(std::vector)#1}::operator()");
    CHECK(short_name("(anonymous namespace)::A<int>::b") == "(anonymous namespace)::A::b");
    CHECK(short_name("main::<lambda(int)>::operator()") == "main::<lambda(int)>::operator()");
    CHECK(short_name("f<int>::{lambda(auto:1)#1}::operator()<long>") ==
          "f::{lambda(auto:1)#1}::operator()");
}

TEST_CASE("Rust: whose method it is stays, generic arguments go") {
    CHECK(short_name("core::ptr::drop_in_place::<alloc::vec::Vec<u8>>") ==
          "core::ptr::drop_in_place");
    CHECK(short_name("<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop") ==
          "<alloc::vec::Vec as core::ops::drop::Drop>::drop");
    CHECK(short_name("alloc::vec::<impl core::clone::Clone for alloc::vec::Vec<T>>::clone") ==
          "alloc::vec::<impl core::clone::Clone for alloc::vec::Vec>::clone");
    CHECK(short_name("<fn(u8) -> Vec<u8> as Tr>::f::<Box<dyn for<'a> Fn(&'a u8)>>") ==
          "<fn(u8) -> Vec as Tr>::f");
    CHECK(short_name("<dyn for<'a> core::ops::Fn<(&'a u8,)>>::call") ==
          "<dyn core::ops::Fn>::call");
    CHECK(short_name("<&mut [Vec<u8>] as Tr<X>>::f::{closure#0}") ==
          "<&mut [Vec] as Tr>::f::{closure#0}");
}

TEST_CASE("what does not balance stays as it is") {
    for (const char* name : {"", "a<b", "a>b", "a<(>", "f<(a]>", "(x", "x)", "<", ">", "f<)(>",
                             "operator", "f<a)<(b>", "a<{b>"}) {
        CAPTURE(name);
        CHECK(short_name(name) == name);
    }
}

TEST_CASE("--names=short demangles first") {
    CHECK(demangle("_ZNSt6vectorIiSaIiEED1Ev", NameStyle::shorter) == "std::vector::~vector");
    CHECK(demangle("_ZSt4endlIcSt11char_traitsIcEERSt13basic_ostreamIT_T0_ES6_",
                   NameStyle::shorter) == "std::endl");
    CHECK(demangle("_ZltIiEbT_S0_", NameStyle::shorter) == "operator<");
    CHECK(demangle("_ZltIiEbT_S0_.cold", NameStyle::shorter) == "operator<.cold");
    // A C symbol is nobody's template.
    CHECK(demangle("odd<name>", NameStyle::shorter) == "odd<name>");
}
