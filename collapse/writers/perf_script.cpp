#include "collapse/writers/perf_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collapse/off_cpu.h"
#include "collapse/writers/module_places.h"
#include "perfdata/format.h"
#include "render/append_format.h"

namespace fgread {

namespace {

constexpr std::uint64_t ns_per_s = 1'000'000'000;
constexpr std::uint64_t ns_per_us = 1'000;

// Memory that belongs to no file: perf names it after the map that a JIT may have written for it.
bool is_anonymous(std::string_view path) { return path.empty() || path.starts_with("//anon"); }

// perf prints the fields of these, where others have the period and the address. The time off CPU
// is ours, whatever event says when it began.
bool is_tracepoint(const EventAttr& attr) {
    return attr.type == format::type_tracepoint && attr.name != off_cpu_event;
}

class PerfScriptWriter {
public:
    PerfScriptWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded), places_(folded), out_(sink) {
        for (const EventAttr& attr : folded.attrs) {
            name_width_ = std::max(name_width_, attr.name.size());
        }
        const std::vector<Group>& groups = folded.profile.groups;
        has_pid_ = !groups.empty() && groups.front().pid.value >= 0;
        for (std::vector<FrameText>& lines : lines_) lines.resize(folded.profile.frames.size());
    }

    bool write() {
        for (const TimelineSample& sample : folded_.profile.timeline) {
            if (!folded_.weights.events[sample.event]) continue;
            put_sample(sample);
            if (!out_.flush_if_large()) return false;
        }
        return out_.flush();
    }

private:
    // The lines of a frame; if it is in anonymous memory without the file's name, which depends on
    // the process.
    struct FrameText {
        bool known = false;
        bool anonymous = false;
        std::string text;
    };
    // The two ways in which perf prints return addresses: as they are in chains that the kernel
    // recorded, and one byte before where perf unwound.
    enum Chain : std::size_t { recorded, unwound };

    template <typename... Values>
    static void put(std::string& to, fmt::format_string<Values...> format, Values&&... values) {
        append_format(to, format, std::forward<Values>(values)...);
    }

    void put_sample(const TimelineSample& sample) {
        const EventAttr& attr = folded_.attrs[sample.event];
        const bool has_chain = (attr.sample_type & format::sample_callchain) != 0;
        put_head(sample, attr, has_chain);
        const StackTrie& stacks = folded_.profile.stacks;
        if (!has_chain && !is_tracepoint(attr)) {
            return put_only_frame(stacks[sample.stack], sample.pid);
        }
        out_.text += '\n';
        if (!has_chain) return;
        const Chain chain =
            (attr.sample_type & format::sample_stack_user) != 0 ? unwound : recorded;
        for (StackId at = sample.stack; stacks[at].parent != no_stack; at = stacks[at].parent) {
            put_frame(stacks[at].label, chain, sample.pid);
        }
        out_.text += '\n';
    }

    void put_head(const TimelineSample& sample, const EventAttr& attr, bool has_chain) {
        const std::string comm = escape_control_bytes(folded_.processes.comm(sample.comm));
        put(out_.text, "{:>{}} ", comm, has_chain ? 0 : 16);
        if (has_pid_) {
            put(out_.text, "{:5}/{:<5} ", sample.pid.value, sample.tid.value);
        } else {
            put(out_.text, "{:5} ", sample.tid.value);
        }
        if ((attr.sample_type & format::sample_cpu) != 0) put(out_.text, "[{:03}] ", sample.cpu);
        if ((attr.sample_type & format::sample_time) != 0) {
            put(out_.text, "{:5}.{:06}: ", sample.when.time / ns_per_s,
                sample.when.time % ns_per_s / ns_per_us);
        }
        if (!folded_.weights.by_samples && !is_tracepoint(attr)) {
            put(out_.text, "{:10} ", sample.period);
        }
        put(out_.text, "{:>{}}: ", escape_control_bytes(attr.name), name_width_);
    }

    // On the line of the head, with the address in the process.
    void put_only_frame(const StackNode& node, Pid pid) {
        if (node.parent != no_stack) {
            std::string name = "[unknown]";
            const bool anonymous = put_name(node.label, 0, name);
            put(out_.text, " {:16x} {}", places_.address(folded_.profile.frames[node.label]), name);
            put_end(anonymous, pid);
        }
        out_.text += '\n';
    }

    void put_frame(FrameId id, Chain chain, Pid pid) {
        FrameText& lines = lines_[chain][id];
        if (!lines.known) lines = frame_text(id, chain);
        out_.text += lines.text;
        put_end(lines.anonymous, pid);
        out_.text += '\n';
    }

    void put_end(bool anonymous, Pid pid) {
        if (anonymous) put(out_.text, " (/tmp/perf-{}.map)", pid.value);
    }

    FrameText frame_text(FrameId id, Chain chain) const {
        const Frame& frame = folded_.profile.frames[id];
        const std::span<const NameId> names = folded_.names[id];
        const std::span<const NameDetail> details = folded_.names.details(id);
        const bool kernel = !details.empty() && details.front().kernel;
        const bool as_recorded = kernel || chain == recorded;
        const std::uint64_t more = as_recorded && frame.kind == FrameKind::return_address ? 1 : 0;
        const std::uint64_t address =
            (kernel ? places_.address(frame) : places_.file_offset(frame)) + more;
        FrameText result{true, false, {}};
        for (std::size_t i = names.size(); i-- > 0;) {
            put(result.text, "\t{:16x} ", address);
            if (i != 0) {
                put(result.text, "{}+{:#x} (inlined)\n", folded_.names.name(names[i]),
                    folded_.names.symbol_offset(id) + more);
            }
        }
        std::string name = "[unknown]";
        result.anonymous = put_name(id, more, name);
        result.text += name;
        return result;
    }

    // Name, offset and file of a frame's physical function. True if the file is to follow.
    bool put_name(FrameId id, std::uint64_t more, std::string& to) const {
        const Frame& frame = folded_.profile.frames[id];
        const std::span<const NameDetail> details = folded_.names.details(id);
        if (!folded_.names.is_unnamed(id)) {
            to = folded_.names.name(folded_.names[id].front());
            put(to, "+{:#x}", folded_.names.symbol_offset(id) + more);
        }
        if (frame.module.value == 0 || frame == truncated_mark) {
            to += " ([unknown])";
            return false;
        }
        const ModuleInfo info = folded_.modules.info(frame.module);
        if (!details.empty() && details.front().kernel) {
            put(to, " ([{}])", info.short_name == "kernel" ? "kernel.kallsyms" : info.short_name);
            return false;
        }
        if (is_anonymous(info.path)) return true;
        put(to, " ({})", escape_control_bytes(info.path));
        return false;
    }

    const FoldedProfile& folded_;
    const ModulePlaces places_;
    PendingText out_;
    std::size_t name_width_ = 0;
    bool has_pid_ = false;
    std::array<std::vector<FrameText>, 2> lines_;  // by Chain, then by frame
};

}  // namespace

bool write_perf_script(const FoldedProfile& folded, const TextSink& sink) {
    return PerfScriptWriter(folded, sink).write();
}

}  // namespace fgread
