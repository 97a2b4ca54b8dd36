// Any bytes as a symbol's name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "symbols/demangle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string name;
    for (std::size_t i = 0; i < size; ++i) name.push_back(static_cast<char>(data[i]));
    const std::string shown = fgread::demangle(name);
    if (shown.size() > fgread::max_demangled_name + size) std::abort();
    return 0;
}
