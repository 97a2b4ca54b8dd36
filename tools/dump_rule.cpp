#include "tools/dump_rule.h"

#include <algorithm>
#include <array>
#include <optional>

#include "symbols/function_ranges.h"
#include "symbols/unwind_sections.h"
#include "tools/dump_expression.h"
#include "tools/dump_module.h"
#include "unwind/function_analysis.h"
#include "unwind/x86_64.h"

namespace fgread::tools {

namespace {

// In readelf's words.
std::string cell_text(const RegisterRule& rule) {
    switch (rule.kind) {
        case RuleKind::unspecified:
        case RuleKind::undefined:
            return "u";
        case RuleKind::same_value:
            return "s";
        case RuleKind::at_cfa:
            return fmt::format("c{:+}", rule.offset);
        case RuleKind::cfa_offset:
            return fmt::format("v{:+}", rule.offset);
        case RuleKind::in_register:
            return register_name(rule.source);
        case RuleKind::at_expression:
            return "exp";
        case RuleKind::is_expression:
            return "vexp";
    }
    return "?";
}

std::string cfa_text(const RegisterRule& cfa) {
    if (cfa.kind == RuleKind::in_register) {
        return fmt::format("{}{:+}", register_name(cfa.source), cfa.offset);
    }
    return cfa.kind == RuleKind::is_expression ? "exp" : "?";
}

// The addresses around `address` for which the same rule holds. Neighbouring rows that say the
// same are one here, where readelf prints both.
UnwindTable::FdeRange row_range(const UnwindTable& table, std::uint64_t address,
                                const UnwindRule* rule, UnwindTable::FdeRange fde) {
    UnwindTable::FdeRange range{Svma{address}, Svma{address + 1}};
    while (range.start > fde.start && table.find(Svma{range.start.value - 1}) == rule) {
        --range.start.value;
    }
    while (range.end < fde.end && table.find(range.end) == rule) ++range.end.value;
    return range;
}

void add_expression(const std::string& column, const RegisterRule& rule, DumpOutput& out) {
    if (rule.expression.empty()) return;
    out.add("   {}: {}\n", column, expression_text(rule.expression));
}

void dump_row(const UnwindRule& rule, UnwindTable::FdeRange range, DumpOutput& out) {
    std::string head = fmt::format("   {:<17}{:<9}", "LOC", "CFA");
    std::string row = fmt::format("{:016x} {:<8} ", range.start.value, cfa_text(rule.cfa));
    const auto add_column = [&](const std::string& name, const RegisterRule& cell) {
        head += fmt::format("{:<6}", name);
        row += fmt::format("{:<5} ", cell_text(cell));
    };
    for (const NumberedRule& entry : rule.registers) {
        if (entry.reg == rule.return_address) continue;
        add_column(register_name(entry.reg), entry.rule);
    }
    add_column("ra", rule.rule_of(rule.return_address));
    const auto trimmed = [](std::string text) {
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    };
    out.add("{}\n{}\n", trimmed(head), trimmed(row));
    add_expression("CFA", rule.cfa, out);
    for (const NumberedRule& entry : rule.registers) {
        add_expression(entry.reg == rule.return_address ? "ra" : register_name(entry.reg),
                       entry.rule, out);
    }
}

bool dump_rule(const UnwindTable& table, std::uint64_t address, DumpOutput& out) {
    const std::optional<UnwindTable::FdeRange> fde = table.fde_range(Svma{address});
    if (!fde) return false;
    const UnwindRule* rule = table.find(Svma{address});
    if (rule == nullptr) {
        out.add("{:#x}: FDE pc={:x}..{:x} has no rule here\n", address, fde->start.value,
                fde->end.value);
        return false;
    }
    const UnwindTable::FdeRange range = row_range(table, address, rule, *fde);
    out.add("{:#x}: FDE pc={:016x}..{:016x}, row to {:x}{}\n", address, fde->start.value,
            fde->end.value, range.end.value, rule->signal_frame ? ", signal frame" : "");
    dump_row(*rule, range, out);
    return true;
}

// What following the function's instructions says, as the walker does where there is no FDE.
class RulesByCode {
public:
    explicit RulesByCode(const ElfImage& image)
        : image_(image), functions_(FunctionRanges::read(image, nullptr)) {}

    bool dump(std::uint64_t address, DumpOutput& out) {
        const auto function = functions_.find(Svma{address});
        if (!decoder_) decoder_ = x86_64::X86Decoder::open();
        if (!function || !decoder_) {
            out.add("{:#x}: no FDE covers this address\n", address);
            return false;
        }
        const std::uint64_t start = function->start.value, size = function->end.value - start;
        const OwnedBytes code = image_.read_address(function->start, size);
        const x86_64::AnalysedFunction analysed =
            x86_64::analyse_function(*decoder_, code.view(), start, function->is_end_known);
        const UnwindRule* rule = analysed.find(address - start);
        out.add("{:#x}: no FDE, function pc={:016x}..{:016x}, {}\n", address, start,
                function->end.value, rule ? "by its code" : "whose code says nothing here");
        if (!rule) return false;
        std::uint64_t first = address;
        while (first > start && analysed.find(first - 1 - start) == rule) --first;
        dump_row(*rule, {Svma{first}, Svma{first}}, out);
        return true;
    }

private:
    const ElfImage& image_;
    FunctionRanges functions_;
    std::unique_ptr<x86_64::X86Decoder> decoder_;
};

}  // namespace

Result<void> dump_rules(const std::string& module, const std::vector<std::uint64_t>& addresses,
                        DumpOutput& out, bool& missing) {
    const Result<ElfImage> image = open_module(module);
    if (!image) return image.error();
    const UnwindBytes bytes = read_unwind_sections(*image, nullptr);
    const UnwindTable table(bytes.sections);
    RulesByCode by_code(*image);
    for (const std::uint64_t address : addresses) {
        const bool covered = table.fde_range(Svma{address}).has_value();
        if (!(covered ? dump_rule(table, address, out) : by_code.dump(address, out)))
            missing = true;
        if (!out.wanted()) break;
    }
    return {};
}

}  // namespace fgread::tools
