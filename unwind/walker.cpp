#include "unwind/walker.h"

#include <optional>
#include <vector>

#include "unwind/architecture.h"
#include "unwind/call_check.h"
#include "unwind/code_words.h"
#include "unwind/frame_memory.h"
#include "unwind/frame_pointer.h"
#include "unwind/general_walk.h"
#include "unwind/known_places.h"
#include "unwind/prefetcher.h"
#include "unwind/recorded_chain.h"
#include "unwind/step.h"
#include "unwind/x86_64.h"

namespace fgread {
namespace {

constexpr AbiRegisters abi{x86_64::return_address, x86_64::rsp, x86_64::callee_saved};

template <typename Element>
[[gnu::noinline]] void make_room(std::vector<Element>& elements) {
    elements.reserve(2 * elements.size() + 64);
}

// A new last element, to be filled in where it is. What push_back() is given is made on the stack,
// field by field, and then copied by reads of 16 bytes, which wait for all those writes: a tenth of
// a walk. That there is room is said so that the code for having none is not repeated here.
template <typename Element>
[[gnu::always_inline]] inline Element& append(std::vector<Element>& elements) {
    if (elements.size() == elements.capacity()) make_room(elements);
    if (elements.size() == elements.capacity()) __builtin_unreachable();
    return elements.emplace_back();
}

[[gnu::always_inline]] inline void push_frame(std::vector<WalkedFrame>& frames, const KnownPc& at,
                                              FrameKind kind, std::uint64_t pc, std::uint64_t sp) {
    const ModuleId module = at.module;
    const std::uint64_t bias = at.bias;
    const FrameId id = at.id;
    WalkedFrame& frame = append(frames);
    frame.frame.module = module;
    frame.frame.kind = kind;
    frame.frame.offset = pc - bias;
    frame.pc.value = pc;
    frame.sp.value = sp;
    frame.id = id;
}

// What a brief walk knows of a frame.
struct BriefRegisters {
    std::uint64_t pc = 0, sp = 0, fp = 0;
    bool has_fp = false;
};

struct Places {
    unsigned pc, sp;
};
Places places_of(const RegisterFile& registers) {
    if (registers.abi() == TaskAbi::x86_64) return {abi.pc, abi.stack_pointer};
    const AbiRegisters& other = architecture_of(registers.abi()).registers;
    return {other.pc, other.stack_pointer};
}

}  // namespace

struct StackWalker::State {
    State(ModuleProvider& the_provider, WalkLimits the_limits, FrameTable* the_frames)
        : provider(the_provider), limits(the_limits), places(provider, the_limits, the_frames) {}

    // BOLT drops the call-frame information of the stubs it leaves in place: libLLVM of Rust 1.95.
    // A stub has no frame: its caller's address is on top of the stack. Believed if there are rules
    // for that caller.
    std::optional<std::uint64_t> caller_of_stub(std::uint32_t generation, const WalkedFrame& stub,
                                                const StackMemory& stack) {
        const auto caller = stack.read_u64(stub.sp.value);
        const Svma pc{stub.frame.offset};
        if (!caller || !places.read_code(stub.frame.module, pc, x86_64::is_stub))
            return std::nullopt;
        return places.look_up(*caller - 1, generation).rule ? caller : std::nullopt;
    }

    [[nodiscard]] WalkResult result(StopReason reason) const {
        return {reason, followed, analysed, static_cast<std::uint32_t>(shared)};
    }

