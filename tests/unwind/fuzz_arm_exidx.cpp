// Input: a byte whose lowest bit is the order of bytes, eight bytes of a pc, .ARM.exidx (2-byte
// length before it), then .ARM.extab.
#include <cstdlib>

#include "fuzz_input.h"
#include "unwind/unwind_table.h"

using namespace fgread;
using namespace fgread::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    FuzzInput input(data + 1, size - 1);
    const Svma pc{input.u64()};
    UnwindSections sections;
    sections.endian = (data[0] & 1) != 0 ? Endian::big : Endian::little;
    sections.arm_exidx = input.part();
    sections.arm_exidx_address = Svma{0x2000};
    sections.arm_extab = input.rest();
    sections.arm_extab_address = Svma{0x3000};
    const UnwindTable table(sections);
    const bool covered = table.fde_range(pc).has_value();
    const UnwindRule* rule = table.find(pc);
    if (rule && (!covered || !rule->at_calls_only)) std::abort();
    if (table.find(pc) != rule) std::abort();
    return 0;
}
