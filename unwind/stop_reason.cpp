#include "unwind/stop_reason.h"

#include <array>

namespace fgread {
namespace {

struct Words {
    std::string_view key;
    std::string_view text;
};

constexpr std::array<Words, stop_reason_count> words{{
    {"complete", "reached the start of the thread"},
    {"recorded", "the kernel recorded the chain (frame pointers or LBR): nothing to unwind"},
    {"truncated",
     "the recorded part of the stack was too small (record with a larger dump: "
     "--call-graph dwarf,65528)"},
    {"no_registers", "no user registers or no stack were recorded"},
    {"no_mapping", "an address lay in no executable mapping"},
    {"module_unavailable", "a binary is missing, differs from the recorded one or is unreadable"},
    {"no_cfi", "a binary, or code of a JIT, has no call-frame information for an address"},
    {"rule_unsupported", "a call-frame rule cannot be evaluated"},
    {"bad_memory", "a rule needs memory or a register that was not recorded"},
    {"no_progress", "the stack pointer did not rise"},
    {"frame_limit", "more frames than the limit"},
    {"unsupported_abi", "registers of an architecture that is not walked yet"},
    {"switched_stack", "a runtime had changed to another stack there; its callers' was not copied"},
}};

}  // namespace

std::string_view stop_reason_key(StopReason reason) {
    return words[static_cast<std::size_t>(reason)].key;
}

std::string_view stop_reason_text(StopReason reason) {
    return words[static_cast<std::size_t>(reason)].text;
}

}  // namespace fgread
