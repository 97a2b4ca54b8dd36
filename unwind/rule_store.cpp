#include "unwind/rule_store.h"

#include <algorithm>
#include <bit>

#include "unwind/x86_64.h"

namespace fgread {

bool operator==(const RegisterRule& a, const RegisterRule& b) {
    return a.kind == b.kind && a.source == b.source && a.offset == b.offset &&
           std::equal(a.expression.begin(), a.expression.end(), b.expression.begin(),
                      b.expression.end());
}

namespace {

// A power of two. Most modules have 100 to 1,200 rules.
constexpr std::size_t first_slots = 1024;

class Hash {
public:
    void add(std::uint64_t value) { state_ = (std::rotl(state_, 5) ^ value) * 0x9e3779b97f4a7c15u; }
    void add(const RegisterRule& rule) {
        add(static_cast<std::uint64_t>(rule.kind) | std::uint64_t{rule.source} << 8);
        add(static_cast<std::uint64_t>(rule.offset));
        for (const std::byte byte : rule.expression) add(static_cast<std::uint64_t>(byte));
    }
    // The high bits of a product are the well-mixed ones; slots are chosen by the low ones.
    [[nodiscard]] std::uint64_t value() const { return state_ ^ (state_ >> 32); }

private:
    std::uint64_t state_ = 0;
};

template <class Visit>
void for_each_register(const CfaRow& row, Visit visit) {
    for (std::uint64_t left = row.specified(); left != 0; left &= left - 1) {
        const auto reg = static_cast<unsigned>(std::countr_zero(left));
        visit(reg, row[reg]);
    }
}

std::uint64_t hash_of(const CfaRow& row, const Cie& cie) {
    Hash hash;
    hash.add(row.specified());
    hash.add(std::uint64_t{cie.return_address} | std::uint64_t{cie.signal_frame} << 8 |
             std::uint64_t{cie.at_calls_only} << 9);
    hash.add(row.cfa);
    for_each_register(row, [&](unsigned, const RegisterRule& rule) { hash.add(rule); });
    return hash.value();
}

bool same_rule(const UnwindRule& known, const CfaRow& row, const Cie& cie) {
    if (known.return_address != cie.return_address || known.signal_frame != cie.signal_frame ||
        known.at_calls_only != cie.at_calls_only ||
        known.registers.size() != static_cast<std::size_t>(std::popcount(row.specified())) ||
        !(known.cfa == row.cfa)) {
        return false;
    }
    return std::all_of(known.registers.begin(), known.registers.end(), [&](const auto& entry) {
        return row.has(entry.reg) && row[entry.reg] == entry.rule;
    });
}

UnwindRule make_rule(const CfaRow& row, const Cie& cie) {
    UnwindRule rule;
    rule.return_address = cie.return_address;
    rule.signal_frame = cie.signal_frame;
    rule.at_calls_only = cie.at_calls_only;
    rule.cfa = row.cfa;
    rule.registers.reserve(static_cast<std::size_t>(std::popcount(row.specified())));
    for_each_register(row, [&](unsigned reg, const RegisterRule& of_register) {
        rule.registers.push_back({static_cast<std::uint8_t>(reg), of_register});
    });
    rule.fast = x86_64::make_fast_rule(rule);
    rule.brief = x86_64::make_short_rule(rule);
    return rule;
}

}  // namespace

CfaRow row_of(const UnwindRule& rule) {
    CfaRow row;
    row.cfa = rule.cfa;
    for (const NumberedRule& entry : rule.registers) row.set(entry.reg, entry.rule);
    return row;
}

std::uint16_t RuleStore::intern(const CfaRow& row, const Cie& cie) {
    if (slots_.size() < 2 * std::size_t{next_}) grow();
    const std::uint64_t hash = hash_of(row, cie);
    for (std::size_t at = hash & (slots_.size() - 1); slots_[at] != 0;
         at = (at + 1) & (slots_.size() - 1)) {
        const std::uint16_t known = slots_[at];
        if (hashes_[known] == hash && same_rule(*(*this)[known], row, cie)) return known;
    }
    if (next_ == max_rules) return 0;
    auto& chunk = chunks_[next_ / chunk_size];
    if (!chunk) chunk = std::make_unique<Chunk>();
    const auto number = static_cast<std::uint16_t>(next_++);
    (*chunk)[number % chunk_size] = make_rule(row, cie);
    hashes_.push_back(hash);
    enter(number);
    return number;
}

void RuleStore::grow() {
    if (hashes_.empty()) hashes_.push_back(0);  // of number 0, which is no rule
    slots_.assign(std::max(first_slots, 2 * slots_.size()), 0);
    for (std::uint32_t number = 1; number < next_; ++number) {
        enter(static_cast<std::uint16_t>(number));
    }
}

void RuleStore::enter(std::uint16_t number) {
    std::size_t at = hashes_[number] & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = number;
}

}  // namespace fgread
