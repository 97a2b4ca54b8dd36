#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "frame_offsets.h"
#include "support/cfi_builder.h"
#include "unwind/static_modules.h"
#include "unwind/walk_trail.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t bias = 0x400000, dump_base = 0x7ffd00001000;
// Functions of the module (SVMA). Only the last two have rules.
constexpr std::uint64_t saving = 0x1000;       // push %rbx; sub $16; call; add $16; pop; ret
constexpr std::uint64_t unknown = 0x1100;      // where no function is known
constexpr std::uint64_t goexit = 0x1200;       // nop; call; nop: at the bottom of stacks
constexpr std::uint64_t switcher = 0x1300;     // call; ret: on another stack
constexpr std::uint64_t trampoline = 0x1400;   // mov $15, %rax; syscall
constexpr std::uint64_t start = 0x1500;        // return address undefined; begins with a call
constexpr std::uint64_t start_calls = 0x1520;  // in it: call *%rax
constexpr std::uint64_t by_rax = 0x1600;       // CFA = rax + 8; begins with a call
constexpr std::uint64_t framed = 0x1700;       // push %rbp; mov %rsp, %rbp; call frameless
constexpr std::uint64_t frameless = 0x1740;    // sub $8, %rsp; call framed_leaf
constexpr std::uint64_t framed_leaf = 0x1780;  // push %rbp; mov %rsp, %rbp
constexpr std::uint64_t outermost = 0x17c0;    // call framed
constexpr std::uint64_t after_call = 5;

CfiBytes module_code() {
    CfiBytes code;
    const auto at = [&code](std::uint64_t address, std::initializer_list<unsigned> bytes) {
        while (code.size() < address - saving) code.u8(0xcc);
        for (const unsigned byte : bytes) code.u8(byte);
    };
    at(saving, {0x53, 0x48, 0x83, 0xec, 0x10, 0xe8, 0xf6, 0xff, 0xff, 0xff, 0x48, 0x83, 0xc4, 0x10,
                0x5b, 0xc3});
    at(goexit, {0x90, 0xe8, 0, 0, 0, 0, 0x90});
    at(switcher, {0xe8, 0, 0, 0, 0, 0xc3});
    at(trampoline, {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05});
    at(start, {0xe8, 0, 0, 0, 0});
    at(start_calls, {0xff, 0xd0});
    at(by_rax, {0xe8, 0, 0, 0, 0});
    at(framed, {0x55, 0x48, 0x89, 0xe5, 0xe8, 0x37, 0, 0, 0});
    at(frameless, {0x48, 0x83, 0xec, 8, 0xe8, 0x37, 0, 0, 0});
    at(framed_leaf, {0x55, 0x48, 0x89, 0xe5});
    at(outermost, {0xe8, 0x3b, 0xff, 0xff, 0xff});
    at(0x1800, {0xcc});
    return code;
}

CfiBuilder module_cfi() {
    CfiBuilder builder = CfiBuilder::eh_frame(0x8000);
    const std::size_t cie = builder.cie();
    builder.fde(cie, start, 0x100, {0x07, 16});
    builder.fde(cie, by_rax, 0x100, {0x0c, 0, 8});
    return builder;
}

class Process {
public:
    Process() {
        const ModuleId module = modules.add(cfi_.sections());
        modules.add_memory(module, Svma{saving}, code_.view());
        modules.add_function(module, {Svma{saving}, Svma{saving + 16}});
        modules.add_bottom(module, {Svma{goexit}, Svma{goexit + 7}, StopReason::complete});
        modules.add_bottom(module,
                           {Svma{switcher}, Svma{switcher + 6}, StopReason::switched_stack});
        modules.map(space, {1, 0}, module, Avma{bias + 0x1000}, Avma{bias + 0x2000}, bias);
        registers.set(x86_64::rsp, dump_base);
    }
    Process& pc(std::uint64_t svma) {
        registers.set(x86_64::return_address, svma + bias);
        return *this;
    }
    Process& word(std::uint64_t value) {
        dump.u64(value);
        return *this;
    }
    Process& back_to(std::uint64_t svma) { return word(svma + bias); }
    WalkResult walk(WalkLimits limits = {}) {
        StackWalker walker(modules, limits);
        return walker.walk(space, {2, 0}, registers, {Avma{dump_base}, dump.view()}, frames);
    }
    [[nodiscard]] std::vector<std::uint64_t> offsets() const { return test::offsets_of(frames); }

