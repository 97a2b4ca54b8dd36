// Symbolizer: the names of a frame, inlined functions included.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "symbols/module_cache.h"
#include "unwind/frame.h"

namespace fgread {

// --names: plain = demangled, without parameters, template arguments kept; raw = as in the ELF
// file.
enum class NameStyle : std::uint8_t { plain, raw };

// One function of a frame. A frame that covers inlined functions has several.
struct SourceFrame {
    std::string name;      // final, unescaped; empty if unresolved (then see module_label)
    bool inlined = false;  // inlined into the next one
};

// What is known about a frame. functions: innermost first, the physical function last; empty if
// the address has no symbol.
struct InlineChain {
    std::vector<SourceFrame> functions;
    std::string module_label;  // "[libc.so.6]", "[kernel]", "[unknown]": what to show without name
    bool kernel = false;
};

struct SymbolizerOptions {
    NameStyle names = NameStyle::plain;
    bool inlines = true;
};

// Symbol tables and debug files are read when the first frame of a module is asked for.
// Thread-safe. Cost: one binary search per call, plus demangling the first time a name is met.
class Symbolizer {
public:
    // `modules` must outlive the symbolizer.
    Symbolizer(ModuleCache& modules, SymbolizerOptions options);
    ~Symbolizer();

    [[nodiscard]] InlineChain symbolize(const Frame& frame);
    [[nodiscard]] Diagnostics diagnostics() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
