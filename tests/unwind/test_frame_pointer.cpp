#include <doctest/doctest.h>

#include "support/cfi_builder.h"
#include "unwind/call_check.h"
#include "unwind/frame_pointer.h"
#include "unwind/static_modules.h"

using namespace fgread;
using namespace fgread::x86_64;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t base = 0x7ffd'0000'1000;

std::optional<FramePointerCaller> follow(std::uint64_t fp, std::uint64_t saved, std::uint64_t pc,
                                         std::uint64_t sp = base) {
    test::CfiBytes dump;
    dump.u64(0).u64(saved).u64(pc);
    return caller_by_frame_pointer({Avma{base}, dump.view()}, sp, fp);
}

// The bytes end where the call returns to.
std::uint64_t before(std::initializer_list<unsigned> bytes) {
    std::uint64_t code = 0;
    for (const unsigned byte : bytes) code = code >> 8 | std::uint64_t{byte} << 56;
    return code;
}

}  // namespace

TEST_CASE("a frame pointer leads to the saved one and the return address above it") {
    const auto caller = follow(base + 8, base + 0x100, 0x401234);
    REQUIRE(caller.has_value());
    CHECK(caller->pc == 0x401234);
    CHECK(caller->sp == base + 24);
    CHECK(caller->fp == base + 0x100);
    CHECK(follow(base + 8, 0, 0x401234).has_value());  // the outermost frame
}

TEST_CASE("a frame pointer that points elsewhere or does not rise is not followed") {
    CHECK_FALSE(follow(base + 4, base + 0x100, 0x401234));
    CHECK_FALSE(follow(base + 16, base + 0x100, 0x401234));  // half of it outside the dump
    CHECK_FALSE(follow(base - 8, base + 0x100, 0x401234));
    CHECK_FALSE(follow(~std::uint64_t{7}, base + 0x100, 0x401234));
    CHECK_FALSE(follow(base + 8, base + 0x100, 0x401234, base + 16));  // below the stack pointer
    CHECK_FALSE(follow(base + 8, base + 8, 0x401234));
    CHECK_FALSE(follow(base + 8, base + 0x100, 0));
}

TEST_CASE("calls are recognised by the bytes before the return address") {
    const CallBefore direct = call_before(before({0xe8, 0xf0, 0xff, 0xff, 0xff}));
    CHECK(direct.kind == CallBefore::direct);
    CHECK(direct.distance == -16);
    CHECK(call_before(before({0xff, 0xd0})).kind == CallBefore::indirect);              // *%rax
    CHECK(call_before(before({0x41, 0xff, 0xd4})).kind == CallBefore::indirect);        // *%r12
    CHECK(call_before(before({0xff, 0x50, 0x18})).kind == CallBefore::indirect);        // *24(%rax)
    CHECK(call_before(before({0xff, 0x14, 0xc8})).kind == CallBefore::indirect);        // SIB
    CHECK(call_before(before({0xff, 0x54, 0x24, 8})).kind == CallBefore::indirect);     // *8(%rsp)
    CHECK(call_before(before({0xff, 0x15, 1, 2, 3, 0})).kind == CallBefore::indirect);  // rip
    CHECK(call_before(before({0xff, 0x94, 0xc8, 1, 2, 3, 0})).kind == CallBefore::indirect);
    CHECK(call_before(before({0xff, 0x25, 1, 2, 3, 0})).kind == CallBefore::no_call);  // jmp
    CHECK(call_before(before({0xff, 0xd0, 0x90})).kind == CallBefore::no_call);
    CHECK(call_before(0).kind == CallBefore::no_call);
}

TEST_CASE("how far a frame is made shows at the pc") {
    CHECK(frame_state({0xe5894855, 0}) == FrameState::none);    // push %rbp
    CHECK(frame_state({0x55fa1e0ff3, 0}) == FrameState::none);  // endbr64
    CHECK(frame_state({0xc3, 0}) == FrameState::none);          // ret
    CHECK(frame_state({0x20ec8348e58948, 0}) == FrameState::pushed);
    CHECK(frame_state({0x20ec8348, 0}) == FrameState::made);
}

