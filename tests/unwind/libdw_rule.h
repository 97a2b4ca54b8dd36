// Test support: what libdw's dwarf_cfi_addrframe says of a pc, and what our rule says, in one
// notation, so that they can be compared as text.
#pragma once

#include <elfutils/libdw.h>

#include <optional>
#include <string>

#include "perfdata/byte_reader.h"
#include "unwind/registers.h"
#include "unwind/unwind_rule.h"

namespace fgread::test {

// Whose rules are compared.
struct Target {
    std::uint16_t machine = 0;  // EM_*
    RegisterNumbers numbers;
    Endian endian = Endian::little;
    unsigned address_size = 8;
};

// "ra=r16 signal=0 cfa=bregx(7,8) r3=same ..." of all registers that this build tracks. Nothing if
// the CFI has no row for pc. Of machines other than x86-64, registers that are unspecified in
// `ours` (null: none is) are left out if libdw's rule for them is one that its ABI default could
// be.
std::optional<std::string> libdw_rule(Dwarf_CFI* cfi, Dwarf_Addr pc, const Target& target,
                                      const UnwindRule* ours);

// The same words for one of ours. Unspecified registers get what libdw takes for x86-64's default,
// and are left out for other machines.
std::string our_rule(const UnwindRule& rule, const Target& target);

}  // namespace fgread::test
