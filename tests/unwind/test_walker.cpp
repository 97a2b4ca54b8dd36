#include <doctest/doctest.h>

#include <vector>

#include "walked_process.h"

using namespace fgread;
using namespace fgread::test;

namespace {

using Offsets = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a stack is walked to the function whose return address is undefined") {
    Process process;
    process.pc(leaf).back_to(middle).word(0).back_to(start);
    CHECK(process.walk() == StopReason::complete);
    REQUIRE(process.offsets() == Offsets{leaf, middle + 5, start + 5});
    CHECK(process.frames[0].frame.kind == FrameKind::exact);
    CHECK(process.frames[1].frame.kind == FrameKind::return_address);
    CHECK(process.frames[1].frame.lookup_offset() == middle + 4);
    CHECK(process.frames[0].sp == Avma{dump_base});
    CHECK(process.frames[1].sp == Avma{dump_base + 8});
    CHECK(process.frames[2].sp == Avma{dump_base + 24});
    CHECK(process.frames[2].pc == Avma{start + 5 + bias});
    CHECK(process.frames[2].frame.module == ModuleId{1});
}

TEST_CASE("the entry point of a program has no caller, with or without a rule") {
    Process process;
    SUBCASE("above others") {
        process.pc(leaf).back_to(entry).word(7);
        CHECK(process.walk() == StopReason::complete);
        CHECK(process.offsets() == Offsets{leaf, entry + 5});
    }
    SUBCASE("alone") {
        process.pc(entry).word(7);
        CHECK(process.walk() == StopReason::complete);
    }
    SUBCASE("but not what lies behind it") {
        process.pc(leaf).back_to(entry + 0x80).word(7);
        CHECK(process.walk() == StopReason::no_cfi);
    }
    SUBCASE("where the stack was walked with all registers") {
        process.registers.set(x86_64::rax, dump_base);
        process.pc(by_rax).back_to(entry);
        CHECK(process.walk() == StopReason::complete);
    }
}

TEST_CASE("a stub without a rule returns to the address on top of the stack") {
    Process process;
    const CfiBytes jump = CfiBytes{0xff, 0x25, 1, 2, 3, 4, 0x68, 1, 0, 0, 0, 0xe9, 1, 2, 3, 4};
    process.modules.add_memory({1}, Svma{no_rule}, jump.view());
    SUBCASE("at its jump") {
        process.pc(no_rule).back_to(middle).word(0).back_to(start);
        CHECK(process.walk() == StopReason::complete);
        CHECK(process.offsets() == Offsets{no_rule, middle + 5, start + 5});
        CHECK(process.frames[1].sp == Avma{dump_base + 8});
    }
    SUBCASE("with all registers") {
        process.registers.set(x86_64::rbx, start + 5 + bias);
        process.pc(no_rule).back_to(stuck);
        CHECK(process.walk() == StopReason::no_progress);
        CHECK(process.offsets() == Offsets{no_rule, stuck + 5});
    }
    SUBCASE("unless there are no rules for that address") {
        process.pc(no_rule).back_to(no_rule + 0x40);
        CHECK(process.walk() == StopReason::no_cfi);
        CHECK(process.offsets() == Offsets{no_rule});
    }
    SUBCASE("unless other code is there") {
        process.pc(no_rule + 1).back_to(middle).word(0).back_to(start);
        CHECK(process.walk() == StopReason::no_cfi);
    }
    SUBCASE("and not as a caller") {
        process.pc(leaf).back_to(no_rule - 5).back_to(middle).word(0).back_to(start);
        CHECK(process.walk() == StopReason::no_cfi);
    }
}

TEST_CASE("a return address of 0 is the start of the thread, and no frame") {
    Process process;
    process.pc(leaf).back_to(middle).word(0).word(0);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.offsets() == Offsets{leaf, middle + 5});
}

TEST_CASE("rbp is restored from the frames on the way") {
    Process process;
    process.registers.set(x86_64::rbp, dump_base + 16);
    process.pc(with_rbp).word(1).word(2).word(dump_base + 40).back_to(with_rbp);
    process.word(3).word(0).back_to(start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.offsets() == Offsets{with_rbp, with_rbp + 5, start + 5});
}

TEST_CASE("a call that is a function's last instruction returns into the next one") {
    Process process;
    process.pc(leaf).word(middle + bias).back_to(start);  // leaf's last byte was a call
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.offsets() == Offsets{leaf, middle, start + 5});
}