    std::optional<bool> is_behind_call(std::uint32_t generation, std::uint64_t pc);
    StepStatus follow_inferred(std::uint32_t generation, const KnownPc& at, FrameKind kind,
                               const StackMemory& stack, RegisterFile& registers);
    bool is_anothers_frame(std::uint32_t generation, const KnownPc& at, std::uint64_t returns_to,
                           const StackMemory& stack, const RegisterFile& registers);
    bool is_called(std::uint32_t generation, std::uint64_t callee, std::uint64_t returns_to,
                   x86_64::CallTrust trust);
    bool follow_frame_pointer(std::uint32_t generation, FrameKind kind, const KnownPc& at,
                              const StackMemory& stack, RegisterFile& registers);
    StopReason walk(std::uint32_t generation, const RegisterFile& registers, FrameKind kind,
                    const StackMemory& stack, WalkTrail* trail, std::vector<WalkedFrame>& frames);
    std::size_t meet(const WalkTrail& trail, std::size_t& outer, const StackWords& stack) const;
    void push_step(std::uint64_t pc, std::uint64_t sp, std::uint64_t fp, bool has_fp,
                   std::uint8_t fp_distance) {
        WalkTrail::Step& step = append(steps);
        step.pc = pc;
        step.sp = sp;
        step.fp = fp;
        step.has_fp = has_fp;
        step.fp_distance = fp_distance;
    }
    void leave_trail(std::uint32_t generation, WalkTrail& trail);
    struct Passing {
        bool goes_on = false;
        std::optional<StopReason> end;  // if not: of walk_briefly()
    };
    Passing pass_without_rule(std::uint32_t generation, FrameKind kind, const KnownPc& place,
                              const StackMemory& stack, bool leaves_trail,
                              BriefRegisters& registers);
    bool believe_inferred(std::uint32_t generation, std::uint64_t returns_to, bool leaves_trail);
    StopReason walk_fully(std::uint32_t generation, const RegisterFile& innermost, FrameKind kind,
                          const StackMemory& stack, std::vector<WalkedFrame>& frames);
    std::optional<StopReason> walk_briefly(std::uint32_t generation, const RegisterFile& registers,
                                           FrameKind kind, const StackMemory& stack,
                                           const WalkTrail* trail,
                                           std::vector<WalkedFrame>& frames);
    bool step_past_rule(std::uint32_t generation, const KnownPc& place,
                        const RegisterFile& innermost, std::size_t depth, const StackMemory& stack,
                        RegisterFile& registers);
    StepStatus slow_step(const KnownPc& at, FrameKind kind, const StackMemory& stack,
                         RegisterFile& registers);

    CodeWords provider;
    WalkLimits limits;
    KnownPlaces places;
    Prefetcher ahead;
    std::uint32_t followed = 0;  // frame pointers, in this walk
    std::uint32_t analysed = 0;  // inferred rules, in this walk

