// InferredRules: rules for code without call-frame information, by analysing its instructions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "unwind/module_provider.h"
#include "unwind/unwind_rule.h"

namespace fgread {

// Keeps what it found: a function is analysed once. Not thread-safe; part of one walker.
class InferredRules {
public:
    // Instructions decoded or followed in all: some ten seconds, hundreds of times what the
    // functions of a program without call-frame information need. Then no more are analysed.
    static constexpr std::uint64_t max_steps = std::uint64_t{1} << 25;

    // `provider` must outlive the object. Costs nothing before the first find().
    explicit InferredRules(ModuleProvider& provider);
    ~InferredRules();
    InferredRules(const InferredRules&) = delete;
    InferredRules& operator=(const InferredRules&) = delete;

    // The rule at `pc` (a lookup address: already -1 for a return address) of a module of x86-64
    // code; null if where its function begins is not known, or the code cannot be followed. Lives
    // as long as this object. The first call for a function costs 1 us per instruction of it.
    // `known` is the function's place, if the provider does not know it but somebody else does.
    [[nodiscard]] const UnwindRule* find(ModuleId module, Svma pc,
                                         const std::optional<FunctionRange>& known = std::nullopt);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
