#include <doctest/doctest.h>

#include <vector>

#include "support/cfi_builder.h"
#include "unwind/architecture.h"
#include "unwind/static_modules.h"
#include "unwind/walker.h"

using namespace fgread;
using fgread::test::CfiBuilder;
using fgread::test::CfiBytes;
using fgread::test::CieSpec;

namespace {

constexpr std::uint64_t base = 0x10000;  // modules are mapped where they are linked
constexpr std::uint64_t leaf = base, middle = base + 0x100, start = base + 0x200,
                        no_rule = base + 0x300, vdso = 0x50000;

// An architecture's module with three functions, which nothing but their CFI makes different: one
// without a frame, one that has saved the return address `saved_words` below a CFA of two words,
// and one without a caller.
struct Target {
    TaskAbi abi;
    std::uint16_t elf_machine;
    unsigned return_address;  // DWARF's numbers
    unsigned stack_pointer;
    unsigned frame_words;  // of the second
    unsigned saved_words;
    unsigned word = 8;
    Endian endian = Endian::little;
    unsigned initial_words = 0;  // the CFA above the stack pointer at a function's start
};

CfiBuilder functions_of(const Target& target) {
    CfiBuilder builder = CfiBuilder::eh_frame(base + 0x8000, target.endian);
    CieSpec spec;
    spec.data_alignment = -static_cast<std::int64_t>(target.word);
    spec.return_address = target.return_address;
    spec.instructions =
        CfiBytes{0x0c, target.stack_pointer}.uleb(target.initial_words * target.word);
    if (target.initial_words == 1) spec.instructions.add({0x80 | target.return_address, 1});
    const std::size_t cie = builder.cie(spec);
    builder.fde(cie, leaf, 0x100);
    const unsigned frame = (target.initial_words + target.frame_words) * target.word;
    builder.fde(cie, middle, 0x100,
                CfiBytes{0x0e}.uleb(frame).add({0x05, target.return_address, target.saved_words}));
    builder.fde(cie, start, 0x100, {0x07, target.return_address});
    return builder;
}

class World final : public ModuleProvider {
public:
    explicit World(const Target& target)
        : arch(architecture_of(target.abi)),
          dump(target.endian),
          target_(target),
          cfi_(functions_of(target)) {
        UnwindSections sections = cfi_.sections();
        sections.address_size = static_cast<std::uint8_t>(target.word);
        sections.numbers = register_numbers_of(target.elf_machine);
        module_ = modules_.add(sections);
        modules_.map(space_, {1, 0}, module_, Avma{base}, Avma{base + 0x1000}, 0);
        vdso_ = modules_.map(space_, {1, 1}, {}, Avma{vdso}, Avma{vdso + 0x1000}, 0);
        registers.set_abi(target.abi);
        set(arch.registers.stack_pointer, stack_base);
    }

    World& set(unsigned place, std::uint64_t value) {
        registers.set(place, value);
        return *this;
    }
    World& pc(std::uint64_t value) { return set(arch.registers.pc, value); }
    World& link(std::uint64_t value) { return set(arch.registers.link_register, value); }
    World& word(std::uint64_t value) {
        dump.integer(value, target_.word);
        return *this;
    }
    World& words(unsigned count) {
        for (unsigned i = 0; i < count; ++i) word(0);
        return *this;
    }
    void code(std::uint64_t address, const CfiBytes& bytes) {
        code_ = bytes;
        modules_.add_memory(module_, Svma{address}, code_.view());
    }

    StopReason walk() {
        const StackMemory stack(Avma{stack_base}, dump.view(), target_.endian);
        return StackWalker(*this).walk(space_, {2, 0}, registers, stack, frames_).reason;
    }
    [[nodiscard]] std::vector<std::uint64_t> pcs() const {
        std::vector<std::uint64_t> result;
        for (const WalkedFrame& frame : frames_) result.push_back(frame.pc.value);
        return result;
    }
    [[nodiscard]] const std::vector<WalkedFrame>& frames() const { return frames_; }

    CodeMapping resolve(MappingId mapping) override {
        CodeMapping result = modules_.resolve(mapping);
        result.vdso = mapping == vdso_;
        return result;
    }
    std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) override {
        return modules_.read_word(module, svma);
    }

    static constexpr std::uint64_t stack_base = 0x70000000;
    const Architecture& arch;
    RegisterFile registers;
    CfiBytes dump;

private:
    Target target_;
    CfiBuilder cfi_;
    CfiBytes code_;
    StaticModules modules_;
    ModuleId module_;
    AddressSpace space_;
    MappingId vdso_;
    std::vector<WalkedFrame> frames_;
};

