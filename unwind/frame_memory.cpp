#include "unwind/frame_memory.h"

namespace fgread {

EvalResult FrameMemory::read(std::uint64_t address, unsigned size) const {
    address &= words_.address_mask;
    if (const auto value = stack_.read(address, size)) return {*value};
    if (provider_) {
        if (const auto word = provider_->read_word(module_, Svma{address - bias_})) {
            if (size >= 8) return {*word};
            const unsigned unused_bits = 64 - 8 * size;
            if (endian() == Endian::big) return {*word >> unused_bits};
            return {*word << unused_bits >> unused_bits};
        }
    }
    // What starts inside and ends outside left the dump at its upper end too.
    const std::uint64_t reach = stack_.end().value - stack_.base().value + stack_reach;
    const bool above = !stack_.empty() && address - stack_.base().value < reach;
    return {0, above ? EvalStatus::truncated : EvalStatus::bad_memory};
}

}  // namespace fgread
