#include "collapse/writers/speedscope.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collapse/writers/shown_stacks.h"

namespace fgread {

namespace {

constexpr std::size_t flush_size = 64 * 1024;

class SpeedscopeWriter {
public:
    SpeedscopeWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded), stacks_(shown_stacks(folded)), sink_(sink) {
        for (const ShownStack& stack : stacks_.stacks) {
            if (weight_of(stack, folded.weights) == 0) continue;
            const std::pair key{stack.group, stack.event};
            const auto [entry, added] = index_.try_emplace(key, profiles_.size());
            if (added) profiles_.emplace_back();
            profiles_[entry->second].push_back(&stack);
        }
    }

    bool write() {
        text_ = "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n";
        text_ += "\"exporter\":\"fgread\",\n\"shared\":{\"frames\":[";
        for (std::size_t i = 0; i < stacks_.frames.size(); ++i) {
            text_ += i == 0 ? "\n" : ",\n";
            put_frame(stacks_.frames[i]);
            if (!flush(flush_size)) return false;
        }
        text_ += "]},\n\"profiles\":[";
        for (std::size_t i = 0; i < profiles_.size(); ++i) {
            text_ += i == 0 ? "\n" : ",\n";
            if (!put_profile(profiles_[i])) return false;
        }
        text_ += "]}\n";
        return flush(0);
    }

private:
    using Stacks = std::vector<const ShownStack*>;

    bool flush(std::size_t from) {
        if (text_.size() < from) return true;
        const bool wanted = sink_(text_);
        text_.clear();
        return wanted;
    }

    template <typename... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    }

    void put_frame(const ShownFrame& frame) {
        text_ += "{\"name\":";
        append_json_text(text_, folded_.names.name(frame.name));
        if (frame.detail.file != no_name) {
            text_ += ",\"file\":";
            append_json_text(text_, folded_.names.name(frame.detail.file));
        }
        if (frame.detail.line != 0) put(",\"line\":{}", frame.detail.line);
        text_ += "}";
    }

    bool put_profile(const Stacks& stacks) {
        const EventAttr& attr = folded_.attrs[stacks.front()->event];
        const bool is_time = !folded_.weights.by_samples && period_unit(attr) == "nanoseconds";
        std::string name =
            fmt::format("{}", fmt::join(folded_.group_labels[stacks.front()->group], " "));
        const auto events =
            std::count(folded_.weights.events.begin(), folded_.weights.events.end(), true);
        if (events > 1) name += " " + attr.name;
        std::uint64_t total = 0;
        for (const ShownStack* stack : stacks) total += weight_of(*stack, folded_.weights);
        text_ += "{\"type\":\"sampled\",\"name\":";
        append_json_text(text_, name);
        put(",\"unit\":\"{}\",\"startValue\":0,\"endValue\":{},\n\"samples\":[",
            is_time ? "nanoseconds" : "none", total);
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            text_ += i == 0 ? "[" : ",\n[";
            put("{}", fmt::join(stacks_.path(stacks[i]->node), ","));
            text_ += "]";
            if (!flush(flush_size)) return false;
        }
        text_ += "],\n\"weights\":[";
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            put("{}{}", i == 0 ? "" : ",", weight_of(*stacks[i], folded_.weights));
            if (!flush(flush_size)) return false;
        }
        text_ += "]}";
        return true;
    }

    const FoldedProfile& folded_;
    const ShownStacks stacks_;
    const TextSink& sink_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> index_;  // by group and event
    std::vector<Stacks> profiles_;
    std::string text_;
};

}  // namespace

bool write_speedscope(const FoldedProfile& folded, const TextSink& sink) {
    return SpeedscopeWriter(folded, sink).write();
}

}  // namespace fgread
