// fgdump --stacks: how every sample's stack was walked, for comparison with other unwinders.
#pragma once

#include <string>

#include "perfdata/diagnostics.h"
#include "perfdata/result.h"
#include "symbols/symbolizer.h"
#include "tools/dump_output.h"

namespace fgread::tools {

struct StackDumpOptions {
    bool names = false;  // the two columns of names
    NameStyle style = NameStyle::plain;
    std::string symfs;
    std::string kallsyms;
};

// One line for each sample, in file order; stacks_help says what is in it.
Result<void> dump_stacks(const std::string& path, const StackDumpOptions& options, DumpOutput& out,
                         Diagnostics& diagnostics);

// The columns, for --help.
inline constexpr const char* stacks_help =
    "Columns of --stacks, separated by one tab; an empty one is '-':\n"
    "  1 file offset of the sample's record, 0x hexadecimal\n"
    "  2 pid   3 tid   4 time in ns   5 index of the event   (decimal)\n"
    "  6 why the walk ended, by the keys of fgread --stats=json; 'guest' and 'malformed'\n"
    "    for samples that are not walked\n"
    "  7 frames of the walk, innermost first, joined by ',': pc/sp in hexadecimal; return\n"
    "    addresses as found\n"
    "  8 the recorded chain, innermost first, joined by ',': addresses in hexadecimal, and\n"
    "    K, U and H for the markers of kernel, user and hypervisor, G for all others\n"
    "  with --names:\n"
    "  9 functions of column 7, joined by ';' ([module] where there is no name, ';' in a name\n"
    "    is ':'), without inlined ones\n"
    " 10 functions of column 8, entry by entry, joined by ';'; the markers stay\n";

}  // namespace fgread::tools
