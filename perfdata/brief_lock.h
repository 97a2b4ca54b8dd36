// lock_briefly(): a lock for what is held for microseconds.
#pragma once

#include <mutex>
#include <thread>

namespace fgread {

// Locks `mutex`. Who has to wait looks again some times before going to sleep: being woken takes
// tens of microseconds, many times what holders of such a mutex need. On two cores threads slept
// 45 ms in turn over 1 GB, while one of the other's blocks of unwind rules was compiled in 2 us.
[[nodiscard]] inline std::unique_lock<std::mutex> lock_briefly(std::mutex& mutex) {
    constexpr unsigned looks = 32;
    std::unique_lock lock(mutex, std::defer_lock);
    for (unsigned i = 0; i < looks; ++i) {
        if (lock.try_lock()) return lock;
        std::this_thread::yield();
    }
    lock.lock();
    return lock;
}

}  // namespace fgread
