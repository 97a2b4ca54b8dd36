#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "unwind/function_analysis.h"
#include "unwind/x86_64.h"

using namespace fgread;
using namespace fgread::x86_64;

namespace {

// A function's bytes, by instruction; at(n) is where instruction n begins.
class Code {
public:
    Code& add(std::initializer_list<unsigned> bytes) {
        starts_.push_back(bytes_.size());
        for (const unsigned byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
        return *this;
    }
    [[nodiscard]] std::uint64_t at(std::size_t number) const { return starts_[number]; }
    [[nodiscard]] ByteView view() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
    std::vector<std::size_t> starts_;
};

constexpr std::uint64_t address = 0x401000;

AnalysedFunction analyse(const Code& code, bool is_end_known = true) {
    const auto decoder = X86Decoder::open();
    REQUIRE(decoder);
    return analyse_function(*decoder, code.view(), address, is_end_known);
}

void check_cfa(const AnalysedFunction& function, std::uint64_t offset, unsigned reg,
               std::int64_t distance) {
    CAPTURE(offset);
    const UnwindRule* rule = function.find(offset);
    REQUIRE(rule);
    CHECK(rule->cfa.kind == RuleKind::in_register);
    CHECK(rule->cfa.source == reg);
    CHECK(rule->cfa.offset == distance);
    CHECK(rule->rule_of(return_address) == RegisterRule{RuleKind::at_cfa, 0, -8, {}});
}

}  // namespace

TEST_CASE("prologue, body and epilogue of a function without a frame pointer") {
    Code code;
    code.add({0x41, 0x54})                    // 0 push %r12
        .add({0x53})                          // 1 push %rbx
        .add({0x48, 0x83, 0xec, 0x28})        // 2 sub $0x28, %rsp
        .add({0x31, 0xdb})                    // 3 xor %ebx, %ebx
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 4 call elsewhere
        .add({0x48, 0x83, 0xc4, 0x28})        // 5 add $0x28, %rsp
        .add({0x5b})                          // 6 pop %rbx
        .add({0x41, 0x5c})                    // 7 pop %r12
        .add({0xc3});                         // 8 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(0), rsp, 8);
    check_cfa(function, code.at(1), rsp, 16);
    check_cfa(function, code.at(2), rsp, 24);
    check_cfa(function, code.at(3), rsp, 64);
    check_cfa(function, code.at(4), rsp, 64);
    check_cfa(function, code.at(5) - 1, rsp, 64);  // a return address, lowered
    check_cfa(function, code.at(6), rsp, 24);
    check_cfa(function, code.at(7), rsp, 16);
    check_cfa(function, code.at(8), rsp, 8);
    // rbx keeps its value until it gets another one, and is back after the pop.
    CHECK(function.find(code.at(3))->rule_of(rbx).kind == RuleKind::unspecified);
    CHECK(function.find(code.at(4))->rule_of(rbx) == RegisterRule{RuleKind::at_cfa, 0, -24, {}});
    CHECK(function.find(code.at(7))->rule_of(rbx).kind == RuleKind::unspecified);
    CHECK(function.find(code.at(4))->fast.usable());
}

TEST_CASE("a frame pointer is preferred, whatever becomes of the stack pointer") {
    Code code;
    code.add({0x55})                          // 0 push %rbp
        .add({0x48, 0x89, 0xe5})              // 1 mov %rsp, %rbp
        .add({0x48, 0x29, 0xc4})              // 2 sub %rax, %rsp: alloca
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 3 call elsewhere
        .add({0xc9})                          // 4 leave
        .add({0xc3});                         // 5 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(1), rsp, 16);
    check_cfa(function, code.at(2), rbp, 16);
    check_cfa(function, code.at(3), rbp, 16);
    CHECK(function.find(code.at(3))->rule_of(rbp) == RegisterRule{RuleKind::at_cfa, 0, -16, {}});
    check_cfa(function, code.at(5), rsp, 8);
}

TEST_CASE("what an early return pops is still there behind it") {
    Code code;
    code.add({0x53})        // 0 push %rbx
        .add({0x85, 0xff})  // 1 test %edi, %edi
        .add({0x74, 0x02})  // 2 je 5
        .add({0x5b})        // 3 pop %rbx
        .add({0xc3})        // 4 ret
        .add({0x90})        // 5 nop
        .add({0x5b})        // 6 pop %rbx
        .add({0xc3});       // 7 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(4), rsp, 8);
    check_cfa(function, code.at(5), rsp, 16);
    check_cfa(function, code.at(7), rsp, 8);
}

TEST_CASE("behind a call that does not come back stands somebody else's code") {
    Code code;
    code.add({0x85, 0xff})                    // 0 test %edi, %edi
        .add({0x74, 0x0a})                    // 1 je 5
        .add({0x48, 0x83, 0xec, 0x18})        // 2 sub $0x18, %rsp
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 3 call abort
        .add({0x90})                          // 4 nop
        .add({0x53})                          // 5 push %rbx
        .add({0x5b})                          // 6 pop %rbx
        .add({0xc3});                         // 7 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(3), rsp, 32);
    check_cfa(function, code.at(5), rsp, 8);
    check_cfa(function, code.at(6), rsp, 16);
}

TEST_CASE("where the end is not known, a call before padding or a prologue is the end") {
    Code code;
    code.add({0x48, 0x83, 0xec, 0x38})         // 0 sub $0x38, %rsp
        .add({0xe8, 0x00, 0x10, 0x00, 0x00});  // 1 call __stack_chk_fail
    SUBCASE("padding up to where functions begin") {
        code.add({0x0f, 0x1f, 0x80, 0, 0, 0, 0})  // 2 nop
            .add({0x31, 0xc0});                   // 3 xor %eax, %eax
    }
    SUBCASE("a prologue that begins there") {
        code = Code();
        code.add({0x48, 0x81, 0xec, 0x38, 0, 0, 0})  // 0 sub $0x38, %rsp
            .add({0xe8, 0x00, 0x10, 0x00, 0x00})     // 1
            .add({0xe8, 0x00, 0x10, 0x00, 0x00})     // 2 up to 17
            .add({0x53});                            // 3
        // Not at 16: the call comes back as any other.
        CHECK(analyse(code, false).find(code.at(3)) != nullptr);
        code = Code();
        code.add({0x48, 0x81, 0xec, 0x38, 0, 0, 0})  // 0 sub $0x38, %rsp
            .add({0x48, 0x83, 0xc0, 0x01})           // 1 add $1, %rax
            .add({0xe8, 0x00, 0x10, 0x00, 0x00})     // 2 call, up to 16
            .add({0x53})                             // 3 push %rbx
            .add({0xc3});
    }
    CHECK(analyse(code, false).find(code.at(1)) != nullptr);
    CHECK(analyse(code, false).find(code.at(3)) == nullptr);
    CHECK(analyse(code, true).find(code.at(3)) != nullptr);
}

TEST_CASE("where the end is not known, a loop behind a call and padding is no other function") {
    Code code;
    code.add({0x48, 0x83, 0xec, 0x38})        // 0 sub $0x38, %rsp
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 1 call
        .add({0x0f, 0x1f, 0x80, 0, 0, 0, 0})  // 2 nop, up to 16
        .add({0xff, 0xcb})                    // 3 dec %ebx
        .add({0x75, 0xfc})                    // 4 jne 3
        .add({0x48, 0x83, 0xc4, 0x38})        // 5 add $0x38, %rsp
        .add({0xc3});                         // 6 ret
    check_cfa(analyse(code, false), code.at(4), rsp, 0x40);
    check_cfa(analyse(code, false), code.at(6), rsp, 8);
}

TEST_CASE("targets of a switch have the frame of its jump, if they are the function's") {
    Code code;
    code.add({0x53})                          // 0 push %rbx
        .add({0x3e, 0xff, 0xe0})              // 1 notrack jmp *%rax
        .add({0x31, 0xc0})                    // 2 xor %eax, %eax
        .add({0x5b})                          // 3 pop %rbx
        .add({0xc3})                          // 4 ret
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 5 call elsewhere
        .add({0x5b})                          // 6 pop %rbx
        .add({0xc3});                         // 7 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(2), rsp, 16);
    check_cfa(function, code.at(4), rsp, 8);
    check_cfa(function, code.at(5), rsp, 16);
    CHECK(analyse(code, false).find(code.at(2)) == nullptr);
    CHECK(analyse(code, false).find(code.at(1)) != nullptr);
}

TEST_CASE("a realigned stack: the CFA is in the frame (DRAP)") {
    Code code;
    code.add({0x4c, 0x8d, 0x54, 0x24, 0x08})  // 0 lea 8(%rsp), %r10
        .add({0x48, 0x83, 0xe4, 0xe0})        // 1 and $-32, %rsp
        .add({0x41, 0xff, 0x72, 0xf8})        // 2 push -8(%r10)
        .add({0x55})                          // 3 push %rbp
        .add({0x48, 0x89, 0xe5})              // 4 mov %rsp, %rbp
        .add({0x41, 0x52})                    // 5 push %r10
        .add({0x48, 0x83, 0xec, 0x48})        // 6 sub $0x48, %rsp
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})  // 7 call elsewhere
        .add({0x4c, 0x8b, 0x55, 0xf8})        // 8 mov -8(%rbp), %r10
        .add({0xc9})                          // 9 leave
        .add({0x49, 0x8d, 0x62, 0xf8})        // 10 lea -8(%r10), %rsp
        .add({0xc3});                         // 11 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(1), rsp, 8);
    check_cfa(function, code.at(3), 10, 0);
    check_cfa(function, code.at(7), 10, 0);
    // Its callers find it in the frame.
    const UnwindRule* rule = function.find(code.at(8) - 1);
    REQUIRE(rule);
    // The word at rbp - 8, plus 0; rbp is saved where rbp points.
    const std::vector<std::byte> cfa{std::byte{0x76}, std::byte{0x78}, std::byte{0x06},
                                     std::byte{0x11}, std::byte{0},    std::byte{0x22}};
    const std::vector<std::byte> saved_rbp{std::byte{0x76}, std::byte{0}};
    CHECK(rule->cfa == RegisterRule{RuleKind::is_expression, 0, 0, cfa});
    CHECK(rule->rule_of(rbp) == RegisterRule{RuleKind::at_expression, 0, 0, saved_rbp});
    check_cfa(function, code.at(10), 10, 0);
    check_cfa(function, code.at(11), rsp, 8);
}

