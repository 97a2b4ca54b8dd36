#include "symbols/perf_map.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <queue>

namespace fgread {
namespace {

// A hexadecimal number at the start of `text`, which then starts after it and the blanks that
// follow. V8 and the JVM's agents write no "0x"; perf takes it, too.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
    if (error != std::errc{} || stop == end || (*stop != ' ' && *stop != '\t')) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return value;
}

// The next line, without its end; `text` then starts after it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

PerfMap::PerfMap(ByteView text) {
    text_.resize(text.size());
    std::transform(text.begin(), text.end(), text_.begin(),
                   [](std::byte byte) { return static_cast<char>(byte); });
    read_lines();
    cut_into_pieces();
}

void PerfMap::read_lines() {
    std::string_view rest(text_.data(), text_.size());
    while (!rest.empty()) {
        std::string_view line = take_line(rest);
        if (line.empty()) continue;
        const auto start = take_number(line);
        const auto size = start ? take_number(line) : std::nullopt;
        if (!size || line.empty() || lines_.size() == max_lines) {
            ++malformed_;
            continue;
        }
        const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - *start;
        const std::uint64_t more = *size == 0 ? 0 : std::min(*size - 1, room);
        lines_.push_back({*start, *start + more, line.substr(0, max_name)});
    }
}

// Sweeps over the lines by address; the newest of those that cover a place has it.
void PerfMap::cut_into_pieces() {
    std::vector<std::uint32_t> by_start(lines_.size());
    for (std::uint32_t i = 0; i < by_start.size(); ++i) by_start[i] = i;
    std::sort(by_start.begin(), by_start.end(), [this](std::uint32_t a, std::uint32_t b) {
        return lines_[a].start != lines_[b].start ? lines_[a].start < lines_[b].start : a < b;
    });

    std::priority_queue<std::uint32_t> covering;  // newest first; some may have ended already
    std::size_t next = 0;
    std::uint64_t at = 0;
    while (next < by_start.size() || !covering.empty()) {
        if (covering.empty()) at = lines_[by_start[next]].start;
        while (next < by_start.size() && lines_[by_start[next]].start <= at) {
            covering.push(by_start[next++]);
        }
        const std::uint32_t newest = covering.top();
        if (lines_[newest].last < at) {
            covering.pop();
            continue;
        }
        std::uint64_t last = lines_[newest].last;
        if (next < by_start.size()) last = std::min(last, lines_[by_start[next]].start - 1);
        if (!pieces_.empty() && pieces_.back().line == newest && pieces_.back().last + 1 == at) {
            pieces_.back().last = last;
        } else {
            pieces_.push_back({at, last, newest});
        }
        if (last == std::numeric_limits<std::uint64_t>::max()) return;
        at = last + 1;
    }
}

std::optional<PerfMap::Match> PerfMap::find(Avma address) const {
    const auto after = std::upper_bound(
        pieces_.begin(), pieces_.end(), address.value,
        [](std::uint64_t value, const Piece& piece) { return value < piece.start; });
    if (after == pieces_.begin()) return std::nullopt;
    const Piece& piece = *(after - 1);
    if (address.value > piece.last) return std::nullopt;
    const Line& line = lines_[piece.line];
    return Match{line.name, piece.line, Avma{line.start}};
}

}  // namespace fgread
