// Input: eight bytes of a pc, then an SFrame section.
#include <cstdlib>

#include "fuzz_input.h"
#include "unwind/unwind_table.h"

using namespace fgread;
using namespace fgread::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzInput input(data, size);
    const Svma pc{input.u64()};
    UnwindSections sections;
    sections.sframe = input.rest();
    sections.sframe_address = Svma{0x2000};
    const UnwindTable table(sections);
    const bool covered = table.fde_range(pc).has_value();
    const UnwindRule* rule = table.find(pc);
    if (rule && !covered) std::abort();
    if (table.find(pc) != rule) std::abort();
    return 0;
}
