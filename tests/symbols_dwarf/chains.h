// Asking an index in the words of a test.
#pragma once

#include <string>
#include <vector>

#include "dwarf_builder.h"
#include "symbols/dwarf_index.h"

namespace fgread::test {

inline DwarfIndex open_index(const DwarfBuilder& builder) {
    DwarfInputs inputs;
    inputs.debug_file = builder.sections();
    return std::move(*DwarfIndex::open(std::move(inputs)));
}

// "inner<outer", as in a stack read from the leaf; "-" if nothing covers the address.
inline std::string chain(const DwarfIndex& index, std::uint64_t pc) {
    std::vector<InlineFrame> frames;
    index.chain(Svma{pc}, false, frames);
    if (frames.empty()) return "-";
    std::string text;
    for (const InlineFrame& frame : frames) {
        text += frame.name;
        if (frame.inlined) text += '<';
    }
    return text;
}

inline std::string chain(const DwarfBuilder& builder, std::uint64_t pc) {
    return chain(open_index(builder), pc);
}

// "name file:line", innermost first, joined by " < ".
inline std::string lines(const DwarfIndex& index, std::uint64_t pc) {
    std::vector<InlineFrame> frames;
    index.chain(Svma{pc}, true, frames);
    std::string text;
    for (const InlineFrame& frame : frames) {
        if (!text.empty()) text += " < ";
        text += std::string(frame.name) + ' ' + frame.file + ':' + std::to_string(frame.line);
    }
    return text;
}

}  // namespace fgread::test