    // Of the brief walk under way: its steps, innermost first, how it ended, and how many frames of
    // the trail it met go on where it stopped.
    std::vector<WalkTrail::Step> steps;
    std::optional<std::uint64_t> end_word;
    std::size_t shared = 0;
    std::size_t unshared = 0;  // of `steps`, which others must not share
};

// Whether the call before `returns_to` led to the pc `callee`, in a function that keeps a frame
// pointer.
bool StackWalker::State::is_called(std::uint32_t generation, std::uint64_t callee,
                                   std::uint64_t returns_to, x86_64::CallTrust trust) {
    const KnownPc caller = places.look_up(returns_to - 1, generation);
    if (caller.stop == StopReason::no_mapping) return false;
    if (limits.trust_frame_pointers) trust = x86_64::CallTrust::any;
    return x86_64::may_have_called(provider, {caller.module, caller.bias, returns_to}, callee,
                                   trust);
}

// Whether the stack shows that rbp belongs to a caller of the frame at `at`.
bool StackWalker::State::is_anothers_frame(std::uint32_t generation, const KnownPc& at,
                                           std::uint64_t returns_to, const StackMemory& stack,
                                           const RegisterFile& registers) {
    const KnownPc caller = places.look_up(returns_to - 1, generation);
    const auto is_anothers = x86_64::is_nearer_called(
        provider, {caller.module, caller.bias, returns_to}, {at.module, at.bias, registers[abi.pc]},
        stack, registers[abi.stack_pointer], registers[x86_64::rbp]);
    if (is_anothers) unshared = steps.size();
    return is_anothers.value_or(false);
}

// To the caller of the frame at `at`, for which there is no rule. False, with `registers`
// untouched, if the frame pointer is not believed.
bool StackWalker::State::follow_frame_pointer(std::uint32_t generation, FrameKind kind,
                                              const KnownPc& at, const StackMemory& stack,
                                              RegisterFile& registers) {
    if (!registers.has(x86_64::rbp) || !registers.has(abi.stack_pointer)) return false;
    const std::uint64_t pc = registers[abi.pc], sp = registers[abi.stack_pointer];
    const std::uint64_t fp = registers[x86_64::rbp];
    x86_64::FrameState state = x86_64::FrameState::made;
    // Who calls has made the frame that it makes. Of what is called by a stub, whose symbol is
    // known, that is known already.
    x86_64::CallTrust trust = at.keeps_fp ? x86_64::CallTrust::any : x86_64::CallTrust::nameless;
    if (kind == FrameKind::exact) {
        trust = x86_64::CallTrust::unknown;
        const Svma svma{pc - at.bias};
        if (places.read_code(at.module, svma, x86_64::is_stub)) return false;  // keeps none
        const auto code = provider.read_word(at.module, svma);
        if (code) state = x86_64::frame_state({*code, 0});
        if (state == x86_64::FrameState::made) {
            trust = code ? x86_64::CallTrust::named : x86_64::CallTrust::named_or_lost;
        }
    }
    if (state == x86_64::FrameState::made && at.keeps_none) return false;
    std::optional<x86_64::FramePointerCaller> caller;
    if (state == x86_64::FrameState::none) {
        if (const auto top = stack.read_u64(sp)) caller = {*top, sp + sizeof *top, fp};
    } else {
        const bool made = state == x86_64::FrameState::made;
        caller = x86_64::caller_by_frame_pointer(stack, sp, made ? fp : sp);
    }
    if (!caller || !is_called(generation, pc, caller->pc, trust)) return false;
    const bool is_sure = trust == x86_64::CallTrust::any || limits.trust_frame_pointers;
    if (state == x86_64::FrameState::made && !is_sure &&
        is_anothers_frame(generation, at, caller->pc, stack, registers)) {
        return false;
    }
    registers.keep_only(0);  // what else such code keeps, nobody knows
    registers.set(x86_64::rbp, caller->fp);
    registers.set(abi.stack_pointer, caller->sp);
    registers.set(abi.pc, caller->pc);
    ++followed;
    return true;
}

// Whether a call may return to `pc`; nothing if the code before it cannot be read.
std::optional<bool> StackWalker::State::is_behind_call(std::uint32_t generation, std::uint64_t pc) {
    const KnownPc& caller = places.look_up(pc - 1, generation);
    if (caller.stop == StopReason::no_mapping) return false;
    // Go puts goexit's second instruction there; the kernel, where a handler returns to.
    if (caller.is_bottom || (caller.rule && caller.rule->signal_frame)) return true;
    const auto code = provider.read_word(caller.module, Svma{pc - caller.bias - 8});
    if (!code) return std::nullopt;
    return x86_64::call_before(*code).kind != x86_64::CallBefore::no_call;
}

// To the caller, as the code that runs there suggests. Not ok, with `registers` untouched, if that
// leads to where no call returns.
StepStatus StackWalker::State::follow_inferred(std::uint32_t generation, const KnownPc& at,
                                               FrameKind kind, const StackMemory& stack,
                                               RegisterFile& registers) {
    RegisterFile caller = registers;
    const FrameMemory memory(stack, &provider, at.module, at.bias);
    const StepStatus status = step(*at.inferred, abi, memory, caller);
    if (status != StepStatus::ok) return status;
    const bool rises =
        kind == FrameKind::exact || caller[abi.stack_pointer] > registers[abi.stack_pointer];
    if (!rises || !is_behind_call(generation, caller[abi.pc]).value_or(true)) {
        return StepStatus::unsupported;
    }
    registers = caller;
    ++analysed;
    return StepStatus::ok;
}

// To the caller, where the rule counts from a register that calls do not preserve: OpenSSL's
// AES-GCM keeps its CFA in rax over calls of parts of its own, which leave that alone. So what the
// innermost frame has there is tried for its caller, and else what the caller's code suggests.
bool StackWalker::State::step_past_rule(std::uint32_t generation, const KnownPc& place,
                                        const RegisterFile& innermost, std::size_t depth,
                                        const StackMemory& stack, RegisterFile& registers) {
    KnownPc at = place;  // other look-ups may take its place
    const RegisterRule& cfa = at.rule->cfa;
    const UnwindTable* table = places.spans.find(at.lookup).code.table;
    if (cfa.kind != RuleKind::in_register || registers.has(cfa.source) || table == nullptr) {
        return false;
    }
    constexpr std::size_t called_by_innermost = 2;
    if (depth == called_by_innermost && innermost.has(cfa.source)) {
        RegisterFile caller = registers;
        caller.set(cfa.source, innermost[cfa.source]);
        const FrameMemory memory(stack, &provider, at.module, at.bias);
        if (step(*at.rule, abi, memory, caller) == StepStatus::ok &&
            caller[abi.stack_pointer] > registers[abi.stack_pointer] &&
            is_behind_call(generation, caller[abi.pc]).value_or(false)) {
            registers = caller;
            return true;
        }
    }
    if (!limits.analyse_code) return false;
    std::optional<FunctionRange> function;
    const Svma pc{at.lookup - at.bias};
    if (const auto fde = table->fde_range(pc)) function = {fde->start, fde->end};
    at.inferred = places.inferred.find(at.module, pc, function);
    return at.inferred && follow_inferred(generation, at, FrameKind::return_address, stack,
                                          registers) == StepStatus::ok;
}

StepStatus StackWalker::State::slow_step(const KnownPc& at, FrameKind kind,
                                         const StackMemory& stack, RegisterFile& registers) {
    const FrameMemory memory(stack, &provider, at.module, at.bias);
    bool returning = false;
    if (kind == FrameKind::exact) {
        returning =
            places.read_code(at.module, Svma{registers[abi.pc] - at.bias}, x86_64::is_epilogue);
    }
    return step(*at.rule, abi, memory, registers, returning);
}

// Appends to `frames`, beginning with one of this kind.
StopReason StackWalker::State::walk(std::uint32_t generation, const RegisterFile& registers,
                                    FrameKind kind, const StackMemory& stack, WalkTrail* trail,
                                    std::vector<WalkedFrame>& frames) {
    places.make_room();
    const std::size_t frames_before = frames.size();
    const std::uint32_t followed_before = followed, analysed_before = analysed;
    const auto reason = walk_briefly(generation, registers, kind, stack, trail, frames);
    if (trail && reason == StopReason::complete) {
        leave_trail(generation, *trail);
    } else if (trail) {
        trail->clear();
    }
    if (reason) return *reason;
    frames.resize(frames_before);
    followed = followed_before;
    analysed = analysed_before;
    return walk_fully(generation, registers, kind, stack, frames);
}

// How many frames of the trail, its outermost, go on from the one at `outer`, at which the walk is;
// 0: the stack has changed since. `outer` becomes how many of them may still be met.
std::size_t StackWalker::State::meet(const WalkTrail& trail, std::size_t& outer,
                                     const StackWords& stack) const {
    if (steps.size() + outer > limits.max_frames) return 0;
    const auto left = trail.leaves(outer - 1, stack);
    if (!left) return outer;
    outer = *left;
    return 0;
}

void StackWalker::State::leave_trail(std::uint32_t generation, WalkTrail& trail) {
    if (shared == 0) trail.end_word = end_word;
    trail.generation = generation;
    trail.steps.resize(shared);
    const auto innermost = steps.rend() - static_cast<std::ptrdiff_t>(unshared);
    trail.steps.insert(trail.steps.end(), steps.rbegin(), innermost);
    if (analysed + followed == 0) return;
    WalkTrail::Step outer = shared != 0 ? trail.steps[shared - 1] : WalkTrail::Step{};
    for (std::size_t at = shared; at < trail.steps.size(); ++at) {
        trail.steps[at].analysed += outer.analysed;
        trail.steps[at].followed += outer.followed;
        outer = trail.steps[at];
    }
}

// To the caller of the frame at `at`, which has no rule to be followed briefly. Not part of
// walk_briefly(), so that the compiler makes that of the usual frames.
[[gnu::noinline]] StackWalker::State::Passing StackWalker::State::pass_without_rule(
    std::uint32_t generation, FrameKind kind, const KnownPc& place, const StackMemory& stack,
    bool leaves_trail, BriefRegisters& registers) {
    const KnownPc at = place;  // other look-ups may take its place
    if (at.is_bottom && kind == FrameKind::return_address) return {false, at.stop};
    if (at.rule || at.inferred) return {};
    if (!at.may_keep_fp) return {false, at.stop};
    RegisterFile known;
    known.set(abi.pc, registers.pc);
    known.set(abi.stack_pointer, registers.sp);
    if (registers.has_fp) known.set(x86_64::rbp, registers.fp);
    if (!follow_frame_pointer(generation, kind, at, stack, known)) return {false, at.stop};
    registers = {known[abi.pc], known[abi.stack_pointer], known[x86_64::rbp], true};
    if (leaves_trail) {
        steps.back().fp_distance = 2;
        steps.back().followed = 1;
    }
    return {true, {}};
}

// Whether what was inferred of the last frame's code led to where a call returns.
[[gnu::noinline]] bool StackWalker::State::believe_inferred(std::uint32_t generation,
                                                            std::uint64_t returns_to,
                                                            bool leaves_trail) {
    if (!is_behind_call(generation, returns_to).value_or(true)) return false;
    ++analysed;
    if (leaves_trail) steps.back().analysed = 1;
    return true;
}

StopReason StackWalker::State::walk_fully(std::uint32_t generation, const RegisterFile& innermost,
                                          FrameKind kind, const StackMemory& stack,
                                          std::vector<WalkedFrame>& frames) {
    RegisterFile registers = innermost;
    for (;;) {
        const std::uint64_t pc = registers[abi.pc];
        const std::uint64_t sp =
            registers.has(abi.stack_pointer) ? registers[abi.stack_pointer] : 0;
        const KnownPc& at = places.look_up_frame(pc, kind, generation);
        push_frame(frames, at, kind, pc, sp);
        if (at.is_bottom && kind == FrameKind::return_address) return at.stop;
        if (!at.rule) {
            const KnownPc here = at;  // other look-ups may take its place
            StepStatus status = StepStatus::unsupported;
            if (here.inferred) status = follow_inferred(generation, here, kind, stack, registers);
            if (status == StepStatus::truncated) return StopReason::truncated;
            if (status != StepStatus::ok &&
                (!here.may_keep_fp ||
                 !follow_frame_pointer(generation, kind, here, stack, registers))) {
                return here.stop;
            }
            if (frames.size() >= limits.max_frames) return StopReason::frame_limit;
            kind = FrameKind::return_address;
            continue;
        }

        const FastRule& fast = at.rule->fast;
        if (!fast.usable() || !x86_64::fast_step(fast, stack, registers)) {
            const StepStatus status = slow_step(at, kind, stack, registers);
            if (status == StepStatus::bad_memory && frames.size() < limits.max_frames &&
                step_past_rule(generation, at, innermost, frames.size(), stack, registers)) {
                kind = FrameKind::return_address;
                continue;
            }
            if (status != StepStatus::ok) return stop_reason_of(status);
        }
        if (registers[abi.pc] == 0) return StopReason::complete;
        if (frames.size() >= limits.max_frames) return StopReason::frame_limit;

        // The stack grows down, so callers lie higher. Not so where a signal came: its handler may
        // run on a stack of its own. The innermost frame may be one that pushed nothing.
        const bool interrupted = at.rule->signal_frame;
        if (!interrupted && frames.size() > 1 && registers[abi.stack_pointer] <= sp) {
            return StopReason::no_progress;
        }
        kind = interrupted ? FrameKind::exact : FrameKind::return_address;
    }
}

// As walk_fully(), for stacks whose CFAs are counted from the stack or frame pointer throughout, or
// whose frames without a rule keep the latter: only those two registers are followed, for a quarter
// of the instructions. Nothing, and `frames` to be thrown away, if a frame turns out to need more
// (a signal's, one with a realigned stack). Flattened: as large as this is, gcc would rather call
// for every new element.
[[gnu::flatten]] std::optional<StopReason> StackWalker::State::walk_briefly(
    std::uint32_t generation, const RegisterFile& registers, FrameKind kind,
    const StackMemory& stack, const WalkTrail* trail, std::vector<WalkedFrame>& frames) {
    constexpr std::uint64_t word = StackWords::word;
    const StackWords words(stack);
    steps.clear();
    end_word.reset();
    shared = unshared = 0;
    // The trail's innermost frame was no call's.
    const bool may_meet = trail && trail->generation == generation && !trail->steps.empty();
    std::size_t outer = may_meet ? trail->steps.size() - 1 : 0;

    std::uint64_t pc = registers[abi.pc], sp = registers[abi.stack_pointer], fp = 0;
    bool has_fp = registers.has(x86_64::rbp);
    if (has_fp) fp = registers[x86_64::rbp];
    for (std::size_t count = frames.size() + 1;; ++count) {
        ahead.ask_more();
        if (kind == FrameKind::return_address) {
            while (outer != 0 && trail->steps[outer - 1].sp < sp) --outer;
            if (outer != 0 && trail->steps[outer - 1].is_at(pc, sp, fp, has_fp)) {
                shared = meet(*trail, outer, words);
                if (shared != 0) {
                    analysed += trail->steps[shared - 1].analysed;
                    followed += trail->steps[shared - 1].followed;
                    return StopReason::complete;
                }
            }
        }
        const KnownPc& at = places.look_up_frame(pc, kind, generation);
        push_frame(frames, at, kind, pc, sp);
        if (trail) push_step(pc, sp, fp, has_fp, at.brief.fp_distance);
        const bool has_rule = at.rule != nullptr;
        std::uint64_t cfa = static_cast<std::uint64_t>(std::int64_t{at.cfa_offset});
        if (at.brief.kind == ShortRule::from_sp) {
            cfa += sp;
        } else if (at.brief.kind == ShortRule::from_fp && has_fp) {
            cfa += fp;
        } else if (at.brief.kind == ShortRule::no_caller) {
            return StopReason::complete;
        } else {
            BriefRegisters caller{pc, sp, fp, has_fp};
            const Passing passing =
                pass_without_rule(generation, kind, at, stack, trail != nullptr, caller);
            if (!passing.goes_on) return passing.end;
            if (count >= limits.max_frames) return StopReason::frame_limit;
            pc = caller.pc;
            sp = caller.sp;
            fp = caller.fp;
            has_fp = true;
            kind = FrameKind::return_address;
            continue;
        }
        if (!words.covers(cfa - word)) {
            const EvalStatus status =
                FrameMemory(stack, &provider, at.module, at.bias).read(cfa - word).status;
            if (status == EvalStatus::truncated) return StopReason::truncated;
            if (status == EvalStatus::bad_memory && has_rule) return StopReason::bad_memory;
            return std::nullopt;
        }
        if (at.brief.fp_distance != 0) {
            const std::uint64_t saved = cfa - at.brief.fp_distance * word;
            if (!words.covers(saved)) return std::nullopt;
            fp = words.at(saved);
            has_fp = true;
        }
        pc = words.at(cfa - word);
        if (!has_rule) {
            const bool rises = kind == FrameKind::exact || cfa > sp;
            if (!rises || !believe_inferred(generation, pc, trail != nullptr)) return std::nullopt;
        }
        if (pc == 0) {
            end_word = cfa - word;
            return StopReason::complete;
        }
        if (count >= limits.max_frames) return StopReason::frame_limit;
        if (count > 1 && cfa <= sp) return StopReason::no_progress;
        sp = cfa;
        kind = FrameKind::return_address;
    }
}

StackWalker::StackWalker(ModuleProvider& provider, WalkLimits limits, FrameTable* frames)
    : state_(std::make_unique<State>(provider, limits, frames)) {}
StackWalker::~StackWalker() = default;
StackWalker::StackWalker(StackWalker&&) noexcept = default;

WalkResult StackWalker::walk(const AddressSpace& space, EventTime when,
                             const RegisterFile& registers, const StackMemory& stack,
                             std::vector<WalkedFrame>& frames, WalkTrail* trail) {
    frames.clear();
    const auto without_trail = [trail](StopReason reason) {
        if (trail) trail->clear();
        return WalkResult{reason};
    };
    if (registers.abi() == TaskAbi::unsupported) return without_trail(StopReason::unsupported_abi);
    const auto [pc_place, sp_place] = places_of(registers);
    if (!registers.has(pc_place)) return without_trail(StopReason::no_registers);
    const std::uint32_t generation = state_->places.spans.select(space, when);
    if (stack.empty() || !registers.has(sp_place)) {
        const Avma pc{registers[pc_place]};
        const Avma sp{registers.has(sp_place) ? registers[sp_place] : 0};
        frames.push_back({resolve(space, when, pc, FrameKind::exact), pc, sp});
        return without_trail(StopReason::no_registers);
    }
    if (registers.abi() != TaskAbi::x86_64) {
        return without_trail(walk_by_rules(state_->places.spans, state_->provider, registers, stack,
                                           state_->limits.max_frames, frames));
    }
    state_->followed = state_->analysed = 0;
    const StopReason reason =
        state_->walk(generation, registers, FrameKind::exact, stack, trail, frames);
    if (reason != StopReason::no_cfi || frames.size() != 1) return state_->result(reason);
    const auto caller = state_->caller_of_stub(generation, frames.front(), stack);
    if (!caller) return state_->result(reason);
    RegisterFile above = registers;
    above.keep_only(abi.callee_saved);
    above.set(abi.stack_pointer, frames.front().sp.value + sizeof *caller);
    above.set(abi.pc, *caller);
    const StopReason outer =
        state_->walk(generation, above, FrameKind::return_address, stack, nullptr, frames);
    return state_->result(outer);
}

StopReason StackWalker::follow_chain(const AddressSpace& space, EventTime when,
                                     const RegisterFile& registers, const StackMemory& stack,
                                     std::span<const std::uint64_t> chain, StopReason reason,
                                     std::vector<WalkedFrame>& frames) {
    if (frames.empty()) {
        FrameKind kind = FrameKind::exact;
        for (const std::uint64_t pc : chain) {
            frames.push_back({resolve(space, when, Avma{pc}, kind), Avma{pc}, {}});
            kind = FrameKind::return_address;
        }
        return StopReason::recorded;
    }
    if (registers.abi() != TaskAbi::x86_64) return reason;
    state_->places.spans.select(space, when);
    return follow_recorded_chain(state_->places.spans, state_->provider,
                                 {chain, registers, stack, state_->limits}, reason, frames);
}

Frame StackWalker::resolve(const AddressSpace& space, EventTime when, Avma address,
                           FrameKind kind) {
    state_->places.spans.select(space, when);
    const std::uint64_t lookup =
        kind == FrameKind::return_address ? address.value - 1 : address.value;
    const CodeMapping& code = state_->places.spans.find(lookup).code;
    return {code.module, kind, address.value - code.bias};
}

void StackWalker::prefetch(ByteView bytes, std::size_t at_once) {
    state_->ahead.begin(bytes, at_once);
}

void StackWalker::forget_spaces() { state_->places.spans.clear(); }

void StackWalker::forget_numbers() { state_->places.forget_numbers(); }

}  // namespace fgread
