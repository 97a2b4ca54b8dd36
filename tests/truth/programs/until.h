// How long the programs of the truth tests run: by CPU time, so that a busy machine does not cost
// samples.
#pragma once

#include <cstdlib>
#include <ctime>

// True until the process has used argv[1] milliseconds of CPU time (700 if not given).
class Until {
public:
    Until(int argc, char** argv)
        : end_(static_cast<std::clock_t>(argc > 1 ? std::atol(argv[1]) : 700) *
               (CLOCKS_PER_SEC / 1000)) {}
    [[nodiscard]] bool running() const { return std::clock() < end_; }

private:
    std::clock_t end_;
};
