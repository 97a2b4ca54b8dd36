// OrderedPieces: text that several threads make, a piece each at a time, handed to one sink in the
// order of the pieces.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "render/text_sink.h"

namespace fgread {

// Pieces are numbered from 0. Each has to be finished, and a thread may not begin one before an
// earlier one is finished or another thread's: all would wait for ever. Thread-safe; the sink is
// called by one thread at a time.
class OrderedPieces {
public:
    explicit OrderedPieces(const TextSink& sink) : sink_(sink) {}

    // Hands on what comes next of a piece, once all in front of it are finished. False once the
    // sink wanted no more.
    bool put(std::uint32_t piece, std::string_view text) {
        wait_for(piece);
        wanted_ = wanted_ && sink_(text);
        return wanted_;
    }
    void finish(std::uint32_t piece) {
        wait_for(piece);
        turn_.store(piece + 1);
        turn_.notify_all();
    }

    // False if the sink wanted no more. After all threads are done.
    [[nodiscard]] bool is_whole() const { return wanted_; }

private:
    void wait_for(std::uint32_t piece) const {
        for (std::uint32_t turn = turn_.load(); turn != piece; turn = turn_.load()) {
            turn_.wait(turn);
        }
    }

    const TextSink& sink_;
    std::atomic<std::uint32_t> turn_ = 0;  // the piece that may be put
    bool wanted_ = true;                   // belongs to whose turn it is
};

}  // namespace fgread
