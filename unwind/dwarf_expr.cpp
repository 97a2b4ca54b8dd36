#include "unwind/dwarf_expr.h"

#include <array>

#include "unwind/dwarf_constants.h"

namespace fgread {
namespace {

using namespace dwarf;

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

class Machine {
public:
    Machine(ByteView expression, const RegisterFile& registers, const FrameMemory& memory)
        : reader_(expression, memory.endian()),
          size_(expression.size()),
          registers_(registers),
          memory_(memory) {}

    void push(std::uint64_t value) {
        if (depth_ == stack_.size()) return fail(EvalStatus::unsupported);
        stack_[depth_++] = value;
    }

    EvalResult run() {
        for (unsigned steps = 0; !reader_.at_end() && running(); ++steps) {
            if (steps == max_expression_steps) fail(EvalStatus::unsupported);
            execute(reader_.u8());
            if (!reader_.ok()) fail(EvalStatus::unsupported);
        }
        if (depth_ == 0) fail(EvalStatus::unsupported);
        return running() ? EvalResult{stack_[depth_ - 1]} : EvalResult{0, status_};
    }

private:
    [[nodiscard]] bool running() const { return status_ == EvalStatus::ok; }

    void fail(EvalStatus status) {
        if (running()) status_ = status;
    }

    std::uint64_t pop() {
        if (depth_ == 0) {
            fail(EvalStatus::unsupported);
            return 0;
        }
        return stack_[--depth_];
    }

    // A copy of the slot `down` places below the top.
    void pick(std::size_t down) {
        if (down >= depth_) return fail(EvalStatus::unsupported);
        push(stack_[depth_ - 1 - down]);
    }

    void push_register(std::uint64_t reg, std::int64_t offset) {
        const unsigned place = memory_.words().numbers.place_of(reg);
        if (!registers_.has(place)) return fail(EvalStatus::bad_memory);
        push(registers_[place] + as_unsigned(offset));
    }

    void dereference(unsigned size) {
        if (size < 1 || size > 8) return fail(EvalStatus::unsupported);
        const std::uint64_t address = pop();
        if (!running()) return;
        const EvalResult result = memory_.read(address, size);
        if (!result.ok()) return fail(result.status);
        push(result.value);
    }

    void jump(std::int16_t distance) {
        const auto target = static_cast<std::int64_t>(reader_.position()) + distance;
        if (target < 0 || target > static_cast<std::int64_t>(size_)) {
            return fail(EvalStatus::unsupported);
        }
        reader_.seek(static_cast<std::uint64_t>(target));
    }

    void execute(std::uint8_t op) {
        if (op >= op_lit0 && op <= op_lit31) return push(op - op_lit0);
        if (op >= op_breg0 && op <= op_breg31) {
            return push_register(op - op_breg0, reader_.sleb128());
        }
        if (op >= op_const1u && op <= op_consts) return push_constant(op);
        if (op >= op_dup && op <= op_rot) return move_slots(op);
        if (op >= op_and && op <= op_xor && op != op_neg && op != op_not && op != op_plus_uconst) {
            return combine(op);
        }
        if (op >= op_eq && op <= op_ne) return compare(op);
        execute_other(op);
    }

    void execute_other(std::uint8_t op) {
        const unsigned word = memory_.words().size;
        switch (op) {
            case op_addr:  // an SVMA
                return push((word == 4 ? reader_.u32() : reader_.u64()) + memory_.bias());
            case op_deref:
                return dereference(word);
            case op_deref_size:
                return dereference(reader_.u8());
            case op_bregx: {
                const std::uint64_t reg = reader_.uleb128();
                return push_register(reg, reader_.sleb128());
            }
            case op_plus_uconst:
                return push(pop() + reader_.uleb128());
            case op_abs: {
                const std::uint64_t value = pop();
                return push(as_signed(value) < 0 ? 0 - value : value);
            }
            case op_neg:
                return push(0 - pop());
            case op_not:
                return push(~pop());
            case op_skip:
                return jump(reader_.read<std::int16_t>());
            case op_bra: {
                const auto distance = reader_.read<std::int16_t>();
                if (pop() != 0) jump(distance);
                return;
            }
            case op_nop:
                return;
            default:
                fail(EvalStatus::unsupported);
        }
    }

    void push_constant(std::uint8_t op) {
        switch (op) {
            case op_const1u:
                return push(reader_.u8());
            case op_const1s:
                return push(as_unsigned(reader_.read<std::int8_t>()));
            case op_const2u:
                return push(reader_.u16());
            case op_const2s:
                return push(as_unsigned(reader_.read<std::int16_t>()));
            case op_const4u:
                return push(reader_.u32());
            case op_const4s:
                return push(as_unsigned(reader_.i32()));
            case op_const8u:
            case op_const8s:
                return push(reader_.u64());
            case op_constu:
                return push(reader_.uleb128());
            default:
                return push(as_unsigned(reader_.sleb128()));
        }
    }

    void move_slots(std::uint8_t op) {
        switch (op) {
            case op_dup:
                return pick(0);
            case op_drop:
                (void)pop();
                return;
            case op_over:
                return pick(1);
            case op_pick:
                return pick(reader_.u8());
            case op_swap: {
                const std::uint64_t top = pop(), second = pop();
                push(top);
                return push(second);
            }
            default: {  // rot: the top goes below the next two
                const std::uint64_t top = pop(), second = pop(), third = pop();
                push(top);
                push(third);
                return push(second);
            }
        }
    }

    void combine(std::uint8_t op) {
        const std::uint64_t right = pop(), left = pop();
        switch (op) {
            case op_and:
                return push(left & right);
            case op_div:
                return divide(left, right);
            case op_minus:
                return push(left - right);
            case op_mod:
                return right == 0 ? fail(EvalStatus::unsupported) : push(left % right);
            case op_mul:
                return push(left * right);
            case op_or:
                return push(left | right);
            case op_plus:
                return push(left + right);
            case op_shl:
                return push(right < 64 ? left << right : 0);
            case op_shr:
                return push(right < 64 ? left >> right : 0);
            case op_shra:
                return push(as_unsigned(as_signed(left) >> (right < 64 ? right : 63)));
            default:
                return push(left ^ right);
        }
    }

    // Signed; the one quotient that does not fit wraps, as the addition and subtraction do.
    void divide(std::uint64_t left, std::uint64_t right) {
        if (right == 0) return fail(EvalStatus::unsupported);
        if (as_signed(right) == -1) return push(0 - left);
        push(as_unsigned(as_signed(left) / as_signed(right)));
    }

    void compare(std::uint8_t op) {
        const std::int64_t right = as_signed(pop()), left = as_signed(pop());
        switch (op) {
            case op_eq:
                return push(left == right);
            case op_ge:
                return push(left >= right);
            case op_gt:
                return push(left > right);
            case op_le:
                return push(left <= right);
            case op_lt:
                return push(left < right);
            default:
                return push(left != right);
        }
    }

    ByteReader reader_;
    std::size_t size_;
    const RegisterFile& registers_;
    const FrameMemory& memory_;
    std::array<std::uint64_t, max_expression_stack> stack_;  // the first depth_ are set
    std::size_t depth_ = 0;
    EvalStatus status_ = EvalStatus::ok;
};

}  // namespace

EvalResult evaluate_expression(ByteView expression, const RegisterFile& registers,
                               const FrameMemory& memory, std::optional<std::uint64_t> initial) {
    Machine machine(expression, registers, memory);
    if (initial) machine.push(*initial);
    return machine.run();
}

}  // namespace fgread
