// What reading debug information found and cost, in numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fgread {

// What is wrong with the debug information of a file; counts.
struct DwarfProblems {
    std::uint64_t bad_sections = 0;   // there, but unreadable, or needing relocation
    std::uint64_t bad_units = 0;      // header or first DIE unreadable: unit skipped
    std::uint64_t cut_walks = 0;      // DIEs damaged: what precedes the damage is used
    std::uint64_t bad_ranges = 0;     // range list damaged or over its budget
    std::uint64_t bad_lines = 0;      // line table damaged: what precedes the damage is used
    std::uint64_t missing_split = 0;  // .dwo file not found or of another build

    // Everything that is damaged: all but missing_split.
    [[nodiscard]] std::uint64_t malformed() const {
        return bad_sections + bad_units + cut_walks + bad_ranges + bad_lines;
    }
};

struct DwarfStats {
    std::size_t units = 0;  // all, type and partial units included
    std::size_t units_walked = 0;
    std::uint64_t dies_walked = 0;
    std::uint64_t intervals = 0;
    std::uint64_t walk_ns = 0;  // summed over threads
    DwarfProblems problems;
    std::string first_missing_split;  // path of the first .dwo file that was not found
};

}  // namespace fgread
