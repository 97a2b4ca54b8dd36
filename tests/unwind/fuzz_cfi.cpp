// Input: a byte of flags, .eh_frame, .eh_frame_hdr and .debug_frame (each with a 2-byte length
// before it), then pcs of 8 bytes. No crash, no endless loop, and the compiled rules are those of
// the naive way.
#include <cstdlib>

#include "fuzz_input.h"
#include "naive_rule.h"
#include "unwind/unwind_table.h"

using namespace fgread;
using namespace fgread::test;

namespace {

constexpr std::uint64_t frame_address = 0x8000;
constexpr std::uint64_t header_address = 0x7000;
constexpr unsigned max_pcs = 64;

void check(bool condition) {
    if (!condition) std::abort();
}

CfiSection section_of(const UnwindSections& sections, bool is_debug_frame) {
    CfiSection section;
    section.bytes = is_debug_frame ? sections.debug_frame : sections.eh_frame;
    section.bases.section = is_debug_frame ? 0 : frame_address;
    section.bases.address_size = sections.address_size;
    section.endian = sections.endian;
    section.is_debug_frame = is_debug_frame;
    return section;
}

void check_pc(const UnwindTable& table, const UnwindSections& sections, std::uint64_t pc) {
    const UnwindRule* rule = table.find(Svma{pc});
    check(rule == table.find(Svma{pc}));
    if (const auto range = table.fde_range(Svma{pc})) {
        check(range->start.value <= pc && pc < range->end.value);
    }
    if (!sections.eh_frame_hdr.empty()) return;  // a hostile header may hide an inner FDE
    auto naive = naive_rule(section_of(sections, false), pc);
    if (!naive) naive = naive_rule(section_of(sections, true), pc);
    check((rule != nullptr) == naive.has_value());
    if (rule) check(same_rule(*naive, *rule));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input(data, size);
    const unsigned flags = input.u8();
    UnwindSections sections;
    sections.eh_frame_address = {frame_address};
    sections.eh_frame_hdr_address = {header_address};
    sections.endian = flags & 1 ? Endian::big : Endian::little;
    sections.address_size = flags & 2 ? 4 : 8;
    sections.eh_frame = input.part();
    sections.eh_frame_hdr = input.part();
    sections.debug_frame = input.part();
    const UnwindTable table(sections);
    for (unsigned i = 0; i < max_pcs && !input.empty(); ++i) {
        const std::uint64_t pc = input.u64();
        check_pc(table, sections, pc);
        const auto range = table.fde_range(Svma{pc});
        if (!range) continue;
        check_pc(table, sections, range->start.value);
        check_pc(table, sections, range->end.value - 1);
        check_pc(table, sections, range->end.value);
    }
    (void)table.stats();
    return 0;
}
