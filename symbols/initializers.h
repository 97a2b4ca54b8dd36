// The functions that run before main() and at exit: no code calls them, the dynamic section names
// them. System V ABI (gabi), "Dynamic Section", and "Initialization and Termination Functions".
//
// crtbegin.o and crti.o have such functions in nearly every file (__do_global_dtors_aux,
// frame_dummy, _init, _fini), and they are the ones that have no call-frame information where all
// else has.
#pragma once

#include <cstdint>
#include <vector>

#include "symbols/elf_image.h"

namespace fgread {

// Addresses from DT_INIT, DT_FINI and the arrays of such functions, in no order, of an x86-64
// image; they may lie anywhere, and some be 0. 24,576 at the most. An array's content is in the
// file (GNU ld, packed relocations) or in the R_X86_64_RELATIVE relocations of its slots (lld);
// these are read only where a slot is empty: 24 bytes each, 335,000 of them in libLLVM.
[[nodiscard]] std::vector<std::uint64_t> read_initializers(const ElfImage& image);

}  // namespace fgread
