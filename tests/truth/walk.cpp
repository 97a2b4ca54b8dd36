#include "walk.h"

#include <fmt/format.h>

#include "unwind/x86_64.h"

namespace truth {
namespace {

fgread::ModuleSources sources_of(const Recording& recording) {
    const fgread::Features& features = recording.file().features();
    fgread::ModuleSources sources;
    sources.hostname = features.hostname;
    sources.os_release = features.os_release;
    sources.arch = features.arch;
    return sources;
}

}  // namespace

Walk::Walk(const Recording& recording)
    : recording_(recording),
      modules_(recording.mappings(), sources_of(recording)),
      walker_(modules_) {}

const std::vector<std::uint64_t>& Walk::pcs(const Sample& sample) {
    const fgread::RegisterFile registers =
        fgread::x86_64::registers_from_sample(sample.view.user_regs);
    const fgread::StackMemory stack({registers[fgread::x86_64::rsp]}, sample.view.user_stack);
    reason_ = walker_.walk(sample.space, sample.when, registers, stack, frames_).reason;
    pcs_.clear();
    for (const fgread::WalkedFrame& frame : frames_) pcs_.push_back(frame.pc.value);
    return pcs_;
}

bool Walk::leaf_in_epilogue() {
    if (frames_.empty()) return false;
    const fgread::Frame& leaf = frames_[0].frame;
    const auto code = modules_.read_word(leaf.module, fgread::Svma{leaf.offset});
    if (!code) return false;
    const std::uint64_t first = *code & 0xff, second = *code >> 8 & 0xff;
    const auto is_pop = [](std::uint64_t byte) { return byte >= 0x58 && byte <= 0x5f; };
    if (first == 0xc3 || is_pop(first) || (first == 0x41 && is_pop(second))) return true;
    const bool jumps = first == 0xe9 || first == 0xeb || (first == 0xff && second >> 4 == 0xe);
    const auto before = modules_.read_word(leaf.module, fgread::Svma{leaf.offset - 8});
    return jumps && before && is_pop(*before >> 56);
}

bool Walk::caller_is_proven(const Sample& sample) {
    if (frames_.size() < 2) return false;
    const fgread::Frame &leaf = frames_[0].frame, &caller = frames_[1].frame;
    const fgread::StackMemory stack({frames_[0].sp.value}, sample.view.user_stack);
    if (stack.read_u64(frames_[0].sp.value) != frames_[1].pc.value) return false;
    const auto code = modules_.read_word(caller.module, fgread::Svma{caller.offset - 8});
    const auto stub = modules_.read_word(leaf.module, fgread::Svma{leaf.offset});
    if (!code || !stub) return false;
    const auto byte = [&](unsigned before) { return *code >> (8 * (8 - before)) & 0xff; };
    const bool direct = byte(5) == 0xe8;
    const auto is_indirect = [&](unsigned before) {  // ff /2
        return byte(before) == 0xff && (byte(before - 1) >> 3 & 7) == 2;
    };
    // A stub that is about to jump through its slot has pushed nothing (ff 25).
    if ((*stub & 0xffff) == 0x25ff) {
        return direct || is_indirect(2) || is_indirect(3) || is_indirect(6) || is_indirect(7);
    }
    constexpr std::uint64_t near = 4096;
    const auto distance = static_cast<std::int32_t>(*code >> 32);
    const std::uint64_t target = caller.offset + static_cast<std::uint64_t>(std::int64_t{distance});
    return direct && caller.module == leaf.module && target <= leaf.offset &&
           leaf.offset - target < near;
}

bool Walk::left_the_dump(const Sample& sample) const {
    if (frames_.size() < 2) return false;
    const std::uint64_t base = frames_.front().sp.value;
    return frames_.back().sp.value - base >= sample.view.user_stack.size();
}

std::string Walk::describe(const Sample& sample, std::uint64_t pc) const {
    const fgread::MappingId id = sample.space.find({pc}, sample.when);
    if (!id) return fmt::format("{:#x}", pc);
    const fgread::Mapping& mapping = recording_.mappings().mapping(id);
    const std::string& path = recording_.mappings().image(mapping.image).path;
    return fmt::format("{}+{:#x}", path.substr(path.rfind('/') + 1),
                       pc - mapping.start.value + mapping.file_offset);
}

std::string option(int argc, char** argv, const std::string& name, const std::string& otherwise) {
    for (int i = 1; i + 1 < argc; ++i) {
        if (name == argv[i]) return argv[i + 1];
    }
    return otherwise;
}

}  // namespace truth
