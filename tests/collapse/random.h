// Random: the same numbers on every run and every machine.
#pragma once

#include <cstdint>
#include <random>

namespace fgread::testing {

class Random {
public:
    explicit Random(unsigned seed) : engine_(seed) {}
    // 0 .. limit - 1
    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(engine_() % limit);
    }

private:
    std::mt19937 engine_;  // NOLINT(cert-msc51-cpp)
};

}  // namespace fgread::testing
