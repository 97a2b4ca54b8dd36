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
    return first == 0xc3 || is_pop(first) || (first == 0x41 && is_pop(second));
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
