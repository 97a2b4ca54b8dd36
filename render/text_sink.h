// TextSink: where a writer's text goes, and PendingText, which is on its way there.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace fgread {

// Takes a piece of output; false means that no more is wanted (a closed pipe, a full disk): the
// writer stops and returns false.
using TextSink = std::function<bool(std::string_view)>;

// Text that is handed to a sink in pieces. Not thread-safe.
class PendingText {
public:
    // `sink` must outlive this object.
    explicit PendingText(const TextSink& sink) : sink_(sink) {}

    // What the sink has not got yet: append to it.
    std::string text;

    // Hands it over once it is some 64 KiB. False: no more is wanted, now or later.
    bool flush_if_large() { return text.size() < large ? is_wanted_ : flush(); }
    // Hands all of it over.
    bool flush() {
        is_wanted_ = is_wanted_ && (text.empty() || sink_(text));
        text.clear();
        return is_wanted_;
    }

private:
    static constexpr std::size_t large = 64 * 1024;

    const TextSink& sink_;
    bool is_wanted_ = true;
};

}  // namespace fgread
