#include "unwind/function_analysis.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "unwind/x86_64.h"

namespace fgread::x86_64 {
namespace {

// A function's code has some dozen different rules; generated code with hundreds is no longer
// worth the search.
constexpr std::size_t max_rules = 512;
// Real functions need two or three visits per instruction; only contrived ones more.
constexpr std::uint64_t max_visits = 16;

// How much the state at a place is believed.
enum class Trust : std::uint8_t {
    none,     // not reached
    guessed,  // a switch's target, a landing pad, or behind a call that may not come back
    followed,
    certain,  // the function's start: whoever jumps there has left the frame
};

// Where a path may enter.
struct Entrance {
    CodeFrame frame;
    Trust trust = Trust::none;
};

class Analysis {
public:
    Analysis(X86Decoder& decoder, ByteView code, std::uint64_t address)
        : code_(code), address_(address), budget_(max_visits * code.size()) {
        decode(decoder);
        for (std::uint32_t at = 0; at < code_.size(); at = next(at)) {
            if (const auto to = target_of(decoded_[at])) is_target_[*to] = true;
        }
    }

    AnalysedFunction run(bool is_end_known) {
        if (code_.empty()) return {};
        is_end_known_ = is_end_known;
        enter(0, CodeFrame::at_entry(), Trust::certain);
        follow_all();
        if (is_end_known) guess_unreached();
        return result_.steps < budget_ ? make_rows() : AnalysedFunction{};
    }

private:
    static constexpr std::uint32_t no_entrance = 0xffffffff;

    // Data among the code is decoded like code; no path leads there.
    void decode(X86Decoder& decoder) {
        decoded_.resize(code_.size());
        reached_.resize(code_.size());
        is_target_.resize(code_.size());
        entrance_of_.resize(code_.size(), no_entrance);
        for (std::size_t at = 0; at < code_.size(); at += decoded_[at].length) {
            const auto instruction = decoder.decode(code_.subspan(at), address_ + at);
            ++result_.steps;
            decoded_[at] = instruction ? *instruction : bad_byte();
        }
    }

    static Instruction bad_byte() {
        Instruction bad;
        bad.kind = Instruction::stop;
        bad.length = 1;
        return bad;
    }

    // In this function, and at an instruction.
    [[nodiscard]] std::optional<std::uint32_t> target_of(const Instruction& instruction) const {
        const bool jumps =
            instruction.kind == Instruction::jump || instruction.kind == Instruction::branch;
        const std::uint64_t offset = instruction.destination - address_;
        if (!jumps || offset >= code_.size() || decoded_[offset].length == 0) return std::nullopt;
        return static_cast<std::uint32_t>(offset);
    }

    [[nodiscard]] std::uint32_t next(std::uint32_t at) const { return at + decoded_[at].length; }

    // A path comes to `at` with `frame`.
    void enter(std::uint32_t at, const CodeFrame& frame, Trust trust) {
        if (entrance_of_[at] == no_entrance) {
            entrance_of_[at] = static_cast<std::uint32_t>(entrances_.size());
            entrances_.emplace_back();
        }
        Entrance& entrance = entrances_[entrance_of_[at]];
        if (trust < entrance.trust || entrance.trust == Trust::certain) return;
        if (trust == entrance.trust) {
            if (!entrance.frame.meet(frame)) return;
        } else {
            entrance.frame = frame;
            entrance.trust = trust;
        }
        (trust == Trust::guessed ? guessed_ : followed_).push_back(at);
    }

    // What is sure first: it need not be done again then.
    void follow_all() {
        while (!followed_.empty() || !guessed_.empty()) {
            std::vector<std::uint32_t>& waiting = followed_.empty() ? guessed_ : followed_;
            const std::uint32_t at = waiting.back();
            waiting.pop_back();
            const Entrance entrance = entrances_[entrance_of_[at]];
            follow(at, entrance.frame, std::min(entrance.trust, Trust::followed));
        }
    }

