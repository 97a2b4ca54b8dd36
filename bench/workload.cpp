// Load for the corpus of the benchmark: optimised C++ with many distinct stacks, in threads.
//     workload [SECONDS]
// What it computes means nothing; what counts is depth, inlining, templates and calls into
// libstdc++ and libc.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace workload {

std::atomic<std::uint64_t> sink{0};

// A tree of expressions, evaluated by virtual calls: deep, irregular stacks.
struct Node {
    virtual ~Node() = default;
    [[nodiscard]] virtual double value(double x) const = 0;
};

struct Leaf final : Node {
    explicit Leaf(double constant) : constant_(constant) {}
    [[nodiscard]] double value(double x) const override { return constant_ + x; }
    double constant_;
};

template <typename Operation>
struct Binary final : Node {
    Binary(std::unique_ptr<Node> left, std::unique_ptr<Node> right)
        : left_(std::move(left)), right_(std::move(right)) {}
    [[nodiscard]] double value(double x) const override {
        return Operation{}(left_->value(x), right_->value(x + 1));
    }
    std::unique_ptr<Node> left_, right_;
};

std::unique_ptr<Node> grow(std::mt19937& random, int depth) {
    if (depth == 0) return std::make_unique<Leaf>(double(random() % 100));
    auto left = grow(random, depth - 1);
    auto right = grow(random, random() % 3 == 0 ? 0 : depth - 1);
    switch (random() % 3) {
        case 0:
            return std::make_unique<Binary<std::plus<>>>(std::move(left), std::move(right));
        case 1:
            return std::make_unique<Binary<std::minus<>>>(std::move(left), std::move(right));
        default:
            return std::make_unique<Binary<std::multiplies<>>>(std::move(left), std::move(right));
    }
}

// A chain of distinct functions, so that there are many distinct frames.
template <int Level>
[[gnu::noinline]] std::uint64_t chain(std::uint64_t seed, const std::function<void()>& last) {
    if constexpr (Level == 0) {
        last();
        return seed;
    } else {
        std::uint64_t result = chain<Level - 1>(seed * 31 + Level, last);
        for (int i = 0; i < 50; ++i) result = result * 6364136223846793005U + Level;
        return result;
    }
}

void sort_words(std::mt19937& random) {
    std::vector<std::string> words;
    for (int i = 0; i < 2000; ++i) words.push_back("word number " + std::to_string(random()));
    std::stable_sort(words.begin(), words.end(),
                     [](const std::string& a, const std::string& b) { return b < a; });
    sink += words.front().size();
}

void count_words(std::mt19937& random) {
    std::map<std::string, int> counts;
    for (int i = 0; i < 2000; ++i) ++counts["key " + std::to_string(random() % 300)];
    std::ostringstream text;
    for (const auto& [word, count] : counts) text << word << '=' << count << '\n';
    sink += text.str().size();
}

void match_words(std::mt19937& random) {
    static const std::regex pattern("([a-z]+)-([0-9]+)(x|y)*");
    const std::string text = "item-" + std::to_string(random()) + "xyxyxyx and more";
    std::smatch match;
    for (int i = 0; i < 20; ++i) sink += std::regex_search(text, match, pattern) ? 1U : 0U;
}

void evaluate(std::mt19937& random) {
    const std::unique_ptr<Node> tree = grow(random, 10);
    double sum = 0;
    for (int i = 0; i < 20; ++i) sum += tree->value(i);
    sink += sum > 0 ? 1U : 0U;
}

void work_until(std::chrono::steady_clock::time_point end, unsigned seed) {
    std::mt19937 random(seed);
    const std::function<void()> tasks[] = {
        [&random] { sort_words(random); }, [&random] { count_words(random); },
        [&random] { match_words(random); }, [&random] { evaluate(random); }};
    while (std::chrono::steady_clock::now() < end) {
        const auto& task = tasks[random() % 4];
        switch (random() % 3) {
            case 0:
                sink += chain<8>(seed, task);
                break;
            case 1:
                sink += chain<24>(seed, task);
                break;
            default:
                sink += chain<60>(seed, task);
                break;
        }
    }
}

}  // namespace workload

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                         std::chrono::duration<double>(seconds));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(workload::work_until, end, i);
    for (std::thread& thread : threads) thread.join();
    std::printf("%llu\n", static_cast<unsigned long long>(workload::sink.load()));
}
