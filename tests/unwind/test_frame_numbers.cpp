#include <doctest/doctest.h>

#include <vector>

#include "walked_process.h"

using namespace fgread;
using namespace fgread::test;

TEST_CASE("a walker with a table numbers the frames of known modules") {
    Process process;
    FrameTable table;
    StackWalker walker(process.modules, {}, &table);
    process.pc(leaf).back_to(middle).word(0).back_to(middle).word(0).word(0x900010);
    const auto check_numbers = [&] {
        process.walk(walker);
        REQUIRE(process.frames.size() == 4);
        for (std::size_t i = 0; i < 3; ++i) {
            REQUIRE(process.frames[i].id < table.size());
            CHECK(table[process.frames[i].id] == process.frames[i].frame);
        }
        CHECK(process.frames[1].id == process.frames[2].id);
        // Whether its address matters is for the caller to say.
        CHECK(process.frames[3].id == no_frame);
        CHECK(table.size() == 2);
    };
    check_numbers();
    SUBCASE("the same ones again") { check_numbers(); }
    SUBCASE("in another process, too, where they are elsewhere") {
        Process other;
        const std::size_t before = table.size();
        process.modules.map(other.space, {1, 0}, ModuleId{1}, Avma{bias + 0x801000},
                            Avma{bias + 0x802000}, bias + 0x800000);
        RegisterFile registers = process.registers;
        registers.set(x86_64::return_address, middle + bias + 0x800000);
        CfiBytes dump;
        dump.u64(0).u64(middle + 5 + bias + 0x800000).u64(0).u64(0);
        std::vector<WalkedFrame> frames;
        walker.walk(other.space, {2, 0}, registers, {Avma{dump_base}, dump.view()}, frames);
        REQUIRE(frames.size() == 2);
        CHECK(frames[1].id == process.frames[1].id);
        CHECK(table.size() == before + 1);  // that it executes at middle is new
    }
    SUBCASE("anew, after the table was emptied") {
        table.cut_to(0);
        table.intern(Frame{ModuleId{9}, FrameKind::exact, 1});
        walker.forget_numbers();
        process.walk(walker);
        CHECK(table[process.frames[1].id] == process.frames[1].frame);
        CHECK(table.size() == 3);
    }
    SUBCASE("a place that executes is another frame than a call that returns behind it") {
        process.pc(middle + 4);
        process.dump = {};
        process.word(0).back_to(middle).word(0).word(0x900010);
        process.walk(walker);
        CHECK(process.frames[0].id != process.frames[1].id);
        CHECK(table[process.frames[0].id] == process.frames[0].frame);
    }
}
