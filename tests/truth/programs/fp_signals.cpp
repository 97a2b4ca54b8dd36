// A signal every millisecond, whose handler does real work; some handlers are interrupted by
// a second signal, so two signal frames lie on one stack.

#include <sys/time.h>
#include <csignal>
#include <cstdint>

#include "until.h"

namespace {

volatile std::uint64_t sink;

[[gnu::noinline]] std::uint64_t churn(std::uint64_t value, int rounds) {
    for (int i = 0; i < rounds; ++i) value = (value ^ (value >> 11)) * 0xff51afd7ed558ccd;
    return value;
}

[[gnu::noinline]] std::uint64_t handler_work(int level) {
    std::uint64_t value = churn(static_cast<std::uint64_t>(level), 20000);
    if (level > 0) value += handler_work(level - 1);
    return value + 1;
}

void on_usr1(int) { sink = handler_work(1) + 1; }

void on_alarm(int) {
    sink = handler_work(2) + 1;
    std::raise(SIGUSR1);
    sink = sink + 1;
}

[[gnu::noinline]] std::uint64_t fibonacci(unsigned n) {
    std::uint64_t value = n;
    for (unsigned i = 0; i < 40; ++i) value = (value ^ (value >> 5)) * 0x2545f4914f6cdd1d;
    return n < 2 ? value : fibonacci(n - 1) + fibonacci(n - 2) + value % 2;
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    struct sigaction action {};
    action.sa_handler = on_alarm;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    action.sa_handler = on_usr1;
    sigaction(SIGUSR1, &action, nullptr);
    itimerval every{};
    every.it_interval.tv_usec = every.it_value.tv_usec = 1000;
    setitimer(ITIMER_REAL, &every, nullptr);
    while (until.running()) sink = sink + fibonacci(15 + static_cast<unsigned>(sink % 2));
    every = {};
    setitimer(ITIMER_REAL, &every, nullptr);
    return 0;
}