TEST_CASE("the dump ended: truncated, with the frames up to there") {
    Process process;
    process.pc(leaf).back_to(middle).word(0);
    CHECK(process.walk() == StopReason::truncated);
    CHECK(process.offsets() == Offsets{leaf, middle + 5});
}

TEST_CASE("the dump ended inside a word") {
    Process process;
    process.pc(leaf).back_to(middle).word(0);
    process.dump.u32(1);
    CHECK(process.walk() == StopReason::truncated);
}

TEST_CASE("a frame larger than the dump is truncated too") {
    Process process;
    process.registers.set(x86_64::rbp, dump_base + 0x100000);
    process.pc(with_rbp).word(0);
    CHECK(process.walk() == StopReason::truncated);
}

TEST_CASE("a frame pointer that leads to another memory is bad memory") {
    for (const std::uint64_t elsewhere :
         {std::uint64_t{0x1000}, dump_base - 0x100, dump_base + (std::uint64_t{1} << 40),
          ~std::uint64_t{0}}) {
        Process process;
        process.registers.set(x86_64::rbp, elsewhere);
        process.pc(with_rbp).word(0);
        CHECK(process.walk() == StopReason::bad_memory);
        CHECK(process.offsets() == Offsets{with_rbp});
    }
}

TEST_CASE("a return address below the dump is bad memory") {
    Process process;
    process.pc(below).back_to(middle);
    CHECK(process.walk() == StopReason::bad_memory);
}

TEST_CASE("a CFA counts from rbx, which the callee has saved") {
    Process process;
    process.pc(saves_rbx).word(dump_base + 24).back_to(by_rbx).word(1).word(2).back_to(start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.offsets() == Offsets{saves_rbx, by_rbx + 5, start + 5});
    CHECK(process.frames[2].sp == Avma{dump_base + 40});
}

TEST_CASE("a register that is not known is never read through") {
    Process process;
    process.pc(by_rax).back_to(middle);
    CHECK(process.walk() == StopReason::bad_memory);

    Process known;
    known.registers.set(x86_64::rax, dump_base);
    known.pc(by_rax).back_to(start);
    CHECK(known.walk() == StopReason::complete);

    Process lost_in_a_call;
    lost_in_a_call.registers.set(x86_64::rax, dump_base + 8);
    lost_in_a_call.pc(leaf).back_to(by_rax).back_to(start);
    CHECK(lost_in_a_call.walk() == StopReason::bad_memory);
}

TEST_CASE("no registers at all: no frame") {
    Process process;
    process.registers = {};
    CHECK(process.walk() == StopReason::no_registers);
    CHECK(process.frames.empty());
}

TEST_CASE("registers without a stack: the pc is a frame") {
    Process process;
    process.pc(leaf);
    CHECK(process.walk() == StopReason::no_registers);
    CHECK(process.offsets() == Offsets{leaf});

    Process without_sp;
    without_sp.registers.forget(x86_64::rsp);
    without_sp.pc(leaf).back_to(start);
    CHECK(without_sp.walk() == StopReason::no_registers);
    CHECK(without_sp.offsets() == Offsets{leaf});
}

TEST_CASE("registers of an architecture that is not known: not even the pc is") {
    Process process;
    process.registers.set_abi(TaskAbi::unsupported);
    process.pc(leaf).back_to(start);
    CHECK(process.walk() == StopReason::unsupported_abi);
    CHECK(process.offsets().empty());
}

TEST_CASE("a return address in no mapping is the last frame, of module 0") {
    Process process;
    process.pc(leaf).word(0x123456);
    CHECK(process.walk() == StopReason::no_mapping);
    REQUIRE(process.offsets() == Offsets{leaf, 0x123456});
    CHECK(process.frames[1].frame.module == ModuleId{});
}

TEST_CASE("a pc of 0 is a frame if it was sampled: a call through a null pointer") {
    Process process;
    process.registers.set(x86_64::return_address, 0);
    process.word(0);
    CHECK(process.walk() == StopReason::no_mapping);
    CHECK(process.offsets() == Offsets{0});
}

TEST_CASE("a module without unwind information ends the walk") {
    Process process;
    process.pc(leaf).word(0x900010);
    CHECK(process.walk() == StopReason::module_unavailable);
    CHECK(process.offsets() == Offsets{leaf, 0x10});
}

