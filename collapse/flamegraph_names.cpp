#include "collapse/flamegraph_names.h"

#include <array>
#include <map>

namespace fgread {

namespace {

constexpr std::string_view arrow = "->";
constexpr std::string_view anonymous = "(anonymous namespace)";
constexpr std::string_view inlined_mark = "_[i]";

// "net/http.(*Client).Do": a receiver in brackets between dots, not parameters.
bool is_go_method(std::string_view name) {
    const std::size_t open = name.find(".(");
    return open != std::string_view::npos && name.find(").", open + 2) != std::string_view::npos;
}

std::string_view without_parameters(std::string_view name) {
    if (is_go_method(name)) return name;
    for (std::size_t at = name.find('('); at != std::string_view::npos;
         at = name.find('(', at + 1)) {
        if (!name.substr(at).starts_with(anonymous)) return name.substr(0, at);
    }
    return name;
}

std::string tidy(std::string_view part, bool java) {
    std::string name(without_parameters(part));
    std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
    if (java && name.starts_with('L') && name.find('/') != std::string::npos) name.erase(0, 1);
    return name;
}

}  // namespace

std::vector<std::string> flamegraph_names(std::string_view name, bool java) {
    std::vector<std::string> names;
    if (name.starts_with('(')) return names;
    // As perl's split: empty parts at the end are none.
    while (name.ends_with(arrow)) name.remove_suffix(arrow.size());
    while (true) {
        const std::size_t end = name.find(arrow);
        std::string part = tidy(name.substr(0, end), java);
        if (!names.empty() && part.find(inlined_mark) == std::string::npos) part += inlined_mark;
        names.push_back(std::move(part));
        if (end == std::string_view::npos) return names;
        name.remove_prefix(end + arrow.size());
    }
}

NameTree flamegraph_tree(const NameTree& tree, FrameNames& names) {
    std::array<std::map<NameId, std::vector<NameId>>, 2> known;  // not of Java, of Java
    std::vector<StackId> node_of(tree.stacks.size());
    std::vector<bool> of_java(tree.stacks.size(), false);
    NameTree result;
    for (StackId stack = 0; stack < tree.stacks.size(); ++stack) {
        const StackNode& node = tree.stacks[stack];
        if (node.parent == no_stack) {
            of_java[stack] = names.name(node.label).starts_with("java");
            node_of[stack] = result.stacks.root(node.label);
            continue;
        }
        of_java[stack] = of_java[node.parent];
        const auto [entry, added] = known[of_java[stack] ? 1 : 0].try_emplace(node.label);
        if (added) {
            const std::string name(names.name(node.label));
            for (const std::string& text : flamegraph_names(name, of_java[stack])) {
                entry->second.push_back(names.intern(text));
            }
        }
        StackId at = node_of[node.parent];
        for (const NameId name : entry->second) at = result.stacks.child(at, name);
        node_of[stack] = at;
    }
    result.weights.resize(result.stacks.size());
    for (StackId stack = 0; stack < tree.stacks.size(); ++stack) {
        result.weights[node_of[stack]] += tree.weights[stack];
    }
    return result;
}

}  // namespace fgread
