#include "collapse/writers/json.h"

#include <string>
#include <string_view>

#include "collapse/writers/shown_stacks.h"
#include "render/append_format.h"

namespace fgread {

namespace {

class JsonWriter {
public:
    JsonWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded), stacks_(shown_stacks(folded)), out_(sink) {}

    bool write_document() {
        out_.text = "{\"version\":1,\n\"events\":[";
        std::string_view separator = "\n";
        for (std::size_t i = 0; i < folded_.attrs.size(); ++i) {
            if (!folded_.weights.events[i]) continue;
            out_.text += separator;
            separator = ",\n";
            put_event(i);
        }
        out_.text += "],\n\"frames\":[";
        separator = "\n";
        for (const ShownFrame& frame : stacks_.frames) {
            out_.text += separator;
            separator = ",\n";
            put_frame(frame);
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "],\n\"stacks\":[";
        separator = "\n";
        for (const ShownStack& stack : stacks_.stacks) {
            out_.text += separator;
            separator = ",\n";
            put_stack_head(stack);
            std::string_view comma;
            for (const std::uint32_t frame : stacks_.path(stack.node)) {
                append_format(out_.text, "{}{}", comma, frame);
                comma = ",";
            }
            out_.text += "]}";
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "]}\n";
        return out_.flush();
    }

    bool write_lines() {
        for (const ShownStack& stack : stacks_.stacks) {
            put_stack_head(stack);
            std::string_view comma;
            for (const std::uint32_t frame : stacks_.path(stack.node)) {
                out_.text += comma;
                comma = ",";
                put_frame(stacks_.frames[frame]);
            }
            out_.text += "]}\n";
            if (!out_.flush_if_large()) return false;
        }
        return out_.flush();
    }

private:
    void put_text(std::string_view key, std::string_view value) {
        out_.text += key;
        append_json_text(out_.text, value);
    }

    void put_number(std::string_view key, std::uint64_t value) {
        append_format(out_.text, "{}{}", key, value);
    }

    void put_event(std::size_t event) {
        EventTotal total;
        for (const ShownStack& stack : stacks_.stacks) {
            if (stack.event != event) continue;
            total.samples += stack.samples;
            total.period += stack.period;
        }
        put_text("{\"name\":", folded_.attrs[event].name);
        put_text(",\"unit\":", period_unit(folded_.attrs[event]));
        put_number(",\"samples\":", total.samples);
        put_number(",\"period\":", total.period);
        out_.text += "}";
    }

    void put_frame(const ShownFrame& frame) {
        put_text("{\"name\":", folded_.names.name(frame.name));
        if (frame.module.value != 0) {
            put_text(",\"module\":", folded_.modules.info(frame.module).path);
        }
        if (frame.detail.file != no_name) {
            put_text(",\"file\":", folded_.names.name(frame.detail.file));
        }
        if (frame.detail.line != 0) put_number(",\"line\":", frame.detail.line);
        if (frame.detail.inlined) out_.text += ",\"inlined\":true";
        if (frame.detail.kernel) out_.text += ",\"kernel\":true";
        out_.text += "}";
    }

    // Up to the list of its frames.
    void put_stack_head(const ShownStack& stack) {
        const Group& group = folded_.profile.groups[stack.group];
        put_text("{\"comm\":", folded_.processes.comm(group.comm));
        if (group.pid.value >= 0) {
            put_number(",\"pid\":", static_cast<std::uint64_t>(group.pid.value));
        }
        if (group.tid.value >= 0) {
            put_number(",\"tid\":", static_cast<std::uint64_t>(group.tid.value));
        }
        put_text(",\"event\":", folded_.attrs[stack.event].name);
        put_number(",\"samples\":", stack.samples);
        put_number(",\"period\":", stack.period);
        out_.text += ",\"frames\":[";
    }

    const FoldedProfile& folded_;
    const ShownStacks stacks_;
    PendingText out_;
};

}  // namespace

bool write_json(const FoldedProfile& folded, const TextSink& sink) {
    return JsonWriter(folded, sink).write_document();
}

bool write_json_lines(const FoldedProfile& folded, const TextSink& sink) {
    return JsonWriter(folded, sink).write_lines();
}

}  // namespace fgread