    StaticModules modules;
    AddressSpace space;
    RegisterFile registers;
    CfiBytes dump;
    std::vector<WalkedFrame> frames;

private:
    CfiBuilder cfi_ = module_cfi();
    CfiBytes code_ = module_code();
};

using Offsets = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("code without a rule is walked by its instructions, and counted") {
    Process process;
    process.pc(saving + 1).word(7).back_to(saving + 10);  // in the prologue
    process.word(0).word(0).word(8).back_to(start + after_call);
    const WalkResult result = process.walk();
    CHECK(result.reason == StopReason::complete);
    CHECK(result.by_analysis == 2);
    CHECK(result.by_frame_pointer == 0);
    CHECK(process.offsets() == Offsets{saving + 1, saving + 10, start + after_call});

    WalkLimits off;
    off.analyse_code = false;
    CHECK(process.walk(off).reason == StopReason::no_cfi);
    CHECK(process.frames.size() == 1);
}

TEST_CASE("a sample counts frames without a rule that it shares with the one before") {
    Process process;
    process.pc(saving + 1).word(7).back_to(saving + 10);
    process.word(0).word(0).word(8).back_to(start + after_call);
    StackWalker walker(process.modules, {});
    WalkTrail trail;
    const auto walk = [&] {
        return walker.walk(process.space, {2, 0}, process.registers,
                           {Avma{dump_base}, process.dump.view()}, process.frames, &trail);
    };
    CHECK(walk().by_analysis == 2);
    const WalkResult again = walk();
    CHECK(again.shared == 2);
    CHECK(again.by_analysis == 2);
    CHECK(process.offsets() == Offsets{saving + 1});
}

TEST_CASE("a caller that other words of the stack decided is not shared") {
    Process process;
    process.pc(saving + 1).registers.set(x86_64::rbp, dump_base + 32);
    const auto stack_with = [](std::uint64_t local) {
        CfiBytes words;
        words.u64(7).u64(framed + 9 + bias).u64(local).u64(0);
        words.u64(0).u64(start_calls + 2 + bias);
        return words;
    };
    StackWalker walker(process.modules, {});
    WalkTrail trail;
    const auto walk = [&](const CfiBytes& stack) {
        return walker.walk(process.space, {2, 0}, process.registers,
                           {Avma{dump_base}, stack.view()}, process.frames, &trail);
    };
    CHECK(walk(stack_with(0)).reason == StopReason::complete);
    CHECK(process.offsets() == Offsets{saving + 1, framed + 9, start_calls + 2});
    CHECK(trail.steps.size() == 1);
    // Now the stack shows a call of a function without a frame.
    const WalkResult other = walk(stack_with(saving + 10 + bias));
    CHECK(other.reason == StopReason::no_cfi);
    CHECK(other.shared == 0);
    CHECK(process.offsets() == Offsets{saving + 1, framed + 9});
}

TEST_CASE("a frame by analysis that leads behind no call is not believed") {
    Process process;
    process.pc(saving).back_to(start + 7);
    CHECK(process.walk().reason == StopReason::no_cfi);
    CHECK(process.frames.size() == 1);
}

TEST_CASE("a frame by analysis that leaves the dump is cut") {
    Process process;
    process.pc(saving + 5).word(0);
    CHECK(process.walk().reason == StopReason::truncated);
}