TEST_CASE("a pc without a rule ends the walk") {
    Process process;
    process.pc(leaf).back_to(no_rule);
    CHECK(process.walk() == StopReason::no_cfi);
    CHECK(process.offsets() == Offsets{leaf, no_rule + 5});
}

TEST_CASE("a rule that cannot be evaluated ends the walk") {
    Process process;
    process.pc(leaf).back_to(no_cfa);
    CHECK(process.walk() == StopReason::rule_unsupported);
    CHECK(process.offsets() == Offsets{leaf, no_cfa + 5});
}

TEST_CASE("a stack pointer that does not rise ends the walk, but not at the innermost frame") {
    Process process;
    process.registers.set(x86_64::rbx, stuck + 5 + bias);
    process.pc(stuck).back_to(start);
    CHECK(process.walk() == StopReason::no_progress);
    CHECK(process.offsets() == Offsets{stuck, stuck + 5});
}

TEST_CASE("frames are limited") {
    Process process;
    process.pc(leaf);
    for (unsigned i = 0; i < 100; ++i) process.back_to(leaf);
    process.back_to(start);
    CHECK(process.walk({10}) == StopReason::frame_limit);
    CHECK(process.frames.size() == 10);
    CHECK(process.walk({102}) == StopReason::complete);
    CHECK(process.frames.size() == 102);
}

TEST_CASE("a frame that a signal interrupted is exact, and its registers are all back") {
    Process process;
    process.pc(leaf).word(trampoline + bias);
    process.word(with_rbp + bias);  // rip: the first byte of a function
    process.word(dump_base + 40);   // rsp
    process.word(dump_base + 48);   // rbp
    process.word(1).word(2).word(0).back_to(start);
    // rbp + 16 is the CFA of the interrupted function
    CHECK(process.walk() == StopReason::complete);
    REQUIRE(process.offsets() == Offsets{leaf, trampoline, with_rbp, start + 5});
    CHECK(process.frames[1].frame.kind == FrameKind::return_address);
    CHECK(process.frames[2].frame.kind == FrameKind::exact);
    CHECK(process.frames[3].frame.kind == FrameKind::return_address);
    CHECK(process.frames[2].sp == Avma{dump_base + 40});
}

TEST_CASE("a signal frame may lead to a stack that lies lower, or was not recorded") {
    Process lower;
    lower.word(0).back_to(start);   // the interrupted stack
    lower.word(trampoline + bias);  // the handler's, above it
    lower.word(leaf + bias).word(dump_base + 8).word(0);
    lower.registers.set(x86_64::rsp, dump_base + 16);
    lower.pc(leaf);
    CHECK(lower.walk() == StopReason::complete);
    CHECK(lower.offsets() == Offsets{leaf, trampoline, leaf, start + 5});

    Process unrecorded;
    unrecorded.pc(leaf).word(trampoline + bias).word(leaf + bias).word(0x100000).word(0);
    CHECK(unrecorded.walk() == StopReason::bad_memory);
    CHECK(unrecorded.offsets() == Offsets{leaf, trampoline, leaf});
}

TEST_CASE("a chain of signal frames that leads nowhere is limited") {
    Process process;
    process.pc(trampoline).word(trampoline + bias).word(dump_base).word(0);
    CHECK(process.walk() == StopReason::frame_limit);
    CHECK(process.frames.size() == WalkLimits{}.max_frames);
}

TEST_CASE("a recursion is walked as far as the largest dump holds it") {
    constexpr std::size_t calls = 4000;
    Process process;
    process.pc(leaf);
    for (std::size_t i = 0; i < calls; ++i) process.back_to(middle).word(0);
    process.back_to(start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.frames.size() == calls + 2);
}

TEST_CASE("a walker keeps what it learnt of one space apart from another") {
    Process one;
    one.pc(leaf).back_to(start);
    AddressSpace other;
    const ModuleId second = one.modules.add(UnwindSections{});
    one.modules.map(other, {1, 0}, second, Avma{bias + 0x1000}, Avma{bias + 0x2000}, 0);
    StackWalker walker(one.modules);
    for (int round = 0; round < 3; ++round) {
        CHECK(one.walk(walker) == StopReason::complete);
        std::vector<WalkedFrame> frames;
        const StackMemory stack(Avma{dump_base}, one.dump.view());
        CHECK(walker.walk(other, {2, 0}, one.registers, stack, frames).reason ==
              StopReason::no_cfi);
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].frame.module == second);
        CHECK(frames[0].frame.offset == leaf + bias);
    }
}

