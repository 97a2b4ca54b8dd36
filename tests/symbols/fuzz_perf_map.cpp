// Any bytes as a perf map.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "symbols/perf_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    const PerfMap map(std::as_bytes(std::span(data, size)));
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{0x1000}, std::uint64_t{0x1010}, ~std::uint64_t{0}}) {
        const auto found = map.find({address});
        if (found && found->name.empty()) std::abort();
    }
    return 0;
}
