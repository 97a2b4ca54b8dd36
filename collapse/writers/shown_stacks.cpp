#include "collapse/writers/shown_stacks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "render/text_escape.h"

namespace fgread {

namespace {

using FrameKey = std::tuple<NameId, ModuleId, NameId, std::uint32_t, bool, bool>;

FrameKey key_of(const ShownFrame& frame) {
    const NameDetail& detail = frame.detail;
    return {frame.name, frame.module, detail.file, detail.line, detail.inlined, detail.kernel};
}

class Builder {
public:
    explicit Builder(const FoldedProfile& folded) : folded_(folded) {}

    ShownStacks build() {
        // Which stacks are asked for: frames of others must not be listed.
        const StackTrie& stacks = folded_.profile.stacks;
        std::vector<StackId>& node_of = result_.node_of;
        node_of.assign(stacks.size(), no_stack);
        std::vector<StackId> path;
        std::map<std::pair<StackId, std::uint32_t>, std::size_t> known;
        for (const StackWeight& weight : folded_.profile.weights) {
            if (!folded_.weights.events[weight.event] || weight.samples == 0) continue;
            path.clear();
            StackId root = weight.stack;
            for (StackId at = weight.stack; at != no_stack; at = stacks[at].parent) {
                root = at;
                if (node_of[at] != no_stack) continue;
                path.push_back(at);
            }
            for (auto stack = path.rbegin(); stack != path.rend(); ++stack) {
                node_of[*stack] = node(stacks[*stack]);
            }
            const auto [entry, added] =
                known.try_emplace({node_of[weight.stack], weight.event}, result_.stacks.size());
            if (added) {
                result_.stacks.push_back(
                    {node_of[weight.stack], stacks[root].label, weight.event, 0, 0});
            }
            result_.stacks[entry->second].samples += weight.samples;
            result_.stacks[entry->second].period += weight.period;
        }
        return std::move(result_);
    }

private:
    StackId node(const StackNode& stack) {
        if (stack.parent == no_stack) return result_.trie.root(stack.label);
        StackId at = result_.node_of[stack.parent];
        const ModuleId module = folded_.profile.frames[stack.label].module;
        const std::span<const NameId> names = folded_.names[stack.label];
        const std::span<const NameDetail> details = folded_.names.details(stack.label);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const NameDetail detail = details.empty() ? NameDetail{} : details[i];
            at = result_.trie.child(at, frame({names[i], module, detail}));
        }
        return at;
    }

    std::uint32_t frame(const ShownFrame& frame) {
        const auto next = static_cast<std::uint32_t>(result_.frames.size());
        const auto [entry, added] = frame_index_.try_emplace(key_of(frame), next);
        if (added) result_.frames.push_back(frame);
        return entry->second;
    }

    const FoldedProfile& folded_;
    ShownStacks result_;
    std::map<FrameKey, std::uint32_t> frame_index_;
};

}  // namespace

std::vector<std::uint32_t> ShownStacks::path(StackId node) const {
    std::vector<std::uint32_t> labels;
    for (; trie[node].parent != no_stack; node = trie[node].parent) {
        labels.push_back(trie[node].label);
    }
    std::reverse(labels.begin(), labels.end());
    return labels;
}

ShownStacks shown_stacks(const FoldedProfile& folded) { return Builder(folded).build(); }

void append_json_text(std::string& to, std::string_view text) { append_json(to, printable(text)); }

}  // namespace fgread
