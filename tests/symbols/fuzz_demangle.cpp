// Any bytes as a symbol's name, in every style.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "symbols/demangle.h"
#include "symbols/short_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fgread;
    std::string name;
    for (std::size_t i = 0; i < size; ++i) name.push_back(static_cast<char>(data[i]));
    for (const NameStyle style :
         {NameStyle::plain, NameStyle::full, NameStyle::shorter, NameStyle::raw, NameStyle::perf}) {
        if (demangle(name, style).size() > max_demangled_name + size) std::abort();
    }
    if (short_name(name).size() > size) std::abort();
    return 0;
}
