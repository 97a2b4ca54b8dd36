#include "perfdata/page_ahead.h"

#include <algorithm>

namespace fgread {
namespace {

constexpr std::size_t max_ahead = 6;

}  // namespace

PageAhead::PageAhead(const MappedFile& mapped, std::uint64_t begin, std::uint64_t end)
    : mapped_(mapped),
      begin_(begin),
      end_(end),
      is_mapped_(static_cast<std::size_t>((end - begin + piece_bytes - 1) / piece_bytes)),
      thread_([this] { work(); }) {}

PageAhead::~PageAhead() {
    next_.store(is_mapped_.size());
    reader_.store(is_mapped_.size());
    reader_.notify_one();
    thread_.join();
}

std::uint64_t PageAhead::piece_end(std::uint64_t offset) const {
    return std::min(end_, begin_ + (piece_of(offset) + 1) * piece_bytes);
}

void PageAhead::reached(std::uint64_t offset) {
    const std::size_t piece = piece_of(offset);
    reader_.store(piece);
    reader_.notify_one();
    while (!is_mapped_[piece].load() && map_next()) continue;
}

// Maps one piece. False if all are begun, or too far ahead of the reader.
bool PageAhead::map_next() {
    const std::size_t reader = reader_.load();
    std::size_t piece = next_.load();
    // What the reader has left behind it needs no more.
    while (piece < is_mapped_.size() && piece < reader + max_ahead) {
        const std::size_t chosen = std::max(piece, reader);
        if (!next_.compare_exchange_weak(piece, chosen + 1)) continue;
        const std::uint64_t at = begin_ + chosen * piece_bytes;
        // Of a file that became shorter the reader will learn by itself.
        (void)mapped_.fetch_pages(at, std::min(piece_bytes, end_ - at));
        is_mapped_[chosen].store(true);
        return true;
    }
    return false;
}

void PageAhead::work() {
    for (;;) {
        const std::size_t reader = reader_.load();
        if (map_next()) continue;
        if (next_.load() >= is_mapped_.size()) return;
        reader_.wait(reader);
    }
}

}  // namespace fgread
