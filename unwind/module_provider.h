// ModuleProvider: what the walker asks of the world outside its dumps and rules.
//
// unwind/ never opens a file: whoever owns the binaries (symbols/ModuleCache, or a caller with
// section bytes of its own: StaticModules) implements this.
#pragma once

#include <cstdint>
#include <optional>

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"
#include "unwind/frame.h"
#include "unwind/unwind_table.h"

namespace fgread {

// How addresses of one mapping turn into addresses of a module.
struct CodeMapping {
    ModuleId module;
    std::uint64_t bias = 0;              // svma = avma - bias, modulo 2^64
    const UnwindTable* table = nullptr;  // null: no unwind information (missing file, JIT ...)
    // Where the kernel starts a thread of its own accord (ELF e_entry): code without a caller.
    std::optional<Svma> entry;
};

class ModuleProvider {
public:
    virtual ~ModuleProvider() = default;

    // Called once per mapping and walker, then cached by the walker; may be slow (opens files).
    // Must be safe to call from several threads; the answer stays valid as long as the provider.
    virtual CodeMapping resolve(MappingId mapping) = 0;

    // Eight bytes of the module's file image at `svma` (read-only data a CFI expression may read);
    // nothing if not there.
    virtual std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) = 0;
};

}  // namespace fgread
