// What could mislead stitching: passes of the same shape, called in turn from one place, at the
// same stack pointers, go down into the same recursive functions, to changing depths.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "until.h"

namespace {

struct Node {
    std::uint64_t value = 1;
    std::size_t left = 0, right = 0;
};

std::vector<Node> make_tree(std::size_t size) {
    std::vector<Node> nodes(size);
    for (std::size_t i = 0; i < size; ++i) {
        nodes[i].value = i * 2654435761u;
        nodes[i].left = 2 * i + 1 < size ? 2 * i + 1 : 0;
        // A long chain on one side, so that some ways are deep.
        nodes[i].right = i + 1 < size && i % 7 == 0 ? i + 1 : 0;
    }
    return nodes;
}

[[gnu::noinline]] std::uint64_t work(const Node& node, std::uint64_t rounds) {
    std::uint64_t sum = node.value;
    for (std::uint64_t i = 0; i < rounds; ++i) sum = sum * 6364136223846793005u + i;
    return sum;
}

[[gnu::noinline]] std::uint64_t descend(const std::vector<Node>& nodes, std::size_t at,
                                        unsigned depth) {
    std::array<std::uint64_t, 12> locals{};
    locals[depth % locals.size()] = work(nodes[at], 40);
    if (depth == 0) return locals[0];
    const Node& node = nodes[at];
    if (node.left != 0) locals[1] += descend(nodes, node.left, depth - 1);
    if (node.right != 0) locals[2] += descend(nodes, node.right, depth - 1);
    std::uint64_t sum = 0;
    for (const std::uint64_t local : locals) sum += local;
    return sum;
}

template <int number>
[[gnu::noinline]] std::uint64_t pass(const std::vector<Node>& nodes, unsigned depth) {
    return descend(nodes, number, depth) + number;
}

using Pass = std::uint64_t (*)(const std::vector<Node>&, unsigned);
constexpr std::array<Pass, 6> passes = {pass<1>, pass<2>, pass<3>, pass<4>, pass<5>, pass<6>};

[[gnu::noinline]] std::uint64_t run_passes(const std::vector<Node>& nodes, unsigned depth) {
    std::uint64_t sum = 0;
    for (const Pass each : passes) sum += each(nodes, depth);
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<Node> nodes = make_tree(1 << 14);
    std::uint64_t sum = 0;
    unsigned depth = 4;
    for (const Until time(argc, argv); time.running(); depth = depth == 24 ? 4 : depth + 5) {
        sum += run_passes(nodes, depth);
    }
    return sum == 42 ? 1 : 0;
}