constexpr Target aarch64{TaskAbi::aarch64, 183, 30, 31, 2, 1};
constexpr Target arm{TaskAbi::arm, 40, 14, 13, 2, 1, 4};
constexpr Target riscv64{TaskAbi::riscv64, 243, 1, 2, 2, 1};
constexpr Target s390x{TaskAbi::s390x, 22, 14, 15, 20, 6, 8, Endian::big, 20};
constexpr Target ppc64{TaskAbi::ppc64, 21, 65, 1, 4, 2};
constexpr Target i386{TaskAbi::i386, 3, 8, 4, 2, 1, 4, Endian::little, 1};

using Pcs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("link registers: a leaf's return address is in one, its caller's on the stack") {
    for (const Target& target : {aarch64, arm, riscv64, s390x, ppc64}) {
        World world(target);
        CAPTURE(world.arch.name);
        // The caller's CFA is where its frame ends; the word is counted down from there.
        const unsigned cfa_words = target.initial_words + target.frame_words;
        world.pc(leaf).link(middle + 4).words(cfa_words - target.saved_words).word(start + 4);
        world.words(target.saved_words - 1 + 40);
        CHECK(world.walk() == StopReason::complete);
        REQUIRE(world.pcs() == Pcs{leaf, middle + 4, start + 4});
        CHECK(world.frames()[1].sp.value == World::stack_base);
        CHECK(world.frames()[2].sp.value == World::stack_base + target.frame_words * target.word);
    }
}

TEST_CASE("a caller whose rules leave the return address in a register has lost it") {
    World world(aarch64);
    world.pc(leaf).link(leaf + 8).words(4);
    CHECK(world.walk() == StopReason::bad_memory);
    CHECK(world.pcs() == Pcs{leaf, leaf + 8});
}

TEST_CASE("i386: words of four bytes, addresses modulo 2^32") {
    World world(i386);
    world.pc(leaf).word(middle + 4).words(2).word(start + 4).words(4);
    CHECK(world.walk() == StopReason::complete);
    CHECK(world.pcs() == Pcs{leaf, middle + 4, start + 4});
    CHECK(world.frames()[2].sp.value == World::stack_base + 16);
}

TEST_CASE("the last word of a dump that a 32-bit task fills can be read") {
    World world(i386);
    world.pc(leaf).word(start + 4);
    CHECK(world.walk() == StopReason::complete);
    World cut(i386);
    cut.pc(middle).words(2);
    CHECK(cut.walk() == StopReason::truncated);
}

TEST_CASE("aarch64: signed return addresses lose what lies above the process's addresses") {
    World world(aarch64);
    const std::uint64_t signature = 0x5a3c'8000'0000'0000;
    world.pc(leaf).link((middle + 4) | signature).word(0).word((start + 4) | signature).words(2);
    CHECK(world.walk() == StopReason::complete);
    CHECK(world.pcs() == Pcs{leaf, middle + 4, start + 4});
}

TEST_CASE("arm: return addresses to Thumb code are odd, its instructions are not") {
    World world(arm);
    world.pc(leaf).link(middle + 5).word(0).word(start + 5).words(2);
    CHECK(world.walk() == StopReason::complete);
    CHECK(world.pcs() == Pcs{leaf, middle + 4, start + 4});
}

TEST_CASE("code without rules and without a frame: stubs, thunks, returns") {
    struct Case {
        Target target;
        CfiBytes code;
    };
    const std::vector<Case> cases = {
        {i386, {0x8b, 0x1c, 0x24, 0xc3, 0x66, 0x90, 0x66, 0x90}},  // mov (%esp), %ebx; ret
        {i386, {0xc3, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}},  // ret
        {aarch64, CfiBytes().u32(0x90000490).u32(0xf9400611)},     // adrp x16; ldr x17
        {aarch64, CfiBytes().u32(0xd503245f).u32(0x90000490)},     // bti c; adrp x16
        {aarch64, CfiBytes().u32(0xf9400611).u32(0x91002210)},     // ldr x17; add x16
        {aarch64, CfiBytes().u32(0xd65f03c0).u32(0)},              // ret
        {arm, CfiBytes().u32(0xe12fff1e).u32(0)},                  // bx lr
        {riscv64, CfiBytes().u16(0x8082).u16(0).u32(0)},           // ret
        {s390x, CfiBytes(Endian::big).u16(0x07fe).u16(0).u32(0)},  // br %r14
        {ppc64, CfiBytes().u32(0x4e800020).u32(0)},                // blr
    };
    for (const Case& each : cases) {
        World world(each.target);
        CAPTURE(world.arch.name);
        world.pc(no_rule);
        world.code(no_rule, each.code);
        if (world.arch.registers.has_link_register()) world.link(start + 4);
        world.word(start + 4).words(4);
        CHECK(world.walk() == StopReason::complete);
        CHECK(world.pcs() == Pcs{no_rule, start + 4});
    }
}