TEST_CASE("what is mapped depends on the time, in whatever order times come") {
    Process process;
    process.pc(leaf).back_to(start);
    const ModuleId second = process.modules.add(UnwindSections{});
    process.modules.map(process.space, {10, 0}, second, Avma{bias + 0x1000}, Avma{bias + 0x2000},
                        0);
    StackWalker walker(process.modules);
    for (int round = 0; round < 3; ++round) {
        CHECK(process.walk(walker, {9, 0}) == StopReason::complete);
        CHECK(process.walk(walker, {10, 0}) == StopReason::no_cfi);
        CHECK(process.walk(walker, {0, 5}) == StopReason::no_mapping);
    }
}

TEST_CASE("a space that was changed is asked again after forget_spaces") {
    Process process;
    process.pc(leaf).back_to(start);
    StackWalker walker(process.modules);
    CHECK(process.walk(walker) == StopReason::complete);
    const ModuleId second = process.modules.add(UnwindSections{});
    process.modules.map(process.space, {2, 0}, second, Avma{bias + 0x1000}, Avma{bias + 0x2000}, 0);
    walker.forget_spaces();
    CHECK(process.walk(walker) == StopReason::no_cfi);
}

TEST_CASE("more spaces, and more mappings, than a walker remembers") {
    Process process;
    process.pc(leaf).back_to(start);
    std::vector<AddressSpace> spaces(2'000);
    std::vector<ModuleId> expected;
    for (AddressSpace& space : spaces) {
        expected.push_back(process.modules.add(UnwindSections{}));
        process.modules.map(space, {1, 0}, expected.back(), Avma{bias + 0x1000},
                            Avma{bias + 0x2000}, bias);
    }
    StackWalker walker(process.modules);
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < spaces.size(); ++i) {
            const Frame frame =
                walker.resolve(spaces[i], {2, 0}, Avma{leaf + bias}, FrameKind::exact);
            CHECK(frame.module == expected[i]);
            CHECK(frame.offset == leaf);
        }
    }
}

TEST_CASE("a return address is resolved by the byte before it") {
    Process process;
    StackWalker walker(process.modules);
    const Avma end{bias + 0x2000};
    const Frame frame = walker.resolve(process.space, {2, 0}, end, FrameKind::return_address);
    CHECK(frame.module == ModuleId{1});
    CHECK(frame.offset == 0x2000);
    CHECK(walker.resolve(process.space, {2, 0}, end, FrameKind::exact).module == ModuleId{});
}

TEST_CASE("every stop reason has a key and a text of its own") {
    for (std::size_t i = 0; i < stop_reason_count; ++i) {
        CHECK_FALSE(stop_reason_key(static_cast<StopReason>(i)).empty());
        CHECK_FALSE(stop_reason_text(static_cast<StopReason>(i)).empty());
    }
    CHECK(stop_reason_key(StopReason::complete) == "complete");
    CHECK(stop_reason_key(StopReason::truncated) == "truncated");
    CHECK(stop_reason_key(StopReason::unsupported_abi) == "unsupported_abi");
}

namespace {

// A thread whose samples are walked one after the other, with its trail and without.
struct Thread {
    explicit Thread(Process& the_process) : process(the_process), walker(the_process.modules) {}

    // Walks the stack as it is now; the frames that the trail left out come from the walk before.
    WalkResult sample() {
        const StackMemory stack{Avma{dump_base}, process.dump.view()};
        std::vector<WalkedFrame> frames;
        const WalkResult result =
            walker.walk(process.space, {2, 0}, process.registers, stack, frames, &trail);
        frames.insert(frames.end(), all.end() - static_cast<std::ptrdiff_t>(result.shared),
                      all.end());
        all = frames;
        CHECK(process.walk() == result.reason);
        REQUIRE(process.frames.size() == all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            CHECK(all[i].frame == process.frames[i].frame);
            CHECK(all[i].pc == process.frames[i].pc);
            CHECK(all[i].sp == process.frames[i].sp);
        }
        return result;
    }

    Process& process;
    StackWalker walker;
    WalkTrail trail;
    std::vector<WalkedFrame> all;
};

}  // namespace