    // From `at` to where the path ends or meets another entrance.
    void follow(std::uint32_t at, CodeFrame frame, Trust trust) {
        std::uint32_t before = at;
        while (result_.steps++ < budget_) {
            const Instruction& instruction = decoded_[at];
            const std::uint32_t after = next(at);
            reached_[at] = true;
            note_body(instruction, frame);
            const std::optional<std::uint32_t> to = target_of(instruction);
            if (to) enter(*to, frame, trust);
            advance(frame, at);
            if (!goes_on(instruction) || after >= code_.size()) return;
            if (instruction.kind == Instruction::call && may_begin(after)) return;
            if (instruction.if_different) equate(frame, decoded_[before]);
            // abort() and its like stand before code that somebody else jumps to.
            if (instruction.kind == Instruction::call && leads_to_target(after)) {
                trust = Trust::guessed;
            }
            if (is_target_[after] || entrance_of_[after] != no_entrance) {
                enter(after, frame, trust);
                return;
            }
            before = at;
            at = after;
        }
    }

    // With no more than padding before it: Go puts a nop behind calls that do not come back.
    [[nodiscard]] bool leads_to_target(std::uint32_t at) const {
        while (at < code_.size() && !is_target_[at] && decoded_[at].kind == Instruction::nothing) {
            at = next(at);
        }
        return at < code_.size() && is_target_[at];
    }

    // Whether another function may begin at `at`, perhaps behind padding: the call before it did
    // not come back then, as of __stack_chk_fail. What is jumped to is a loop.
    [[nodiscard]] bool may_begin(std::uint32_t at) const {
        if (is_end_known_) return false;
        const std::uint32_t behind_call = at;
        while (at < code_.size() && decoded_[at].kind == Instruction::nothing) at = next(at);
        constexpr std::uint64_t alignment = 16;
        if (at >= code_.size() || (address_ + at) % alignment != 0 || is_target_[at]) return false;
        const Instruction& first = decoded_[at];
        const bool saves =
            first.kind == Instruction::push && (first.source == rbx || first.source == rbp ||
                                                (first.source >= r12 && first.source <= r15));
        return at != behind_call || saves;
    }

    static bool goes_on(const Instruction& instruction) {
        return instruction.kind != Instruction::jump && instruction.kind != Instruction::stop &&
               instruction.kind != Instruction::jump_unknown;
    }

    // Old position-independent code calls the next instruction: that pushes its address.
    void advance(CodeFrame& frame, std::uint32_t at) const {
        Instruction instruction = decoded_[at];
        if (instruction.kind == Instruction::call &&
            instruction.destination == address_ + next(at)) {
            instruction.kind = Instruction::push;
        }
        frame.apply(instruction);
    }

    // gcc probes large frames page by page, in a loop that ends when the stack pointer equals a
    // register: -fstack-clash-protection.
    static void equate(CodeFrame& frame, const Instruction& before) {
        if (before.kind != Instruction::compare) return;
        const bool first = before.target == rsp;
        if (!first && before.source != rsp) return;
        const std::uint8_t other = first ? before.source : before.target;
        if (other < return_address && frame[other].kind == KnownValue::from_cfa) {
            frame.set(rsp, frame[other]);
        }
    }

    // The frame that the targets of a switch have is that of its jump; the one that landing pads
    // have, that of the calls. An indirect jump without a frame is mostly a call at the end.
    void note_body(const Instruction& instruction, const CodeFrame& frame) {
        if (instruction.kind != Instruction::jump_unknown &&
            instruction.kind != Instruction::call) {
            return;
        }
        Body& body = instruction.kind == Instruction::call      ? by_calls_
                     : frame[rsp] == CodeFrame::at_entry()[rsp] ? without_frame_
                                                                : by_switch_;
        CodeFrame seen = frame;
        if (instruction.kind == Instruction::call) seen.forget_after_call();
        if (body) {
            body->meet(seen);
        } else {
            body = std::move(seen);
        }
    }