TEST_CASE("a frame probed page by page ends where the loop compares") {
    Code code;
    code.add({0x4c, 0x8d, 0x9c, 0x24, 0x00, 0x00, 0xff, 0xff})  // 0 lea -0x10000(%rsp), %r11
        .add({0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00})        // 1 sub $0x1000, %rsp
        .add({0x48, 0x83, 0x0c, 0x24, 0x00})                    // 2 orq $0, (%rsp)
        .add({0x4c, 0x39, 0xdc})                                // 3 cmp %r11, %rsp
        .add({0x75, 0xef})                                      // 4 jne 1
        .add({0xe8, 0x00, 0x10, 0x00, 0x00})                    // 5 call elsewhere
        .add({0x48, 0x81, 0xc4, 0x00, 0x00, 0x01, 0x00})        // 6 add $0x10000, %rsp
        .add({0xc3});                                           // 7 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(2), 11, 0x10008);
    check_cfa(function, code.at(5), rsp, 0x10008);
    check_cfa(function, code.at(7), rsp, 8);
}

TEST_CASE("on another stack nothing is said") {
    Code code;
    code.add({0x48, 0x89, 0x27})  // 0 mov %rsp, (%rdi)
        .add({0x48, 0x89, 0xf4})  // 1 mov %rsi, %rsp
        .add({0x90})              // 2 nop
        .add({0xc3});             // 3 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(1), rsp, 8);
    CHECK(function.find(code.at(2)) == nullptr);
    CHECK(function.find(code.at(3)) == nullptr);
}

