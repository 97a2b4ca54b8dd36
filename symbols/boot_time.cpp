#include "symbols/boot_time.h"

#include <ctime>

namespace fgread {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

std::uint64_t now_ns(clockid_t clock) {
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) return 0;
    return static_cast<std::uint64_t>(time.tv_sec) * second_ns +
           static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::uint64_t booted_at_ns() { return now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME); }

}  // namespace fgread