TEST_CASE("a walk ends where it meets the trail of the one before") {
    Process process;
    Thread thread(process);
    process.pc(middle).word(0).back_to(middle).word(0).back_to(middle).word(0).back_to(start);
    CHECK(thread.sample().shared == 0);
    SUBCASE("from another function") {
        process.pc(middle + 7);
        CHECK(thread.sample().shared == 3);
    }
    SUBCASE("from one frame further in") {
        process.dump = {};
        process.pc(leaf).word(bias + middle + 9).word(0).back_to(middle).word(0);
        process.dump.u64(bias + start + 5);
        CHECK(thread.sample().shared == 0);  // every frame has moved
    }
    SUBCASE("not if a caller returns elsewhere") {
        process.dump = {};
        process.word(0).back_to(middle).word(0).back_to(middle + 1).word(0).back_to(start);
        CHECK(thread.sample().shared == 1);
    }
    SUBCASE("not if the outermost return address is another") {
        process.dump = {};
        process.word(0).back_to(middle).word(0).back_to(middle).word(0).back_to(start + 1);
        CHECK(thread.sample().shared == 0);
    }
    SUBCASE("not if the dump ends before the trail does") {
        process.dump = {};
        process.word(0).back_to(middle).word(0).back_to(middle).word(0);
        CHECK(thread.sample().reason == StopReason::truncated);
        CHECK(thread.trail.steps.empty());
    }
    SUBCASE("nor at another time, when other code may be there") {
        const StackMemory stack{Avma{dump_base}, process.dump.view()};
        process.modules.map(process.space, {3, 0}, ModuleId{}, Avma{0x900000}, Avma{0x901000},
                            0x900000);
        thread.walker.forget_spaces();
        CHECK(thread.walker
                  .walk(process.space, {4, 0}, process.registers, stack, process.frames,
                        &thread.trail)
                  .shared == 0);
    }
}

TEST_CASE("a trail holds only while the frame pointers it restored are the same") {
    Process process;
    Thread thread(process);
    const std::uint64_t frame = dump_base + 32;
    process.registers.set(x86_64::rbp, 0x1111);
    // middle saves nothing; with_rbp's frame lies at rbp and keeps its caller's.
    process.pc(middle).word(0).back_to(with_rbp);
    process.registers.set(x86_64::rbp, frame);
    process.word(0).word(0).word(dump_base + 64).back_to(with_rbp).word(0).word(0);
    process.word(0x2222).back_to(start);
    CHECK(thread.sample().reason == StopReason::complete);
    REQUIRE(thread.all.size() == 4);
    CHECK(thread.sample().shared == 3);
    SUBCASE("in a register") {
        process.registers.forget(x86_64::rbp);
        CHECK(thread.sample().reason == StopReason::bad_memory);
    }
    SUBCASE("in memory") {
        CfiBytes changed;
        changed.u64(0).u64(with_rbp + 5 + bias).u64(0).u64(0).u64(dump_base + 64);
        changed.u64(with_rbp + 5 + bias).u64(0).u64(0).u64(0x3333).u64(start + 5 + bias);
        process.dump = changed;
        CHECK(thread.sample().shared == 0);
    }
}

TEST_CASE("a thread's start at which the return address is 0 has to be 0 again") {
    Process process;
    Thread thread(process);
    process.pc(leaf).back_to(middle).word(0).word(0);
    CHECK(thread.sample().reason == StopReason::complete);
    CHECK(thread.sample().shared == 1);
    process.dump = {};
    process.back_to(middle).word(0).back_to(start);
    CHECK(thread.sample().shared == 0);
    CHECK(thread.all.size() == 3);
}

TEST_CASE("more frames than the limit are no trail's to share") {
    Process process;
    Thread thread(process);
    process.pc(middle).word(0).back_to(middle).word(0).back_to(start);
    CHECK(thread.sample().reason == StopReason::complete);
    StackWalker short_sighted(process.modules, {.max_frames = 2});
    std::vector<WalkedFrame> frames;
    const StackMemory stack{Avma{dump_base}, process.dump.view()};
    const auto result =
        short_sighted.walk(process.space, {2, 0}, process.registers, stack, frames, &thread.trail);
    CHECK(result.reason == StopReason::frame_limit);
    CHECK(result.shared == 0);
}
