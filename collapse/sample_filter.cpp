#include "collapse/sample_filter.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace fgread {
namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;
constexpr std::size_t ns_digits = 9;

bool holds(const std::vector<NumberRange>& ranges, std::uint64_t number) {
    return ranges.empty() ||
           std::any_of(ranges.begin(), ranges.end(), [number](const NumberRange& range) {
               return range.first <= number && number <= range.last;
           });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(separator, begin);
        parts.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return parts;
        begin = end + 1;
    }
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool all = error == std::errc() && end == text.data() + text.size();
    return all ? std::optional(number) : std::nullopt;
}

// "12.5" of "12.5%", as a part of 1.
std::optional<double> percentage(std::string_view text) {
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const bool all = error == std::errc() && end == text.data() + text.size();
    if (!all || !(number >= 0 && number <= 100)) return std::nullopt;
    return number / 100;
}

// "12.5" seconds in ns, without the rounding of a double: a machine's uptime in ns needs 53 bits
// after three months.
std::optional<std::uint64_t> seconds(std::string_view text) {
    const std::size_t point = text.find('.');
    const auto whole = whole_number(text.substr(0, point));
    if (!whole || *whole > UINT64_MAX / ns_per_second - 1) return std::nullopt;
    std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
    if (fraction.size() > ns_digits) return std::nullopt;
    fraction.resize(ns_digits, '0');
    const auto ns = whole_number(fraction);
    return ns ? std::optional(*whole * ns_per_second + *ns) : std::nullopt;
}

std::optional<TimeSpan> absolute_span(std::string_view text) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const std::string_view from = text.substr(0, comma);
    const std::string_view to = text.substr(comma + 1);
    if (from.empty() && to.empty()) return std::nullopt;
    TimeSpan span;
    const auto first = from.empty() ? 0 : seconds(from);
    const auto last = to.empty() ? UINT64_MAX : seconds(to);
    if (!first || !last || *first > *last) return std::nullopt;
    span.ns = {*first, *last};
    return span;
}

std::optional<TimeSpan> relative_span(std::string_view text) {
    TimeSpan span;
    span.relative = true;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        const auto part = percentage(text.substr(0, slash));
        const auto number = whole_number(text.substr(slash + 1));
        if (!part || *part == 0 || !number || *number == 0) return std::nullopt;
        span.from = *part * static_cast<double>(*number - 1);
        span.to = *part * static_cast<double>(*number);
        // 33.3%/3 ends where the recording does, but for the rounding.
        if (span.from >= 1 || span.to > 1 + 1e-9) return std::nullopt;
        span.to = std::min(span.to, 1.0);
        return span;
    }
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto from = percentage(text.substr(0, dash));
    const auto to = percentage(text.substr(dash + 1));
    if (!from || !to || *from > *to) return std::nullopt;
    span.from = *from;
    span.to = *to;
    return span;
}

// perf's rounding, so that both choose the same samples.
NumberRange resolved(const TimeSpan& span, std::uint64_t first, std::uint64_t last) {
    const auto total = static_cast<double>(last - first);
    const auto at = [&](double part) {
        if (part >= 1) return last;
        return first + std::min(last - first, static_cast<std::uint64_t>(std::round(part * total)));
    };
    NumberRange range{at(span.from), at(span.to)};
    // The next slice begins where this one ends; only the last sample has none.
    if (range.last > range.first && range.last != last) --range.last;
    return range;
}

}  // namespace

bool SampleFilter::needs_time_bounds() const {
    return std::any_of(times.begin(), times.end(), [](const TimeSpan& s) { return s.relative; });
}

void SampleFilter::resolve_times(std::uint64_t first, std::uint64_t last) {
    for (TimeSpan& span : times) {
        if (!span.relative) continue;
        span.ns = resolved(span, first, std::max(first, last));
        span.relative = false;
    }
}

bool SampleFilter::accepts(const SampleView& sample) const {
    // Numbers below 0 (no such process) become the largest there are, and match no list.
    if (!holds(pids, static_cast<std::uint64_t>(std::int64_t{sample.pid.value}))) return false;
    if (!holds(tids, static_cast<std::uint64_t>(std::int64_t{sample.tid.value}))) return false;
    if (!holds(cpus, sample.cpu)) return false;
    return times.empty() || std::any_of(times.begin(), times.end(), [&](const TimeSpan& span) {
               return span.ns.first <= sample.time.value && sample.time.value <= span.ns.last;
           });
}

bool SampleFilter::accepts_comm(std::string_view comm) const {
    if (comms.empty()) return true;
    const std::string name(comm);
    return std::any_of(comms.begin(), comms.end(), [&](const std::string& glob) {
        return glob == name || fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

Result<std::vector<NumberRange>> parse_number_list(std::string_view text) {
    std::vector<NumberRange> ranges;
    for (const std::string_view part : split(text, ',')) {
        const std::size_t dash = part.find('-');
        const auto first = whole_number(part.substr(0, dash));
        const auto last =
            dash == std::string_view::npos ? first : whole_number(part.substr(dash + 1));
        if (!first || !last || *first > *last) {
            return Error{ErrorKind::io,
                         fmt::format("'{}' is neither a number nor a range like 3-5", part)};
        }
        ranges.push_back({*first, *last});
    }
    return ranges;
}

Result<std::vector<TimeSpan>> parse_time_spans(std::string_view text) {
    const bool relative = text.find('%') != std::string_view::npos;
    std::vector<TimeSpan> spans;
    for (const std::string_view part : split(text, relative ? ',' : ' ')) {
        if (part.empty()) continue;
        const auto span = relative ? relative_span(part) : absolute_span(part);
        if (!span) {
            return Error{ErrorKind::io,
                         fmt::format("'{}' is no time: it takes A,B in seconds (one may be "
                                     "missing), 10%-20%, or 10%/2 for the second tenth",
                                     part)};
        }
        spans.push_back(*span);
    }
    if (spans.empty()) return Error{ErrorKind::io, "no time given"};
    return spans;
}

}  // namespace fgread
