// fgdump --rule: the unwind rule at an address of an ELF file, as `readelf -wF` would print it.
#pragma once

#include <string>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/result.h"
#include "tools/dump_output.h"

namespace fgread::tools {

// For each of `addresses` (SVMA): the FDE that covers it, the header of a table and the row that
// holds there. An address without a rule gets a line that says so, and makes `missing` true.
Result<void> dump_rules(const std::string& module, const std::vector<std::uint64_t>& addresses,
                        DumpOutput& out, bool& missing);

}  // namespace fgread::tools
