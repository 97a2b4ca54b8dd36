// Random CFI with gaps, overlaps, nested functions, equal starts and functions of no size: the
// compiled blocks say at every pc what running the FDE's program there says.
#include <doctest/doctest.h>

#include <random>

#include "naive_rule.h"
#include "support/cfi_builder.h"
#include "support/stride.h"
#include "unwind/unwind_table.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t frame_address = 0x100000;
constexpr std::uint64_t header_address = 0xf0000;
constexpr std::uint64_t text = 0x10000;
constexpr std::uint64_t text_size = 0x6000;  // three blocks

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }

private:
    std::mt19937 engine_;
};

CfiBytes random_program(Random& random) {
    CfiBytes program;
    unsigned remembered = 0;
    for (unsigned left = random.below(30); left > 0; --left) {
        switch (random.below(12)) {
            case 0:
            case 1:
                program.u8(0x40 + random.below(64));
                break;
            case 2:
                program.u8(0x02).u8(random.below(256));
                break;
            case 3:
                program.u8(0x0e).uleb(random.below(8) == 0 ? random.below(50000)
                                                           : random.below(500));
                break;
            case 4:
                program.u8(0x0c).u8(6 + random.below(2)).uleb(random.below(500));
                break;
            case 5:
                program.u8(0x80 + random.below(16)).uleb(random.below(20));
                break;
            case 6:
                program.u8(0xc0 + random.below(16));
                break;
            case 7:
                program.u8(0x0a);
                ++remembered;
                break;
            case 8:
                if (remembered > 0) program.u8(0x0b);
                remembered -= remembered > 0;
                break;
            case 9:  // a function that saves all its registers at once
                for (unsigned reg = 3 + random.below(5); reg < 16; ++reg) {
                    program.u8(0x80 + reg).uleb(2 + reg * (1 + random.below(20)));
                }
                break;
            case 10:
                program.u8(0x2e).uleb(random.below(300)).u8(0x0d).u8(6 + random.below(2));
                break;
            default:
                program.u8(0x16).u8(random.below(16)).block({0x23, random.below(128)});
                break;
        }
    }
    if (random.below(20) == 0) program.u8(0x3f);           // malformed from here on
    if (random.below(20) == 0) program.u8(0x0e).u8(0x80);  // an offset that does not end
    return program;
}

CfiBuilder random_cfi(Random& random) {
    CfiBuilder builder = CfiBuilder::eh_frame(frame_address);
    CieSpec signal;
    signal.augmentation = "zRS";
    const std::size_t cies[] = {builder.cie(), builder.cie(signal)};
    std::uint64_t start = text;
    for (unsigned left = 5 + random.below(60); left > 0; --left) {
        unsigned size = random.below(8) == 0 ? random.below(0x3000) : random.below(0x200);
        if (random.below(8) == 0) size = 0;
        if (random.below(8) != 0) start = text + random.below(text_size);
        builder.fde(cies[random.below(2)], start, size, random_program(random));
    }
    return builder;
}

bool is_same(const UnwindRule* a, const UnwindRule* b) {
    if (!a || !b) return a == b;
    return a->cfa == b->cfa && a->registers == b->registers && a->signal_frame == b->signal_frame;
}

}  // namespace

TEST_CASE("compiled blocks equal the naive way at every pc") {
    for (unsigned seed = 0; seed < 15; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const CfiBuilder builder = random_cfi(random);
        CfiSection section;
        section.bytes = builder.sections().eh_frame;
        section.bases.section = frame_address;
        UnwindSections with_header = builder.sections();
        const CfiBytes header = builder.header(header_address, builder.table());
        with_header.eh_frame_hdr = header.view();
        with_header.eh_frame_hdr_address = {header_address};
        const UnwindTable scanned(builder.sections()), through_header(with_header);
        unsigned wrong = 0;
        for (std::uint64_t pc = text - 3; pc < text + text_size + 0x3000; pc += 3 * stride) {
            const auto expected = naive_rule(section, pc);
            for (const UnwindTable* table : {&scanned, &through_header}) {
                const UnwindRule* rule = table->find(Svma{pc});
                if (expected ? !rule || !same_rule(*expected, *rule) : rule != nullptr) ++wrong;
            }
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("what is found at a pc does not depend on what was asked for before") {
    for (unsigned seed = 0; seed < 4; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const CfiBuilder builder = random_cfi(random);
        auto entries = builder.table();
        for (unsigned swaps = 3 * seed; swaps > 0;
             --swaps) {  // of a header that is not sorted, too
            std::swap(entries[random.below(static_cast<unsigned>(entries.size()))],
                      entries[random.below(static_cast<unsigned>(entries.size()))]);
        }
        const CfiBytes header = builder.header(header_address, entries);
        UnwindSections with_header = builder.sections();
        with_header.eh_frame_hdr = header.view();
        with_header.eh_frame_hdr_address = {header_address};
        for (const UnwindSections& sections : {builder.sections(), with_header}) {
            const UnwindTable rising(sections), falling(sections);
            std::vector<const UnwindRule*> rules;
            for (unsigned i = 0; i < text_size; ++i) rules.push_back(rising.find(Svma{text + i}));
            unsigned wrong = 0;
            for (unsigned i = text_size; i-- > 0;) {
                wrong += !is_same(rules[i], falling.find(Svma{text + i}));
            }
            CHECK(wrong == 0);
        }
    }
}
