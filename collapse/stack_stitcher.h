// StackStitcher: what the dump cut off a stack, taken from other samples of the same thread.
//
// Two samples that stand in the same two frames at the same stack pointers, with the same words
// around them (saved registers, locals), are most likely in the same calls: then what the one saw
// further out holds for the other. doc/stitching.md has the rule's measured precision.
//
//   higher addresses        cut sample        donor
//                                             main            <- seen by the donor only
//                                             compile
//        end of the cut   - - - - - - -       parse      sp   |
//        sample's dump      parse      sp  =  parse      sp   |  same pc, sp and words
//                           expression sp  =  expression sp   |
//                           lookup            fold
//                           hash
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "perfdata/process_table.h"
#include "unwind/stack_memory.h"
#include "unwind/walker.h"

namespace fgread {

// The outermost frames of a stack.
struct SharedFrames {
    std::size_t stack = 0;   // its number
    std::size_t frames = 0;  // how many; it must have as many
};

// Not thread-safe; for the samples of one chunk, so that what it remembers is bounded.
class StackStitcher {
public:
    // Remembers a stack that a walk found (innermost frame first) and why it ended; in file order.
    // `memory` must stay valid until join(). Only `complete` stacks and `truncated` ones are of
    // use here, others are ignored. The stack's number, if it is kept. Cost: a copy of the frames.
    // `outer`: where `frames` ends it goes on as the outermost frames of a stack that was kept.
    std::optional<std::size_t> add(Pid pid, Tid tid, StopReason reason, const StackMemory& memory,
                                   const std::vector<WalkedFrame>& frames, SharedFrames outer = {});

    // Finds out which stacks go on in which others. After the last add(). Up to a microsecond or
    // two for each cut stack.
    void join();

    // What follows the outermost frame of a cut stack, innermost first, and whether it reaches the
    // start of the thread. Replaces `outer`; empty if nothing is known.
    bool outer_frames(std::size_t cut, std::vector<WalkedFrame>& outer) const;

    // Forgets all stacks, keeps the memory.
    void clear();

private:
    struct Stack {
        Pid pid;
        Tid tid;
        bool cut = false;
        StackMemory memory;
        std::size_t first = 0, count = 0;  // of frames_; before join() without those of `outer`
        SharedFrames outer;
        std::optional<std::size_t> donor;  // number of another stack
        std::size_t donor_frame = 0;       // what is outermost here, there
    };
    struct Join {
        std::size_t donor = 0;
        std::size_t frame = 0;
    };

    [[nodiscard]] const WalkedFrame& frame(const Stack& stack, std::size_t at) const {
        return frames_[stack.first + at];
    }
    [[nodiscard]] std::optional<std::size_t> find(const Stack& stack,
                                                  const WalkedFrame& wanted) const;
    [[nodiscard]] bool is_same_call(const Stack& cut, const Stack& donor, std::size_t at) const;
    [[nodiscard]] std::optional<Join> find_donor(const std::vector<std::size_t>& thread,
                                                 std::size_t at) const;

    // Where in frames_ there is room for so many.
    std::size_t room_for(std::size_t count);
    void copy_shared_frames(Stack& stack);

    std::vector<Stack> stacks_;
    // Of all stacks; what is behind the used ones was an earlier chunk's. So they are copied as
    // memory, while a vector that grows makes frame by frame.
    std::vector<WalkedFrame> frames_;
    std::size_t used_frames_ = 0;
    bool any_cut_ = false;
};

}  // namespace fgread
