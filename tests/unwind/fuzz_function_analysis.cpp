// Any bytes as code: the analysis ends, within its bounds.
#include <cstdlib>

#include "fuzz_input.h"
#include "unwind/function_analysis.h"

using namespace fgread;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto decoder = x86_64::X86Decoder::open();
    if (!decoder || size == 0) return 0;
    const ByteView code{static_cast<const std::byte*>(static_cast<const void*>(data)), size};
    const x86_64::AnalysedFunction function =
        x86_64::analyse_function(*decoder, code.subspan(1), 0x1000, (data[0] & 1) != 0);
    if (function.steps > 18 * size) std::abort();
    for (std::size_t at = 0; at <= size; ++at) {
        const UnwindRule* rule = function.find(at);
        if (rule && rule->rule_of(rule->return_address).kind == RuleKind::undefined) std::abort();
    }
    return 0;
}
