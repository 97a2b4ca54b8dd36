// A DWARF expression of call-frame information in words.
#pragma once

#include <string>

#include "perfdata/byte_reader.h"

namespace fgread::tools {

// "rbx", ... by DWARF number on x86-64; "r40" for what has no name.
std::string register_name(unsigned reg);

// "DW_OP_breg7 (rsp): 8; DW_OP_deref", as readelf writes it; "DW_OP_<0x..>" and the rest left out
// where an operation is not known.
std::string expression_text(ByteView expression);

}  // namespace fgread::tools
