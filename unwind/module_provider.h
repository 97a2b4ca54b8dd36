// ModuleProvider: what the walker asks of the world outside its dumps and rules.
//
// unwind/ never opens a file: whoever owns the binaries (symbols/ModuleCache, or a caller with
// section bytes of its own: StaticModules) implements this.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"
#include "unwind/frame.h"
#include "unwind/stop_reason.h"
#include "unwind/unwind_table.h"

namespace fgread {

// Code at the bottom of stacks: what it calls has callers up to here and no farther, whatever rules
// and memory say. Go's runtime.goexit, to which goroutines return, and runtime.systemstack, which
// calls on another stack.
struct StackBottom {
    Svma start, end;  // exclusive
    StopReason reason = StopReason::complete;
};

// How addresses of one mapping turn into addresses of a module.
struct CodeMapping {
    ModuleId module;
    std::uint64_t bias = 0;  // svma = avma - bias, modulo 2^64
    // Null: no unwind information (missing file, JIT ...). Else always the same for an SVMA of the
    // module.
    const UnwindTable* table = nullptr;
    // Where the kernel starts a thread of its own accord (ELF e_entry): code without a caller.
    std::optional<Svma> entry;
    std::span<const StackBottom> bottoms = {};  // few; live as long as the provider
    // Memory without a file: ModuleProvider::find_code may know more about an address in it.
    bool anonymous = false;
    bool generated = false;  // JIT code that find_code knows
    bool vdso = false;  // the kernel's own code in every process, where signal handlers return to
};

// Code that a program made while it ran (a JIT), and the addresses and times it was there.
struct CodeSpan {
    CodeMapping code;       // module 0: nothing known for all of the span
    Avma start, end;        // exclusive
    EventTime from, until;  // exclusive
};

// Where the code of a function is.
struct FunctionRange {
    Svma start, end;           // exclusive
    bool is_end_known = true;  // false: it ends there at the latest
};

class ModuleProvider {
public:
    virtual ~ModuleProvider() = default;

    // A walker remembers the answers for some hundred mappings; may be slow the first time for each
    // (opens files).
    // Must be safe to call from several threads; the answer stays valid as long as the provider.
    virtual CodeMapping resolve(MappingId mapping) = 0;

    // What was at `address` of `space` at `when`, where `found` is anonymous memory or no mapping.
    // The answer must hold for that address and time at least. Nothing: what resolve() says holds
    // for all of `found`. Thread-safe, as resolve(); asked once for each span a walker meets.
    virtual std::optional<CodeSpan> find_code(const AddressSpace& /*space*/,
                                              const AddressSpace::Found& /*found*/,
                                              Avma /*address*/, EventTime /*when*/) {
        return std::nullopt;
    }

    // Eight bytes of the module's file image at `svma` (read-only data a CFI expression may read);
    // nothing if not there.
    virtual std::optional<std::uint64_t> read_word(ModuleId module, Svma svma) = 0;

    // The function whose code is at `pc`, from its first instruction on: where to begin when there
    // is no rule for it. Nothing if that is not known for sure. Thread-safe; asked once per pc and
    // walker, may be slow the first time.
    virtual std::optional<FunctionRange> function_at(ModuleId /*module*/, Svma /*pc*/) {
        return std::nullopt;
    }
};

}  // namespace fgread
