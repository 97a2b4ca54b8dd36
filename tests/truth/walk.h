// Walk: fgread's own stack of a sample, set up as the tool does it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "recording.h"
#include "symbols/module_cache.h"
#include "unwind/walker.h"

namespace truth {

class Walk {
public:
    // `recording` must outlive the object.
    explicit Walk(const Recording& recording);

    // Return addresses as found, leaf first; valid until the next call.
    const std::vector<std::uint64_t>& pcs(const Sample& sample);
    // Why the last walk ended.
    [[nodiscard]] fgread::StopReason reason() const { return reason_; }
    // Whether the leaf of the last walk is in an epilogue: at a pop or return, or behind a pop at a
    // jump to another function.
    [[nodiscard]] bool leaf_in_epilogue();
    // Whether the code proves the second frame of the last walk: the word that the stack pointer of
    // `sample` points to is its pc, and before that stands a direct call of where the leaf is, or,
    // if the leaf is at the jump of a stub of the PLT (which may be jumped to), any call.
    [[nodiscard]] bool caller_is_proven(const Sample& sample);
    // Whether the last frame's stack pointer lies outside the sample's dump: nobody can go on
    // there.
    [[nodiscard]] bool left_the_dump(const Sample& sample) const;
    // "libc.so.6+0x2724a" of a pc in the sample's address space.
    [[nodiscard]] std::string describe(const Sample& sample, std::uint64_t pc) const;

private:
    const Recording& recording_;
    fgread::ModuleCache modules_;
    fgread::StackWalker walker_;
    fgread::StopReason reason_ = fgread::StopReason::no_registers;
    std::vector<fgread::WalkedFrame> frames_;
    std::vector<std::uint64_t> pcs_;
};

// "--name VALUE" of a command line, or `otherwise`.
std::string option(int argc, char** argv, const std::string& name, const std::string& otherwise);

}  // namespace truth
