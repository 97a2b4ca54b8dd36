// One of the many shared objects of the benchmark's `modules` corpus; NUMBER makes each another
// one.
#include <cstdint>

namespace {

template <int Level>
[[gnu::noinline]] std::uint64_t step(std::uint64_t seed, std::uint64_t (*next)(void*), void* rest) {
    for (int i = 0; i < 200; ++i) seed = seed * 6364136223846793005U + NUMBER + Level;
    if constexpr (Level == 0) {
        return seed + next(rest);
    } else {
        return step<Level - 1>(seed, next, rest) + 1;
    }
}

}  // namespace

extern "C" std::uint64_t enter_module(std::uint64_t (*next)(void*), void* rest) {
    return step<NUMBER % 5>(NUMBER, next, rest);
}
