#include "perfdata/resident_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace fgread {

std::uint64_t resident_memory() {
    const int descriptor = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    std::array<char, 128> text{};
    const ssize_t size = ::read(descriptor, text.data(), text.size());
    ::close(descriptor);
    // "size resident shared ...", in pages.
    const std::string_view words(text.data(), static_cast<std::size_t>(size > 0 ? size : 0));
    const std::size_t second = words.find(' ');
    if (second == std::string_view::npos) return 0;
    std::uint64_t pages = 0;
    std::from_chars(words.data() + second + 1, words.data() + words.size(), pages);
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace fgread