TEST_CASE("functions that make a frame begin so, others save rbp for another use") {
    CHECK(makes_frame({0xe5894855, 0}));
    CHECK(makes_frame({0xec8b4855, 0}));
    CHECK(makes_frame({0xe5894855fa1e0ff3, 0}));         // endbr64
    CHECK(makes_frame({0x48000000'01bf4155, 0xe589}));   // mov $1, %r15d between the two
    CHECK_FALSE(makes_frame({0xec8348fb8948'5355, 0}));  // push %rbx
    CHECK_FALSE(makes_frame({0xe5894853, 0}));
    CHECK_FALSE(makes_frame({0x55, 0}));
}

TEST_CASE("a call is of the function that a pc is in, by nearness or by its symbol") {
    constexpr std::uint64_t start = 0x2000, back = 0x1005;
    CfiBytes calling, called;
    calling.u8(0xe8).u32(start - back).u64(0);
    called.u8(0x55).u8(0x48).u8(0x89).u8(0xe5).u64(0).u64(0);
    StaticModules modules;
    const ModuleId module = modules.add({});
    CfiBytes caller{0, 0, 0};
    caller.add(calling);
    modules.add_memory(module, Svma{back - 8}, caller.view());
    modules.add_memory(module, Svma{start}, called.view());
    const auto may = [&](std::uint64_t pc, CallTrust trust) {
        return may_have_called(modules, {module, 0, back}, pc, trust);
    };
    CHECK(may(start + 0x800, CallTrust::named));
    CHECK_FALSE(may(start + 0x1000, CallTrust::named));
    CHECK(may(start + 0x1000, CallTrust::unknown));
    CHECK_FALSE(may(start + 0x10000, CallTrust::unknown));
    CHECK(may(start + 0x10000, CallTrust::any));
    CHECK_FALSE(may(start - 1, CallTrust::unknown));
    modules.add_function(module, {Svma{start}, Svma{start + 0x4000}});
    CHECK(may(start + 0x1000, CallTrust::named));
    CHECK_FALSE(may(start + 0x4000, CallTrust::named));

    const auto of_lost_code = [&](CallTrust trust) {
        return may_have_called(modules, {module, 0, 0x9000}, start, trust);
    };
    CHECK_FALSE(of_lost_code(CallTrust::named));
    CHECK(of_lost_code(CallTrust::named_or_lost));
    CHECK(of_lost_code(CallTrust::unknown));
}

TEST_CASE("rbp is another's where the stack shows a call of a function nearer to the pc") {
    constexpr std::uint64_t outer = 0x2000, leaf = 0x2300, sp = 0x8000, back = 0x1005;
    constexpr std::uint64_t in_outer = 0x2105;
    StaticModules modules;
    const ModuleId module = modules.add({});
    CfiBytes calls_outer{0, 0, 0}, calls_leaf{0, 0, 0};
    calls_outer.u8(0xe8).u32(outer - back);
    calls_leaf.u8(0xe8).u32(leaf - in_outer);
    modules.add_memory(module, Svma{back - 8}, calls_outer.view());
    modules.add_memory(module, Svma{in_outer - 8}, calls_leaf.view());
    const auto is_leaf = [&](std::uint64_t pc, std::uint64_t word, std::uint64_t fp) {
        CfiBytes words;
        words.u64(0).u64(word).u64(0).u64(back);
        const StackMemory stack({sp}, words.view());
        return is_nearer_called(modules, {module, 0, back}, {module, 0, pc}, stack, sp, fp)
            .value_or(false);
    };
    CHECK(is_leaf(leaf + 0x13, in_outer, sp + 16));
    CHECK(is_leaf(leaf, in_outer, sp + 16));
    CHECK_FALSE(is_leaf(leaf - 1, in_outer, sp + 16));         // in front of the leaf: not it
    CHECK_FALSE(is_leaf(leaf + 0x13, in_outer, sp + 8));       // behind the frame
    CHECK_FALSE(is_leaf(leaf + 0x13, in_outer + 1, sp + 16));  // not behind a call
    CHECK_FALSE(is_leaf(leaf + 0x13, 7, sp + 16));

    const ModuleId unreadable = modules.add({});
    CHECK_FALSE(is_nearer_called(modules, {unreadable, 0, back}, {module, 0, leaf}, {}, sp, sp + 16)
                    .has_value());
}

TEST_CASE(
    "behind an indirect call, rbp is another's if the stack shows a call close before the pc") {
    // octave: a std::string's constructor keeps the string's address in rbp.
    constexpr std::uint64_t leaf = 0x2300, framed = 0x2380, sp = 0x8000, back = 0x1005;
    StaticModules modules;
    const ModuleId module = modules.add({});
    CfiBytes calls_leaf{0, 0, 0}, calls_framed{0, 0, 0};
    calls_leaf.u8(0xe8).u32(static_cast<std::uint32_t>(leaf - 0x9105));
    calls_framed.u8(0xe8).u32(static_cast<std::uint32_t>(framed - 0x9205));
    const CfiBytes indirect{0, 0, 0, 0, 0, 0, 0xff, 0xd0};
    modules.add_memory(module, Svma{back - 8}, indirect.view());
    modules.add_memory(module, Svma{0x9105 - 8}, calls_leaf.view());
    modules.add_memory(module, Svma{0x9205 - 8}, calls_framed.view());
    const CfiBytes makes_none{0x41, 0x54, 0x55, 0, 0, 0, 0, 0},
        makes{0x55, 0x48, 0x89, 0xe5, 0, 0, 0, 0};
    modules.add_memory(module, Svma{leaf}, makes_none.view());
    modules.add_memory(module, Svma{framed}, makes.view());
    const auto is_anothers = [&](std::uint64_t pc, std::uint64_t word) {
        CfiBytes words;
        words.u64(word).u64(0).u64(back);
        const StackMemory stack({sp}, words.view());
        return is_nearer_called(modules, {module, 0, back}, {module, 0, pc}, stack, sp, sp + 8)
            .value_or(false);
    };
    CHECK(is_anothers(leaf + 0x7a, 0x9105));
    CHECK_FALSE(is_anothers(leaf - 1, 0x9105));
    CHECK_FALSE(is_anothers(leaf + 0x1000, 0x9105));
    CHECK_FALSE(is_anothers(framed + 0x7a, 0x9205));  // an old word, or its own frame's
    CHECK_FALSE(is_anothers(leaf + 0x7a, 7));
}