TEST_CASE("paths that disagree about the stack pointer say nothing where they meet") {
    Code code;
    code.add({0x85, 0xff})  // 0 test %edi, %edi
        .add({0x74, 0x01})  // 1 je 3
        .add({0x53})        // 2 push %rbx
        .add({0x90})        // 3 nop
        .add({0xc3});       // 4 ret
    const AnalysedFunction function = analyse(code);
    check_cfa(function, code.at(2), rsp, 8);
    CHECK(function.find(code.at(3)) == nullptr);
}

TEST_CASE("a return address in a register, as in vfork") {
    Code code;
    code.add({0x5f})        // 0 pop %rdi
        .add({0x0f, 0x05})  // 1 syscall
        .add({0x57})        // 2 push %rdi
        .add({0xc3});       // 3 ret
    const AnalysedFunction function = analyse(code);
    const UnwindRule* rule = function.find(code.at(1));
    REQUIRE(rule);
    CHECK(rule->cfa == RegisterRule{RuleKind::in_register, rsp, 0, {}});
    CHECK(rule->rule_of(return_address).kind != RuleKind::undefined);
    check_cfa(function, code.at(3), rsp, 8);
}

TEST_CASE("no code, and bytes that are none") {
    const auto decoder = X86Decoder::open();
    REQUIRE(decoder);
    CHECK(analyse_function(*decoder, {}, address).find(0) == nullptr);
    Code code;
    code.add({0x06}).add({0x06});
    const AnalysedFunction function = analyse(code);
    check_cfa(function, 0, rsp, 8);
    CHECK(function.find(1) == nullptr);
    CHECK(function.find(2) == nullptr);
}