    // From top to bottom: what one of them leads to need not be guessed.
    void guess_unreached() {
        Body body = by_switch_ ? by_switch_ : by_calls_ ? by_calls_ : without_frame_;
        if (!body) return;
        // The frame may be that of a cold end alone, as V8_Fatal()'s in node.
        if (!by_switch_ && without_frame_) body->meet(*without_frame_);
        for (std::uint32_t at = 0; at < code_.size(); at = next(at)) {
            if (reached_[at]) continue;
            enter(at, *body, Trust::guessed);
            follow_all();
        }
    }

    AnalysedFunction make_rows() {
        for (std::uint32_t start = 0; start < code_.size(); start = next(start)) {
            if (entrance_of_[start] == no_entrance) continue;
            CodeFrame frame = entrances_[entrance_of_[start]].frame;
            std::uint32_t before = start;
            for (std::uint32_t at = start;;) {
                const Instruction& instruction = decoded_[at];
                const std::uint32_t after = next(at);
                add_row(at, after, frame);
                advance(frame, at);
                // Return addresses are looked up inside the call.
                if (instruction.kind == Instruction::call) add_row(at + 1, after, frame);
                if (!goes_on(instruction) || after >= code_.size()) break;
                if (instruction.kind == Instruction::call && may_begin(after)) break;
                if (instruction.if_different) equate(frame, decoded_[before]);
                if (entrance_of_[after] != no_entrance) break;
                before = at;
                at = after;
            }
        }
        if (row_end_ < code_.size()) append(row_end_, 0);
        return std::move(result_);
    }

    void add_row(std::uint32_t at, std::uint32_t end, const CodeFrame& frame) {
        // Between two pieces that paths reach nothing is known.
        if (at > row_end_) append(row_end_, 0);
        row_end_ = end;
        if (!last_frame_ || !(*last_frame_ == frame)) {
            last_frame_ = frame;
            last_rule_ = number_of(frame);
        }
        append(at, last_rule_);
    }

    void append(std::uint32_t at, std::uint16_t rule) {
        if (result_.rows.empty() || result_.rows.back().rule != rule) {
            result_.rows.push_back({at, rule});
        }
    }

    std::uint16_t number_of(const CodeFrame& frame) {
        const std::size_t expressions = result_.expressions.size();
        const auto rule = frame.rule(result_.expressions);
        if (!rule) return 0;
        std::size_t number = result_.rules.size();
        while (number > 0 && !same(result_.rules[number - 1], *rule)) --number;
        if (number == 0 && result_.rules.size() < max_rules) {
            result_.rules.push_back(*rule);
            return static_cast<std::uint16_t>(result_.rules.size());
        }
        result_.expressions.resize(expressions);
        return static_cast<std::uint16_t>(number);
    }

    static bool same(const UnwindRule& a, const UnwindRule& b) {
        return a.cfa == b.cfa && a.registers == b.registers;
    }

    using Body = std::optional<CodeFrame>;

    ByteView code_;
    std::uint64_t address_;
    std::uint64_t budget_;
    bool is_end_known_ = true;
    std::vector<Instruction> decoded_;  // by offset; length 0: not the start of one
    std::vector<bool> reached_, is_target_;
    std::vector<std::uint32_t> entrance_of_;  // by offset
    std::vector<Entrance> entrances_;
    std::vector<std::uint32_t> followed_, guessed_;  // entrances still to be followed
    Body by_switch_, by_calls_, without_frame_;
    std::optional<CodeFrame> last_frame_;
    std::uint16_t last_rule_ = 0;
    std::uint32_t row_end_ = 0;
    AnalysedFunction result_;
};

}  // namespace

const UnwindRule* AnalysedFunction::find(std::uint64_t offset) const {
    auto row = std::upper_bound(rows.begin(), rows.end(), offset,
                                [](std::uint64_t at, const Row& each) { return at < each.offset; });
    if (row == rows.begin()) return nullptr;
    --row;
    return row->rule == 0 ? nullptr : &rules[row->rule - 1u];
}

AnalysedFunction analyse_function(X86Decoder& decoder, ByteView code, std::uint64_t address,
                                  bool is_end_known) {
    if (code.size() > max_analysed_bytes) return {};
    return Analysis(decoder, code, address).run(is_end_known);
}

}  // namespace fgread::x86_64
