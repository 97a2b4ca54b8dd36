#include "symbols/dwarf_paint.h"

#include <algorithm>

namespace fgread {

namespace {

class Painter {
public:
    explicit Painter(std::uint32_t nobody) : nobody_(nobody) {}

    // Shows what is active from the current position up to `limit`.
    void advance(std::uint64_t limit) {
        while (!active_.empty()) {
            const PaintRange& top = active_.front();
            if (top.high > position_) {
                show(position_, top.owner);
                if (top.high > limit) break;
                position_ = top.high;
            }
            std::pop_heap(active_.begin(), active_.end(), lower);
            active_.pop_back();
        }
        if (active_.empty()) show(position_, nobody_);
        position_ = limit;
    }

    void start(const PaintRange& range) {
        active_.push_back(range);
        std::push_heap(active_.begin(), active_.end(), lower);
    }

    PaintedIntervals result;

private:
    static bool lower(const PaintRange& a, const PaintRange& b) { return a.owner < b.owner; }

    void show(std::uint64_t at, std::uint32_t owner) {
        if (!result.owners.empty() && result.starts.back() == at) {
            // Nothing has been shown of the interval that begins here yet.
            result.owners.back() = owner;
            if (result.owners.size() > 1 && result.owners[result.owners.size() - 2] == owner) {
                result.starts.pop_back();
                result.owners.pop_back();
            }
            return;
        }
        const std::uint32_t before = result.owners.empty() ? nobody_ : result.owners.back();
        if (before == owner) return;
        result.starts.push_back(at);
        result.owners.push_back(owner);
    }

    std::uint32_t nobody_;
    std::uint64_t position_ = 0;
    std::vector<PaintRange> active_;  // a heap; ranges that have ended are dropped when on top
};

}  // namespace

PaintedIntervals paint(std::vector<PaintRange>& ranges, std::uint32_t nobody) {
    std::sort(ranges.begin(), ranges.end(),
              [](const PaintRange& a, const PaintRange& b) { return a.low < b.low; });
    Painter painter(nobody);
    for (const PaintRange& range : ranges) {
        painter.advance(range.low);
        painter.start(range);
    }
    painter.advance(UINT64_MAX);
    return std::move(painter.result);
}

}  // namespace fgread
