#include "perfdata/page_ahead.h"

#include <algorithm>
#include <limits>

namespace fgread {
namespace {

constexpr std::uint64_t max_ahead = std::uint64_t{12} << 20;
// A system call each.
constexpr std::uint64_t mapped_at_once = std::uint64_t{1} << 20;

// The reader has gone.
constexpr std::uint64_t nowhere = std::numeric_limits<std::uint64_t>::max();

}  // namespace

PageAhead::PageAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end)
    : mapped_(mapped), reached_(begin), thread_([this, begin, end] { work(begin, end); }) {}

PageAhead::~PageAhead() {
    reached(nowhere);
    thread_.join();
}

void PageAhead::reached(std::uint64_t offset) {
    reached_.store(offset);
    reached_.notify_one();
}

void PageAhead::work(std::uint64_t at, std::uint64_t end) {
    for (; at < end; at += mapped_at_once) {
        std::uint64_t reader = reached_.load();
        while (reader < at && at - reader >= max_ahead) {
            reached_.wait(reader);
            reader = reached_.load();
        }
        at = std::max(at, reader);
        if (at >= end) return;
        // Of a file that became shorter the reader will learn by himself.
        if (!mapped_.fetch_pages(at, std::min(mapped_at_once, end - at))) return;
    }
}

}  // namespace fgread
