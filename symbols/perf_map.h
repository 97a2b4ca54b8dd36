// PerfMap: the names a program gave to code it made itself, from its /tmp/perf-PID.map.
//
// Lines "START SIZE NAME", the numbers in hexadecimal, the name up to the line's end (with blanks
// and semicolons in it): tools/perf/Documentation/jit-interface.txt. The file is only appended to
// and has no times, so where ranges overlap, a later line wins: its code was made later. (perf 6.1
// was seen to take the first of two lines for one range, and to find none of four.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "perfdata/address.h"
#include "perfdata/byte_reader.h"

namespace fgread {

// Immutable and thread-safe once made.
class PerfMap {
public:
    PerfMap() = default;
    PerfMap(const PerfMap&) = delete;
    PerfMap& operator=(const PerfMap&) = delete;
    PerfMap(PerfMap&&) noexcept = default;
    PerfMap& operator=(PerfMap&&) noexcept = default;
    // Copies the text: names are views of it. O(n log n) in the number of lines; 24 bytes a range.
    explicit PerfMap(ByteView text);

    // Largest file that is read. JVMs of a week have 20 MB.
    static constexpr std::size_t max_size = std::size_t{256} << 20;
    // Lines kept; later ones count as malformed. 100 bytes of memory each.
    static constexpr std::size_t max_lines = std::size_t{4} << 20;
    // Names are cut here: V8 names the code of a regular expression by the expression.
    static constexpr std::size_t max_name = 4096;

    struct Match {
        std::string_view name;  // as in the file; lives as long as the map
        std::uint32_t name_id;  // equal for equal lines: a key to cache by
        Avma start;             // of what the line describes
    };
    // One binary search. A size of 0 covers one byte.
    [[nodiscard]] std::optional<Match> find(Avma address) const;

    [[nodiscard]] std::size_t line_count() const { return lines_.size(); }
    // Lines that are not of the form above, empty ones not counted.
    [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

private:
    struct Line {
        std::uint64_t start = 0;
        std::uint64_t last = 0;  // inclusive, so that a range may end at the top
        std::string_view name;
    };
    // Where a line is the last word, until the next piece or `last`.
    struct Piece {
        std::uint64_t start = 0;
        std::uint64_t last = 0;
        std::uint32_t line = 0;
    };
    void read_lines();
    void cut_into_pieces();

    std::vector<char> text_;  // moving a vector leaves its elements where the views point
    std::vector<Line> lines_;
    std::vector<Piece> pieces_;  // by start; they do not overlap
    std::uint64_t malformed_ = 0;
};

}  // namespace fgread
