#include "collapse/writers/speedscope.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "collapse/writers/shown_stacks.h"
#include "collapse/writers/thread_samples.h"
#include "render/append_format.h"

namespace fgread {

namespace {

constexpr std::size_t flush_size = 64 * 1024;

// A thread's samples with neighbours of one stack joined, and what they weigh together.
struct Run {
    StackId node = 0;
    std::uint64_t weight = 0;
};

class SpeedscopeWriter {
public:
    SpeedscopeWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded),
          stacks_(shown_stacks(folded)),
          threads_(thread_samples(folded)),
          sink_(sink) {
        std::erase_if(threads_, [](const ThreadSamples& thread) { return thread.weight == 0; });
        const auto& events = folded.weights.events;
        several_events_ = std::count(events.begin(), events.end(), true) > 1;
    }

    bool write() {
        text_ = "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n";
        text_ += "\"exporter\":\"fgread\",\n";
        if (!threads_.empty()) put("\"activeProfileIndex\":{},\n", busiest());
        text_ += "\"shared\":{\"frames\":[";
        for (std::size_t i = 0; i < stacks_.frames.size(); ++i) {
            text_ += i == 0 ? "\n" : ",\n";
            put_frame(stacks_.frames[i]);
            if (!flush(flush_size)) return false;
        }
        text_ += "]},\n\"profiles\":[";
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            text_ += i == 0 ? "\n" : ",\n";
            if (!put_profile(threads_[i])) return false;
        }
        text_ += "]}\n";
        return flush(0);
    }

private:
    bool flush(std::size_t from) {
        if (text_.size() < from) return true;
        const bool wanted = sink_(text_);
        text_.clear();
        return wanted;
    }

    template <typename... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        append_format(text_, format, std::forward<Values>(values)...);
    }

    // What speedscope shows first.
    [[nodiscard]] std::size_t busiest() const {
        const auto most = std::max_element(
            threads_.begin(), threads_.end(),
            [](const ThreadSamples& a, const ThreadSamples& b) { return a.weight < b.weight; });
        return static_cast<std::size_t>(most - threads_.begin());
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

    [[nodiscard]] std::string name_of(const ThreadSamples& thread) const {
        std::string name = fmt::format("{} {}/{}", folded_.processes.comm(thread.comm),
                                       thread.pid.value, thread.tid.value);
        if (several_events_) name += " " + folded_.attrs[thread.event].name;
        return name;
    }

    [[nodiscard]] std::vector<Run> runs_of(const ThreadSamples& thread) const {
        std::vector<Run> runs;
        for (const std::uint32_t index : thread.samples) {
            const TimelineSample& sample = folded_.profile.timeline[index];
            const std::uint64_t weight = weight_of(sample, folded_.weights);
            if (weight == 0) continue;
            const StackId node = stacks_.node_of[sample.stack];
            if (runs.empty() || runs.back().node != node) runs.push_back({node, 0});
            runs.back().weight += weight;
        }
        return runs;
    }

    bool put_profile(const ThreadSamples& thread) {
        text_ += "{\"type\":\"sampled\",\"name\":";
        append_json_text(text_, name_of(thread));
        put(",\"unit\":\"{}\",\"startValue\":0,\"endValue\":{},\n\"samples\":[",
            weighs_time(folded_, thread.event) ? "nanoseconds" : "none", thread.weight);
        const std::vector<Run> runs = runs_of(thread);
        for (std::size_t i = 0; i < runs.size(); ++i) {
            text_ += i == 0 ? "[" : ",\n[";
            put("{}", fmt::join(stacks_.path(runs[i].node), ","));
            text_ += "]";
            if (!flush(flush_size)) return false;
        }
        text_ += "],\n\"weights\":[";
        for (std::size_t i = 0; i < runs.size(); ++i) {
            put("{}{}", i == 0 ? "" : ",", runs[i].weight);
            if (!flush(flush_size)) return false;
        }
        text_ += "]}";
        return true;
    }

    const FoldedProfile& folded_;
    const ShownStacks stacks_;
    std::vector<ThreadSamples> threads_;
    const TextSink& sink_;
    bool several_events_ = false;
    std::string text_;
};

}  // namespace

bool write_speedscope(const FoldedProfile& folded, const TextSink& sink) {
    return SpeedscopeWriter(folded, sink).write();
}

}  // namespace fgread
