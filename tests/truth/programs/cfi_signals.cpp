// Signals as hard as they come: on the same stack, on an alternate stack, nested, and left by
// siglongjmp. The handlers do their own long work, so many samples have one or two signal frames.
//
// The alternate stack is now in static memory, where no dump of it holds the interrupted frames,
// and now in the unused part of the thread's own stack, from where a dump of 64 KiB reaches them.

#include <sys/time.h>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "until.h"

namespace {

volatile std::uint64_t sink;
sigjmp_buf escape;
volatile std::sig_atomic_t may_escape;
constexpr std::size_t alternate_size = 16 * 1024;  // two signal frames with AVX-512 state: 8 KiB
constexpr std::size_t room_for_work = 20 * 1024;   // of main()'s callees and their signal frames
alignas(16) char far_stack[alternate_size];

[[gnu::noinline]] std::uint64_t churn(std::uint64_t value, int rounds) {
    for (int i = 0; i < rounds; ++i) value = (value ^ (value >> 11)) * 0xff51afd7ed558ccd;
    return value;
}

[[gnu::noinline]] std::uint64_t nested(std::uint64_t value, int level) {
    volatile std::uint64_t local = churn(value, 8000);
    return level == 0 ? local : nested(local, level - 1) + local;
}

void on_usr1(int) { sink = nested(3, 2); }

void on_usr2(int) {
    sink = nested(5, 3);
    std::raise(SIGUSR1);  // a frame of the same stack below an alternate one
}

void on_alarm(int, siginfo_t*, void*) {
    sink = nested(7, 1);
    if (sink % 2 == 0) std::raise(SIGUSR2);
    if (may_escape && sink % 5 == 0) siglongjmp(escape, 1);
    sink = sink + churn(sink, 4000);
}

int compare(const void* left, const void* right) {
    return std::memcmp(left, right, sizeof(std::uint64_t));
}

[[gnu::noinline]] void interrupted_work(std::uint64_t seed) {
    std::uint64_t values[256];
    for (std::uint64_t& value : values) value = seed = churn(seed, 3);
    std::qsort(values, 256, sizeof values[0], compare);  // interrupted inside libc as well
    sink = sink + values[seed % 256];
}

void handle(int signal, int flags, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags | SA_RESTART;
    sigaction(signal, &action, nullptr);
}

// The kernel's copy of the stack ends at the first page that was never touched.
[[gnu::noinline]] void touch_stack() {
    volatile char pages[room_for_work + alternate_size];
    for (std::size_t i = 0; i < sizeof pages; i += 1024) pages[i] = 1;
}

void use_alternate_stack(char* memory) {
    stack_t stack{};
    stack.ss_sp = memory;
    stack.ss_size = alternate_size;
    sigaltstack(&stack, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    const Until until(argc, argv);
    char* const near_stack =
        static_cast<char*>(__builtin_frame_address(0)) - room_for_work - alternate_size;
    touch_stack();
    volatile bool is_far = false;
    handle(SIGUSR1, 0, on_usr1);
    handle(SIGUSR2, SA_ONSTACK, on_usr2);
    struct sigaction action {};
    action.sa_sigaction = on_alarm;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    sigaction(SIGALRM, &action, nullptr);
    itimerval every{};
    every.it_interval.tv_usec = every.it_value.tv_usec = 500;
    setitimer(ITIMER_REAL, &every, nullptr);
    while (until.running()) {
        use_alternate_stack(is_far ? far_stack : near_stack);
        is_far = !is_far;
        if (sigsetjmp(escape, 1) == 0) {
            may_escape = 1;
            for (int i = 0; i < 20; ++i) interrupted_work(sink + static_cast<unsigned>(i));
        }
        may_escape = 0;
    }
    every = {};
    setitimer(ITIMER_REAL, &every, nullptr);
    return 0;
}
