#include "naive_rule.h"

namespace fgread::test {
namespace {

bool is_better(const Fde& candidate, const Fde& best) {
    if (candidate.start != best.start) return candidate.start > best.start;
    return candidate.end <= best.end;
}

std::optional<Fde> best_fde(const CfiSection& section, std::uint64_t pc) {
    std::optional<Fde> best;
    for (std::uint64_t offset = 0; offset < section.bytes.size();) {
        const auto entry = read_entry(section, offset);
        if (!entry) break;
        offset = entry->end;
        if (entry->kind == CfiEntry::Kind::terminator && !section.is_debug_frame) break;
        const auto cie = read_cie(section, entry->cie_offset);
        const auto fde = cie ? read_fde(section, *entry, *cie) : std::nullopt;
        if (!fde || pc < fde->start || pc >= fde->end) continue;
        if (section.is_debug_frame && fde->start == 0) continue;
        if (!best || is_better(*fde, *best)) best = fde;
    }
    return best;
}

}  // namespace

std::optional<NaiveRule> naive_rule(const CfiSection& section, std::uint64_t pc) {
    const auto fde = best_fde(section, pc);
    if (!fde) return std::nullopt;
    const auto cie = read_cie(section, fde->cie_offset);
    const auto initial = run_initial_instructions(section, *cie);
    if (!initial) return std::nullopt;
    CfaProgram program(section, *cie, *fde, *initial);
    while (program.next_row() == CfaProgram::Status::row) {
        if (pc < program.row_end()) return NaiveRule{program.row(), *cie};
    }
    return std::nullopt;
}

bool same_rule(const NaiveRule& naive, const UnwindRule& rule) {
    if (rule.return_address != naive.cie.return_address ||
        rule.signal_frame != naive.cie.signal_frame || !(rule.cfa == naive.row.cfa)) {
        return false;
    }
    for (unsigned reg = 0; reg < RegisterFile::capacity; ++reg) {
        const RegisterRule expected = naive.row.has(reg) ? naive.row[reg] : RegisterRule{};
        if (!(rule.rule_of(reg) == expected)) return false;
    }
    return true;
}

}  // namespace fgread::test
