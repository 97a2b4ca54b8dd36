// WalkTrail: the way one walk took to the start of its thread, so that the next walk of the thread
// can end where it meets it.
//
// Consecutive samples of a thread share their outer frames, often all but the innermost few. A
// frame at which pc, stack pointer and frame pointer are those of the trail leads to the same
// callers if the words the trail was read from still say what they said:
//
//      this walk    read_token <- next <- parse_line        meets the trail at parse_line
//      the trail    skip_blank <- parse_line <- parse <- main <- _start
//                                          ^        ^       ^  three return addresses to compare
//
// which takes neither rules nor modules, and whose reads do not wait for each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "unwind/stack_memory.h"

namespace fgread {

// Plain data of one thread's last walk. Empty unless that reached the thread's start.
struct WalkTrail {
    struct Step {
        std::uint64_t pc = 0;          // of the frame
        std::uint64_t sp = 0;          // of the frame: the CFA of the one it called
        std::uint64_t fp = 0;          // 0 if it is not known
        bool has_fp = false;           // fp is known
        std::uint8_t fp_distance = 0;  // words below the caller's sp where its fp is; 0: unchanged
        // Of this frame and those further out, how many had no rule: whose callers were found by
        // their code, and by the frame pointer.
        std::uint16_t analysed = 0, followed = 0;

        [[nodiscard]] bool is_at(std::uint64_t a_pc, std::uint64_t a_sp, std::uint64_t an_fp,
                                 bool knows_fp) const {
            return sp == a_sp && pc == a_pc && fp == an_fp && has_fp == knows_fp;
        }
    };
    std::uint32_t generation = 0;  // of the SpanCache: what rules the steps were made by
    // Outermost first, up to where something else than these words decided who the caller is.
    std::vector<Step> steps;
    // Where the walk read the return address 0; without one it ended by what is known of the last
    // frame's pc.
    std::optional<std::uint64_t> end_word;

    void clear() { steps.clear(); }
    // Where the stack, followed from steps[from], has ceased to be what it was: how many steps lie
    // further out than the one it led to then. Nothing if it still leads to the thread's start.
    [[nodiscard]] std::optional<std::size_t> leaves(std::size_t from,
                                                    const StackWords& stack) const;
};

}  // namespace fgread
