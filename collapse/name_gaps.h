// Why frames of a module have no name, and what the user can do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collapse/repeated_commands.h"
#include "symbols/kernel_symbols.h"
#include "symbols/module_cache.h"

namespace fgread {

enum class NameGap : std::uint8_t {
    none,
    unmapped,           // the recording does not say what was at the address
    file_missing,       // no file of that name
    build_id_differs,   // a file of that name, but of another build
    file_changed,       // a file of that name, but newer than the recording or another inode
    not_regular,        // a FIFO, device or directory
    unreadable,         // no permission, or not ELF
    foreign,            // recorded on another machine, without a build-id to compare
    stripped,           // the file has no symbol table, nor is there a debug file
    no_symbol,          // the file has symbols, but none there
    no_map,             // code made at run time, without a map of it
    kernel_restricted,  // /proc/kallsyms shows zeros to this user
    kernel_differs,     // not the running kernel, and no listing of it
    kernel_unknown,     // the recording does not say which kernel it was
    kernel_unreadable,  // the listing cannot be read
    count_,
};

// Stable identifier as used in --stats=json, e.g. "build_id_differs"; empty for none.
[[nodiscard]] std::string_view name_gap_key(NameGap gap);
// What it means, without the module: "stripped: no symbol table and no debug file".
[[nodiscard]] std::string_view name_gap_text(NameGap gap);

// Why a module that has unnamed frames has them. `sources` as of ModuleCache::name_sources.
[[nodiscard]] NameGap name_gap(const ModuleInfo& module, const ModuleCache::NameSources& sources,
                               KernelNames kernel);

// Why the kernel's own frames have no names.
[[nodiscard]] NameGap kernel_name_gap(KernelNames names);

// What to do, in a sentence, and as one line for a shell. Words in capitals (DIR, FILE) stand for
// what only the user has.
struct Advice {
    std::string text;     // safe for a terminal; empty if nothing helps
    std::string command;  // quoted for a shell; empty if there is none
    [[nodiscard]] bool empty() const { return text.empty(); }
};

[[nodiscard]] Advice name_gap_advice(NameGap gap, const ModuleInfo& module,
                                     const RepeatedCommands& commands);
// What to do where inlined functions cannot be shown, for want of debug information.
[[nodiscard]] Advice debug_info_advice(const ModuleInfo& module, const RepeatedCommands& commands);

}  // namespace fgread
