// The whole tool in process: arbitrary bytes folded by one thread and by three. Both write the
// same, and the weights are the periods of the samples.
//
// Starting threads takes longer than all the rest of a small recording: a fuzzer compares one in
// COMPARED_BY_FUZZER inputs, the replay of a corpus all.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <span>
#include <string>

#include "collapse/fold.h"

using namespace fgread;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

struct Folded {
    bool done = false;
    std::string text;
    std::uint64_t samples = 0;
};

Folded fold(const std::string& path, unsigned jobs) {
    FoldOptions options;
    options.aggregate.jobs = jobs;
    options.naming.jobs = jobs;
    options.weigh_by_samples = true;
    options.event = "*";
    options.kallsyms = "/dev/null";  // the running kernel's takes 35 ms to list
    Folded folded;
    const auto stats = fold_recording(path, options, [&](std::string_view text) {
        folded.text += text;
        return true;
    });
    folded.done = stats.has_value();
    if (!stats) {
        require(!stats.error().message.empty());
        return folded;
    }
    for (const EventStats& event : stats->events) folded.samples += event.samples;
    return folded;
}

std::uint64_t total(const std::string& text) {
    std::uint64_t sum = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        const std::size_t blank = text.rfind(' ', end);
        sum += std::strtoull(text.c_str() + blank + 1, nullptr, 10);
        begin = end + 1;
    }
    return sum;
}

#ifdef COMPARED_BY_FUZZER
constexpr unsigned compared = COMPARED_BY_FUZZER;
#else
constexpr unsigned compared = 1;
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const int descriptor = ::memfd_create("fuzz", MFD_CLOEXEC);
    require(descriptor >= 0);
    for (std::size_t done = 0; done < size;) {
        const ssize_t count = ::write(descriptor, data + done, size - done);
        require(count > 0);
        done += static_cast<std::size_t>(count);
    }
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const Folded one = fold(path, 1);
    if (one.done) require(total(one.text) == one.samples);
    const std::span bytes(data, size);
    if (std::accumulate(bytes.begin(), bytes.end(), 0U) % compared == 0) {
        const Folded three = fold(path, 3);
        require(one.done == three.done);
        require(one.text == three.text);
    }
    ::close(descriptor);
    return 0;
}
