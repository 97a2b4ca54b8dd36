#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "frame_offsets.h"
#include "support/cfi_builder.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"
#include "unwind/x86_64.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;

namespace {

constexpr std::uint64_t bias = 0x400000, dump_base = 0x7ffd00001000;
// Functions of the module (SVMA), each of which makes a frame and calls the one before it.
constexpr std::uint64_t keeping = 0x1000;      // CFA = rbp + 16
constexpr std::uint64_t keeping_not = 0x1100;  // CFA = rsp + 8
constexpr std::uint64_t bare = 0x1200;         // no rule
constexpr std::uint64_t start = 0x1300;        // return address undefined
constexpr std::uint64_t elsewhere = 0x1400;    // no rule, and called by nobody
constexpr std::uint64_t after_call = 9;

CfiBytes module_code() {
    CfiBytes code;
    for (std::uint64_t at = keeping; at <= elsewhere; at += 0x100) {
        while (code.size() < at - keeping) code.u8(0xcc);
        const auto distance = static_cast<std::uint32_t>(-0x100 - static_cast<int>(after_call));
        code.u8(0x55).u8(0x48).u8(0x89).u8(0xe5).u8(0xe8).u32(distance);
    }
    while (code.size() < 0x600) code.u8(0xcc);
    return code;
}

CfiBuilder module_cfi() {
    CfiBuilder builder = CfiBuilder::eh_frame(0x8000);
    const std::size_t cie = builder.cie();
    builder.fde(cie, keeping, 0x100, {0x0c, 6, 16, 0x86, 2});
    builder.fde(cie, keeping_not, 0x100, {0x0c, 7, 8});
    builder.fde(cie, start, 0x100, {0x07, 16});
    return builder;
}

class Process {
public:
    Process() {
        const ModuleId module = modules.add(cfi_.sections());
        modules.add_memory(module, Svma{keeping}, code_.view());
        modules.map(space, {1, 0}, module, Avma{bias + 0x1000}, Avma{bias + 0x2000}, bias);
        registers.set(x86_64::rsp, dump_base);
    }
    Process& at(std::uint64_t svma) {
        registers.set(x86_64::return_address, svma + bias);
        chain = {svma + bias};
        return *this;
    }
    Process& word(std::uint64_t value) {
        dump.u64(value);
        return *this;
    }
    Process& caller(std::uint64_t svma) {
        chain.push_back(svma == 0 ? 0 : svma + bias);
        return *this;
    }
    StopReason walk() {
        WalkLimits limits;
        limits.max_frames = max_frames;
        StackWalker walker(modules, limits);
        const StackMemory stack{Avma{dump_base}, dump.view()};
        const auto walk = walker.walk(space, {2, 0}, registers, stack, frames);
        walked = frames.size();
        return walker.follow_chain(space, {2, 0}, registers, stack, chain, walk.reason, frames);
    }
    [[nodiscard]] std::vector<std::uint64_t> offsets() const { return test::offsets_of(frames); }

    StaticModules modules;
    AddressSpace space;
    RegisterFile registers;
    CfiBytes dump;
    std::vector<std::uint64_t> chain;
    std::vector<WalkedFrame> frames;
    std::size_t walked = 0;
    std::uint32_t max_frames = 100;

private:
    CfiBuilder cfi_ = module_cfi();
    CfiBytes code_ = module_code();
};

using Offsets = std::vector<std::uint64_t>;
constexpr std::uint64_t in_keeping = keeping + after_call, in_bare = bare + after_call,
                        in_start = start + after_call, in_keeping_not = keeping_not + after_call;

// Two frames of a function that keeps rbp in the dump, which ends there.
Process cut_process() {
    Process process;
    process.at(in_keeping).word(dump_base + 0x100).word(in_keeping + bias).caller(in_keeping);
    process.registers.set(x86_64::rbp, dump_base);
    return process;
}

}  // namespace

TEST_CASE("a cut stack goes on in the recorded chain where rules say that rbp is kept") {
    Process process = cut_process();
    process.caller(in_keeping).caller(in_start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.walked == 2);
    CHECK(process.offsets() == Offsets{in_keeping, in_keeping, in_keeping, in_start});
    CHECK(process.frames.back().frame.kind == FrameKind::return_address);
}

TEST_CASE("a recorded chain is left where a function does not keep rbp") {
    Process process = cut_process();
    process.caller(in_keeping_not).caller(in_start);
    CHECK(process.walk() == StopReason::truncated);
    CHECK(process.offsets() == Offsets{in_keeping, in_keeping, in_keeping_not});
}

TEST_CASE("code without a rule must have been called for a recorded chain to be believed") {
    Process process = cut_process();
    process.caller(in_bare).caller(in_start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.frames.size() == 4);

    Process other = cut_process();
    other.caller(in_bare).caller(elsewhere + after_call).caller(in_start);
    CHECK(other.walk() == StopReason::truncated);
    CHECK(other.offsets() == Offsets{in_keeping, in_keeping, in_bare});
}

TEST_CASE("a recorded chain that does not pass the walk's last frame is not believed") {
    Process process = cut_process();
    process.dump = {};
    process.word(dump_base + 0x100).word(in_keeping_not + bias);  // not what the chain has
    process.caller(in_start);
    CHECK(process.walk() == StopReason::truncated);
    CHECK(process.frames.size() == process.walked);
}

TEST_CASE("addresses that come again are told apart by their places on the stack") {
    Process process;
    process.at(in_keeping).word(dump_base + 16).word(in_keeping + bias).caller(in_keeping);
    process.word(dump_base + 0x200).word(in_keeping + bias).caller(in_keeping);
    process.registers.set(x86_64::rbp, dump_base);
    process.caller(in_keeping).caller(in_start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.walked == 3);
    CHECK(process.frames.size() == 5);
}

TEST_CASE("a sample whose stack was not copied is the recorded chain") {
    Process process;
    process.at(in_keeping).caller(in_keeping).caller(in_start);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.offsets() == Offsets{in_keeping, in_keeping, in_start});
}

TEST_CASE("a recorded chain that ends in 0 is whole") {
    Process process = cut_process();
    process.caller(in_keeping).caller(0);
    CHECK(process.walk() == StopReason::complete);
    CHECK(process.frames.size() == 3);
}

TEST_CASE("a recorded chain does not lead beyond the limit of frames") {
    Process process = cut_process();
    process.max_frames = 4;
    for (int i = 0; i < 10; ++i) process.caller(in_keeping);
    CHECK(process.walk() == StopReason::truncated);
    CHECK(process.frames.size() == 4);
}
