// Test support: what libdw's dwarf_cfi_addrframe says of a pc, and what our rule says, in one
// notation, so that they can be compared as text.
#pragma once

#include <elfutils/libdw.h>

#include <optional>
#include <string>

#include "unwind/unwind_rule.h"

namespace fgread::test {

// "ra=r16 signal=0 cfa=bregx(7,8) r3=same ..." of all registers that CFI or the x86-64 ABI decides.
// Nothing if the CFI has no row for pc.
std::optional<std::string> libdw_rule(Dwarf_CFI* cfi, Dwarf_Addr pc);

// The same words for one of ours. Unspecified registers get what libdw takes for x86-64's default.
std::string our_rule(const UnwindRule& rule);

}  // namespace fgread::test
