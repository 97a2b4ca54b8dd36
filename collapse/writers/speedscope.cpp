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
          out_(sink) {
        std::erase_if(threads_, [](const ThreadSamples& thread) { return thread.weight == 0; });
        const auto& events = folded.weights.events;
        several_events_ = std::count(events.begin(), events.end(), true) > 1;
    }

    bool write() {
        out_.text = "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n";
        out_.text += "\"exporter\":\"fgread\",\n";
        if (!threads_.empty()) put("\"activeProfileIndex\":{},\n", busiest());
        out_.text += "\"shared\":{\"frames\":[";
        for (std::size_t i = 0; i < stacks_.frames.size(); ++i) {
            out_.text += i == 0 ? "\n" : ",\n";
            put_frame(stacks_.frames[i]);
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "]},\n\"profiles\":[";
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            out_.text += i == 0 ? "\n" : ",\n";
            if (!put_profile(threads_[i])) return false;
        }
        out_.text += "]}\n";
        return out_.flush();
    }

private:
    template <typename... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        append_format(out_.text, format, std::forward<Values>(values)...);
    }

    // What speedscope shows first.
    [[nodiscard]] std::size_t busiest() const {
        const auto most = std::max_element(
            threads_.begin(), threads_.end(),
            [](const ThreadSamples& a, const ThreadSamples& b) { return a.weight < b.weight; });
        return static_cast<std::size_t>(most - threads_.begin());
    }

    void put_frame(const ShownFrame& frame) {
        out_.text += "{\"name\":";
        append_json_text(out_.text, folded_.names.name(frame.name));
        if (frame.detail.file != no_name) {
            out_.text += ",\"file\":";
            append_json_text(out_.text, folded_.names.name(frame.detail.file));
        }
        if (frame.detail.line != 0) put(",\"line\":{}", frame.detail.line);
        out_.text += "}";
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
        out_.text += "{\"type\":\"sampled\",\"name\":";
        append_json_text(out_.text, name_of(thread));
        put(",\"unit\":\"{}\",\"startValue\":0,\"endValue\":{},\n\"samples\":[",
            weighs_time(folded_, thread.event) ? "nanoseconds" : "none", thread.weight);
        const std::vector<Run> runs = runs_of(thread);
        for (std::size_t i = 0; i < runs.size(); ++i) {
            out_.text += i == 0 ? "[" : ",\n[";
            put("{}", fmt::join(stacks_.path(runs[i].node), ","));
            out_.text += "]";
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "],\n\"weights\":[";
        for (std::size_t i = 0; i < runs.size(); ++i) {
            put("{}{}", i == 0 ? "" : ",", runs[i].weight);
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "]}";
        return true;
    }

    const FoldedProfile& folded_;
    const ShownStacks stacks_;
    std::vector<ThreadSamples> threads_;
    PendingText out_;
    bool several_events_ = false;
};

}  // namespace

bool write_speedscope(const FoldedProfile& folded, const TextSink& sink) {
    return SpeedscopeWriter(folded, sink).write();
}

}  // namespace fgread
