// TextArena: keeps texts, in few pieces of memory, none of which ever moves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace fgread {

// Not thread-safe. What it hands out lives as long as it does, also after it was moved.
class TextArena {
public:
    std::string_view keep(std::string_view text) {
        if (text.size() > left_) {
            left_ = std::max(block, text.size());
            blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
            next_ = blocks_.back().get();
        }
        char* const place = next_;
        std::copy(text.begin(), text.end(), place);
        next_ += text.size();
        left_ -= text.size();
        return {place, text.size()};
    }

private:
    static constexpr std::size_t block = 64 * 1024;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char* next_ = nullptr;
    std::size_t left_ = 0;
};

}  // namespace fgread
