#include "unwind/inferred_rules.h"

#include <map>
#include <utility>
#include <vector>

#include "unwind/function_analysis.h"

namespace fgread {
namespace {

constexpr std::uint64_t word = 8;

// The file's bytes at [start, end); fewer if not all of them are there.
std::vector<std::byte> read_code(ModuleProvider& provider, ModuleId module,
                                 FunctionRange function) {
    std::vector<std::byte> code;
    const std::uint64_t size = function.end.value - function.start.value;
    code.reserve(size + word);
    while (code.size() < size) {
        const auto bytes = provider.read_word(module, {function.start.value + code.size()});
        if (!bytes) break;
        for (unsigned i = 0; i < word; ++i) {
            code.push_back(static_cast<std::byte>(*bytes >> (8 * i)));
        }
    }
    if (code.size() > size) code.resize(size);
    return code;
}

}  // namespace

struct InferredRules::State {
    explicit State(ModuleProvider& the_provider) : provider(the_provider) {}

    const x86_64::AnalysedFunction& analysed(ModuleId module, FunctionRange function) {
        const auto [known, is_new] = functions.try_emplace({module, function.start.value});
        if (is_new && steps < max_steps) {
            if (!decoder && !tried) decoder = x86_64::X86Decoder::open();
            tried = true;
            if (!decoder) return known->second;
            const std::vector<std::byte> code = read_code(provider, module, function);
            known->second = x86_64::analyse_function(*decoder, code, function.start.value,
                                                     function.is_end_known);
            steps += known->second.steps;
        }
        return known->second;
    }

    ModuleProvider& provider;
    std::unique_ptr<x86_64::X86Decoder> decoder;
    bool tried = false;
    std::uint64_t steps = 0;
    std::map<std::pair<ModuleId, std::uint64_t>, x86_64::AnalysedFunction> functions;
};

InferredRules::InferredRules(ModuleProvider& provider)
    : state_(std::make_unique<State>(provider)) {}
InferredRules::~InferredRules() = default;

const UnwindRule* InferredRules::find(ModuleId module, Svma pc,
                                      const std::optional<FunctionRange>& known) {
    auto function = state_->provider.function_at(module, pc);
    if (!function) function = known;
    if (!function || pc < function->start || pc >= function->end) return nullptr;
    if (function->end.value - function->start.value > x86_64::max_analysed_bytes) return nullptr;
    return state_->analysed(module, *function).find(pc.value - function->start.value);
}

}  // namespace fgread