TEST_CASE("where no function is known, nothing is analysed") {
    Process process;
    process.pc(unknown).back_to(start + after_call);
    CHECK(process.walk().reason == StopReason::no_cfi);
}

TEST_CASE("a frame pointer is not believed over a frame that the stack shows between") {
    // make: xstrdup() keeps none, variable_expand_string(), which calls it, does.
    constexpr std::uint64_t outer_frame = dump_base + 0x28;
    Process process;
    process.pc(framed_leaf + 4).word(outer_frame).back_to(frameless + 9);
    process.word(0).back_to(framed + 9);
    process.word(0).word(0).back_to(outermost + 5);
    process.registers.set(x86_64::rbp, dump_base);
    const WalkResult result = process.walk();
    CHECK(process.offsets() == Offsets{framed_leaf + 4, frameless + 9});
    CHECK(result.by_frame_pointer == 1);
}

TEST_CASE("a frame pointer is not believed of a function that is known to make no frame") {
    // octave: C++ calls between its libraries, by stubs and virtual functions.
    Process process;
    process.pc(framed_leaf + 4).word(dump_base + 0x28).back_to(frameless + 9);
    process.word(0).word(0).word(0).word(0).back_to(outermost + 5);
    process.registers.set(x86_64::rbp, dump_base);
    process.walk({.analyse_code = false});
    CHECK(process.offsets() == Offsets{framed_leaf + 4, frameless + 9, outermost + 5});
    process.modules.add_function(ModuleId{1}, {Svma{frameless}, Svma{frameless + 9}});
    process.walk({.analyse_code = false});
    CHECK(process.offsets() == Offsets{framed_leaf + 4, frameless + 9});
}

TEST_CASE("goexit is the bottom of a goroutine, although no call leads there") {
    Process process;
    process.pc(saving).back_to(goexit + 1).word(1234);
    CHECK(process.walk().reason == StopReason::complete);
    CHECK(process.offsets() == Offsets{saving, goexit + 1});
}

TEST_CASE("what a runtime calls on another stack ends there, and says so") {
    Process process;
    process.pc(saving).back_to(switcher + after_call).back_to(start + after_call);
    CHECK(process.walk().reason == StopReason::switched_stack);
    CHECK(process.offsets() == Offsets{saving, switcher + after_call});
}

TEST_CASE("a signal's trampoline without a rule is known by its code") {
    constexpr unsigned place_of_rsp = 20, place_of_rip = 21, words = 26;  // of struct ucontext
    Process process;
    process.pc(saving).back_to(trampoline);
    const std::uint64_t interrupted_sp = dump_base + 8 + words * 8;
    for (unsigned i = 0; i < words; ++i) {
        process.word(i == place_of_rsp ? interrupted_sp : i == place_of_rip ? saving + bias : 0);
    }
    process.back_to(start + after_call);
    CHECK(process.walk().reason == StopReason::complete);
    CHECK(process.offsets() == Offsets{saving, trampoline, saving, start + after_call});
    CHECK(process.frames[2].frame.kind == FrameKind::exact);
    CHECK(process.frames[2].sp == Avma{interrupted_sp});
}

TEST_CASE("a CFA in rax, over a call that left rax alone (OpenSSL's AES-GCM)") {
    Process process;
    process.registers.set(x86_64::rax, dump_base + 8);
    process.pc(saving).back_to(by_rax + after_call).back_to(start + after_call);
    SUBCASE("if it leads behind a call") {
        CHECK(process.walk().reason == StopReason::complete);
        CHECK(process.offsets() == Offsets{saving, by_rax + after_call, start + after_call});
        CHECK(process.walk().by_analysis == 1);
    }
    SUBCASE("not else") {
        process.registers.set(x86_64::rax, dump_base);
        CHECK(process.walk().reason == StopReason::bad_memory);
        CHECK(process.frames.size() == 2);
    }
}
