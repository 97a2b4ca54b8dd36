// StackWalker: you give registers, a copy of stack memory and modules; you get the call chain,
// innermost frame first, and the reason why it ended.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "perfdata/address_space.h"
#include "unwind/frame.h"
#include "unwind/frame_table.h"
#include "unwind/module_provider.h"
#include "unwind/registers.h"
#include "unwind/stack_memory.h"
#include "unwind/stop_reason.h"
#include "unwind/walk_trail.h"

namespace fgread {

struct WalkLimits {
    // As many as perf's largest dump, 65,528 bytes, can hold: a frame of compiled code has 16 bytes
    // at least, as calls keep the stack aligned. perf stops at 127.
    std::uint32_t max_frames = 4096;
    // Where a module has no rule, or a JIT made the code, follow the frame pointer if it leads
    // behind a call. Right for all of 6,605 frames of 31 programs.
    bool frame_pointers = true;
    // Before that, decode the function from its start, if that is known, to find its frame
    // (x86-64). Right for all but eight of 914,000 frames.
    bool analyse_code = true;
    // Believe frame pointers behind any call, as V8's builtins need, whose calls name dispatchers
    // that jump on. Right less often on code that keeps none.
    bool trust_frame_pointers = false;
};

struct WalkedFrame {
    Frame frame;
    Avma pc;  // as found: a return address is not yet lowered
    Avma sp;  // the frame's stack pointer (CFA of the frame it called)
    // In a module: its number in the walker's table, if that has one.
    FrameId id = no_frame;
};

// Why the walk ended, at the last of the frames it found.
struct WalkResult {
    StopReason reason = StopReason::no_registers;
    std::uint32_t by_frame_pointer = 0;  // frames that were found so
    std::uint32_t by_analysis = 0;       // and by decoding their callee's code
    // With a trail: how many frames of the walk before, its outermost, go on where `frames` ends.
    std::uint32_t shared = 0;
};

// Not thread-safe: one walker per thread (it keeps hints and a cache of resolved mappings).
class StackWalker {
public:
    // `provider` must outlive the walker, and so must `frames`: with it most frames are numbered as
    // they are found, which costs next to nothing where their pc was met before.
    explicit StackWalker(ModuleProvider& provider, WalkLimits limits = {},
                         FrameTable* frames = nullptr);

    // Walks one stack of a process whose mappings are `space` at `when`. `frames` is cleared and
    // filled innermost first; it always holds at least frame 0 if the registers have a pc. A
    // return address that no mapping covers becomes the last frame, with module 0, unless it is 0.
    // Allocates only when `frames` must grow or a mapping is new. Some 10-20 ns per frame whose
    // rule was met before.
    // `trail` is that of the thread, empty at first: the walk may end where it meets the one before
    // (then the reason is `complete`, and WalkResult::shared says how many frames are left out),
    // and leaves its own. Without one, `frames` holds all.
    WalkResult walk(const AddressSpace& space, EventTime when, const RegisterFile& registers,
                    const StackMemory& stack, std::vector<WalkedFrame>& frames,
                    WalkTrail* trail = nullptr);

    // Lengthens `frames`, what walk() just found of this sample, by what the kernel recorded beside
    // it (recorded_chain.h), if that is believed: x86-64 only. `chain`: the user part, the pc
    // first. Where there are no frames, as the registers cannot be walked, all of it is taken as it
    // is. Returns why the stack ends; `reason`, of the walk, unless it is whole now. The walk must
    // have been without a trail, or have shared nothing.
    StopReason follow_chain(const AddressSpace& space, EventTime when,
                            const RegisterFile& registers, const StackMemory& stack,
                            std::span<const std::uint64_t> chain, StopReason reason,
                            std::vector<WalkedFrame>& frames);

    // Resolves a single address (a kernel ip, an entry of a recorded chain) the same way.
    Frame resolve(const AddressSpace& space, EventTime when, Avma address, FrameKind kind);

    // While it walks, the walker asks the processor for these bytes, of which it will be given
    // stacks next: for the first `at_once` now, for some of the rest with each frame. They must
    // live until the next call of this. Spares 4 % of the time of walking a large file.
    void prefetch(ByteView bytes, std::size_t at_once);

    // The walker remembers spaces by their address, and what they answered. Call this when one
    // was changed (AddressSpace::map) or destroyed since the last walk.
    void forget_spaces();
    // Frames were taken out of the table.
    void forget_numbers();

    ~StackWalker();
    StackWalker(StackWalker&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
