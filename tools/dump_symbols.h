// fgdump --symbolize: functions of addresses of an ELF file, as `llvm-symbolizer --inlines` prints
// them.
#pragma once

#include <cstdio>
#include <string>

#include "perfdata/result.h"
#include "symbols/symbolizer.h"
#include "tools/dump_output.h"

namespace fgread::tools {

// Reads lines of `input`. A line that is an address (SVMA, hexadecimal, with or without 0x) is
// answered by two lines for each function, innermost first: its name ("??" if there is none) and
// "file:line:column"; then an empty line. A line that is none comes back as it is.
Result<void> dump_symbols(const std::string& module, const SymbolizerOptions& options,
                          std::FILE* input, DumpOutput& out);

}  // namespace fgread::tools
