// Demangling, bounded: C++ (Itanium ABI), Rust legacy and v0, D, OCaml; Java and Scala of perf
// maps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fgread {

// A 250-byte C++ name can demangle to 570 MB (each 10 more bytes double it).
inline constexpr std::size_t max_mangled_name = 8 * 1024;
inline constexpr std::size_t max_demangled_name = 64 * 1024;

// --names; doc/names.md has examples of each.
enum class NameStyle : std::uint8_t {
    plain,    // demangled, without parameters and return type, template arguments kept
    full,     // demangled, with parameters, as c++filt has it
    shorter,  // "short": as plain, without template and generic arguments
    raw,      // as in the file, but without a symbol version
    perf,     // as perf script shows it: as plain where the name is mangled C++ or Rust, without
              // ".cold" and the like then; else as in the file, with the symbol version
};

// "plain", "full", "short", "raw"; nothing for any other word. `perf` is no choice of its own.
[[nodiscard]] std::optional<NameStyle> name_style(std::string_view key);

// The name in the given style. Hash of Rust legacy names dropped; "@GLIBC_..." and "@plt"-like
// versions dropped before; ".cold", ".constprop.0", ".part.0", ".isra.0" kept; ".llvm.123"
// dropped. The name itself if it is of no known language or exceeds a bound (`too_long`, if given,
// is then set). Thread-safe. Cost: 1 to 20 us for a mangled name, with libiberty; needs up to
// 4 MiB of stack for the worst of hostile names.
[[nodiscard]] std::string demangle(std::string_view name, NameStyle style = NameStyle::plain,
                                   bool* too_long = nullptr);

// The name as the ELF file has it, without a symbol version.
[[nodiscard]] std::string_view strip_version(std::string_view name);

}  // namespace fgread
