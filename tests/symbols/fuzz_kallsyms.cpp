// Any bytes as a kallsyms listing.
#include <cstddef>
#include <cstdint>

#include "symbols/kernel_symbols.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    OwnedBytes listing(size);
    for (std::size_t i = 0; i < size; ++i) listing.writable()[i] = std::byte(data[i]);
    const KernelSymbols symbols(std::move(listing));
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{0x10}, std::uint64_t{0xffffffff81000100},
          std::uint64_t{0xffffffffc0001004}, ~std::uint64_t{0}}) {
        (void)symbols.find({address});
    }
    return 0;
}