TEST_CASE("other code without rules ends the stack, wherever the link register points") {
    World world(aarch64);
    world.pc(no_rule).link(start + 4).words(4);
    world.code(no_rule, CfiBytes().u32(0xa9be7bfd).u32(0x910003fd));  // stp x29, x30; mov x29, sp
    CHECK(world.walk() == StopReason::no_cfi);
    CHECK(world.pcs() == Pcs{no_rule});
}

TEST_CASE("a handler returns to the vdso, above which is what the signal interrupted") {
    struct Case {
        Target target;
        unsigned registers;  // bytes above the stack pointer
        unsigned link_at;    // perf's number of the link register
        unsigned sp_at;
        unsigned pc;
        unsigned pointer = 0, pointed_to = 0;
    };
    const Case cases[] = {
        {aarch64, 312, 30, 31, 312 + 32 * 8},        {riscv64, 304, 1, 2, 304},
        {s390x, 192, 14, 15, 184, 168, 176},         {s390x, 352, 14, 15, 344},
        {ppc64, 360, 36, 1, 360 + 32 * 8, 352, 360},
    };
    for (const Case& each : cases) {
        World world(each.target);
        CAPTURE(world.arch.name);
        world.pc(leaf).link(vdso + 0x100).words(200);
        const auto put = [&](unsigned at, std::uint64_t value) { world.dump.patch(at, value, 8); };
        put(each.registers + each.link_at * 8, start + 4);
        put(each.registers + each.sp_at * 8, World::stack_base + 100 * 8);
        put(each.pc, leaf + 8);
        if (each.pointer != 0) put(each.pointer, World::stack_base + each.pointed_to);
        CHECK(world.walk() == StopReason::complete);
        REQUIRE(world.pcs() == Pcs{leaf, vdso + 0x100, leaf + 8, start + 4});
        CHECK(world.frames()[2].frame.kind == FrameKind::exact);
        CHECK(world.frames()[2].sp.value == World::stack_base + 100 * 8);
    }
}

TEST_CASE("what does not look like a signal's frame is none") {
    World pointer_missing(ppc64);
    pointer_missing.pc(leaf).link(vdso + 0x100).words(200);
    pointer_missing.dump.patch(360 + 32 * 8, leaf + 8, 8);
    CHECK(pointer_missing.walk() == StopReason::module_unavailable);
    World pc_nowhere(aarch64);
    pc_nowhere.pc(leaf).link(vdso + 0x100).words(200);
    CHECK(pc_nowhere.walk() == StopReason::module_unavailable);
}

TEST_CASE("arm: a signal's trampoline is in the C library, and known by its code") {
    constexpr std::uint64_t trampoline = no_rule + 0x10;
    struct Case {
        CfiBytes code;
        unsigned registers;
    };
    const Case cases[] = {
        {CfiBytes().u16(0xf04f).u16(0x0777).u16(0xdf00).u16(0xbf00), 32},   // mov.w r7, #119; svc 0
        {CfiBytes().u16(0xf04f).u16(0x07ad).u16(0xdf00).u16(0xbf00), 160},  // mov.w r7, #173; svc 0
        {CfiBytes().u32(0xe3a070ad).u32(0xef000000), 160},
        {CfiBytes().u16(0x2777).u16(0xdf00).u32(0), 32},
    };
    for (const Case& each : cases) {
        World world(arm);
        world.pc(leaf).link(trampoline | 1).words(100);
        world.code(trampoline, each.code);
        world.dump.patch(each.registers + 13 * 4, World::stack_base + 80 * 4, 4);
        world.dump.patch(each.registers + 14 * 4, start + 5, 4);
        world.dump.patch(each.registers + 15 * 4, leaf + 8, 4);
        CHECK(world.walk() == StopReason::complete);
        CHECK(world.pcs() == Pcs{leaf, trampoline, leaf + 8, start + 4});
    }
}

TEST_CASE("a stack that does not rise, and one without an end") {
    World world(ppc64);
    world.pc(middle).words(400);
    for (unsigned at = 0; at < 400 * 8; at += 16) world.dump.patch(at, middle + 4, 8);
    CHECK(world.walk() == StopReason::truncated);
    CHECK(world.frames().size() == 101);
    World unmapped(riscv64);
    unmapped.pc(leaf).link(0x123456).words(4);
    CHECK(unmapped.walk() == StopReason::no_mapping);
    CHECK(unmapped.pcs() == Pcs{leaf, 0x123456});
}
