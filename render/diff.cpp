#include "render/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "render/append_format.h"
#include "render/child_index.h"
#include "render/picture.h"

namespace fgread {

namespace {

// Walks a tree in depth, siblings by name, without recursion: stacks may be millions of frames
// deep.
template <class Enter, class Leave>
void walk(const FrameTree& tree, Enter&& enter, Leave&& leave) {
    struct Step {
        TreeNodeId node;
        bool leaving;
    };
    const ChildIndex children(tree);
    std::vector<Step> pending{{tree_root, false}};
    while (!pending.empty()) {
        const Step step = pending.back();
        pending.pop_back();
        if (step.leaving) {
            leave(step.node);
            continue;
        }
        if (!enter(step.node)) return;
        pending.push_back({step.node, true});
        const auto begin = static_cast<std::ptrdiff_t>(pending.size());
        for (const TreeNodeId child : children[step.node]) pending.push_back({child, false});
        std::sort(pending.begin() + begin, pending.end(), [&](const Step& a, const Step& b) {
            return tree.name(tree[a.node].name) > tree.name(tree[b.node].name);
        });
    }
}

class DiffWriter {
public:
    DiffWriter(const FrameTree& tree, const TextSink& sink) : tree_(tree), out_(sink) {}

    bool write() {
        walk(
            tree_, [this](TreeNodeId node) { return enter(node); },
            [this](TreeNodeId node) {
                if (node == tree_root) return;
                prefix_.resize(lengths_.back());
                lengths_.pop_back();
            });
        return out_.flush();
    }

private:
    bool enter(TreeNodeId node) {
        if (node != tree_root) {
            lengths_.push_back(prefix_.size());
            if (lengths_.size() > 1) prefix_ += ';';
            prefix_ += tree_.name(tree_[node].name);
        }
        const double before = tree_.self(node, Side::before);
        const double after = tree_.self(node, Side::after);
        if (before == 0 && after == 0) return true;
        append_format(out_.text, "{} {} {}\n", prefix_, whole(before), whole(after));
        return out_.flush_if_large();
    }

    // Weights of text are nearly always whole; a fraction comes from normalize() or the input.
    static std::string whole(double weight) { return fmt::format("{:.0f}", std::floor(weight)); }

    const FrameTree& tree_;
    PendingText out_;
    std::string prefix_;
    std::vector<std::size_t> lengths_;
};

struct Change {
    FrameNameId name;
    double before;
    double after;
    [[nodiscard]] double amount() const { return after - before; }
};

void append_part(std::string& text, const FrameTree& tree, std::vector<Change> changes, bool gained,
                 double total, std::size_t rows) {
    std::erase_if(changes, [&](const Change& change) {
        return gained ? change.amount() <= 0 : change.amount() >= 0;
    });
    std::sort(changes.begin(), changes.end(), [&](const Change& a, const Change& b) {
        const double left = std::abs(a.amount());
        const double right = std::abs(b.amount());
        return left != right ? left > right : tree.name(a.name) < tree.name(b.name);
    });
    text += gained ? "  gained\n" : "  lost\n";
    if (changes.empty()) text += "    nothing\n";
    for (std::size_t i = 0; i < std::min(rows, changes.size()); ++i) {
        const Change& change = changes[i];
        append_format(text, "  {:>15} {:>15} {:>15} {:>9}  {}\n", shown_count(change.before),
                      shown_count(change.after),
                      fmt::format("{}{}", gained ? "+" : "", shown_count(change.amount())),
                      shown_percent(change.amount(), total, true),
                      shown_name(tree.name(change.name)));
    }
    if (changes.size() > rows) {
        append_format(text, "  ... and {} more\n", changes.size() - rows);
    }
}

}  // namespace

std::vector<FunctionWeights> function_weights(const FrameTree& tree) {
    const std::vector<double> before = tree.totals(Side::before);
    const std::vector<double> after = tree.totals(Side::after);
    std::vector<FunctionWeights> functions(tree.name_count());
    for (FrameNameId name = 0; name < functions.size(); ++name) functions[name].name = name;
    std::vector<std::uint32_t> active(tree.name_count());  // times on the path to the node
    walk(
        tree,
        [&](TreeNodeId node) {
            if (node == tree_root) return true;
            FunctionWeights& function = functions[tree[node].name];
            function.self_before += tree.self(node, Side::before);
            function.self_after += tree.self(node, Side::after);
            if (active[tree[node].name]++ == 0) {
                function.total_before += before[node];
                function.total_after += after[node];
            }
            return true;
        },
        [&](TreeNodeId node) {
            if (node != tree_root) --active[tree[node].name];
        });
    return functions;
}

void normalize(FrameTree& tree) {
    const double before = tree.totals(Side::before)[tree_root];
    const double after = tree.totals(Side::after)[tree_root];
    if (before > 0 && after > 0 && before != after) tree.scale(Side::before, after / before);
}

bool write_folded_diff(const FrameTree& tree, const TextSink& sink) {
    return DiffWriter(tree, sink).write();
}

std::string change_table(const FrameTree& tree, const ChangeTableOptions& options) {
    const double factor = options.factor;
    const double before = tree.totals(Side::before)[tree_root] * factor;
    const double after = tree.totals(Side::after)[tree_root] * factor;
    std::vector<Change> self;
    std::vector<Change> total;
    for (const FunctionWeights& function : function_weights(tree)) {
        self.push_back(
            {function.name, function.self_before * factor, function.self_after * factor});
        total.push_back(
            {function.name, function.total_before * factor, function.total_after * factor});
    }
    std::string text =
        fmt::format("{}: {} before, {} after ({})\n", options.count_name, shown_count(before),
                    shown_count(after), shown_percent(after - before, before, true));
    // A share of the greater one: after a run that lost nearly all, those of "after" say nothing.
    const double whole = std::max(before, after);
    for (const bool own : {true, false}) {
        append_format(
            text, "\n{}\n  {:>15} {:>15} {:>15} {:>9}  function\n",
            own ? "Functions by themselves (self)" : "Functions with all that they call (total)",
            "before", "after", "change", "of all");
        append_part(text, tree, own ? self : total, true, whole, options.rows);
        append_part(text, tree, own ? self : total, false, whole, options.rows);
    }
    return text;
}

}  // namespace fgread
