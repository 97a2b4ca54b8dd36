// Symbolizer: the names of a frame, inlined functions included.
//
// The physical function is named by its ELF symbol: .symtab of the separate debug file, else the
// binary's own .symtab and .dynsym. Which of several symbols at an address is taken, and how far a
// symbol without a size reaches, is as in perf (symbol_choice.h). Kernel addresses are named by a
// kallsyms listing of the recorded kernel (kernel_symbols.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/demangle.h"
#include "symbols/module_cache.h"
#include "unwind/frame.h"

namespace fgread {

// One function of a frame. A frame that covers inlined functions has several.
struct SourceFrame {
    // Final, unescaped; never empty. One symbol's is always the same bytes of memory, and lives as
    // long as the Symbolizer and its modules.
    std::string_view name;
    bool inlined = false;  // inlined into the next one
    // Of the address in this function, if SymbolizerOptions::lines asked and DWARF knows; for a
    // function that others were inlined into, the line of the call. Else empty and 0.
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// What is known about a frame.
struct InlineChain {
    // Innermost first, the physical function last; empty if the address has no symbol.
    std::vector<SourceFrame> functions;
    // What to show without a name, "[" + ModuleInfo::short_name + "]":
    //   a file            "[libc.so.6]": the base name of its recorded path, without " (deleted)"
    //   vdso, anonymous   "[vdso]", "[vsyscall]", "[heap]", "[anon]", "[memfd:name]"
    //   kernel            "[kernel]"; a kernel module "[nls_utf8]", dashes as underscores
    //   a guest's kernel  "[guest.kernel]"
    //   no mapping        "[unknown]"
    // Lives as long as the modules.
    std::string_view module_label;
    bool kernel = false;  // of the kernel or one of its modules
    bool jit = false;     // named by a perf map or a jitdump
    // From the start of the symbol that names the physical function to the address that was looked
    // up (Frame::lookup_offset); 0 if no symbol does.
    std::uint64_t symbol_offset = 0;
    // Expected frames of the module from the address that was looked up to this one, not including
    // it, have the same functions; 0 if only asking for them will tell.
    std::uint64_t same_until = 0;
};

struct SymbolizerOptions {
    NameStyle names = NameStyle::plain;  // kernel names are never demangled
    bool inlines = true;                 // expand inlined functions
    bool lines = false;  // source file and line; reads line tables, a string per frame
    // Bytes of debug information in memory; 0: no limit. What does not fit is left out, and counted
    // (debug_info_too_large): binaries with more of the expected frames come first.
    std::uint64_t max_debug_info = 0;
};

// Symbol tables and debug files are read when the first frame of a module is asked for: 50 ms for
// the 110,000 symbols of node, 40 ms for /proc/kallsyms. Thread-safe. Cost of a call after that:
// one binary search, and 2 us of demangling the first time a function is met; under 1 us then.
class Symbolizer {
public:
    // `modules` must outlive the symbolizer.
    Symbolizer(ModuleCache& modules, SymbolizerOptions options);
    ~Symbolizer();
    Symbolizer(const Symbolizer&) = delete;
    Symbolizer& operator=(const Symbolizer&) = delete;

    // Says that symbolize() will be called for these and, if for others, seldom: then only the
    // symbols they need are read and sorted (of 165,000 of librustc_driver some 3,000). Before the
    // first symbolize(), from one thread. Cost: 50 ns a frame.
    void expect(std::span<const Frame> frames);

    [[nodiscard]] InlineChain symbolize(const Frame& frame);
    // The same, in place of what `chain` had: for many frames one after the other.
    void symbolize(const Frame& frame, InlineChain& chain);

    // Names that were too long, symbols that were skipped, and why the kernel has no names. What
    // happened to modules is in ModuleCache::diagnostics().
    [[nodiscard]] Diagnostics diagnostics() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
