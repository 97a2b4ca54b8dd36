#include "symbols/demangle.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "symbols/dlang_names.h"
#include "symbols/libiberty_bounded.h"
#include "symbols/managed_names.h"
#include "symbols/short_name.h"

namespace fgread {
namespace {

constexpr std::string_view llvm_suffix = ".llvm.";
// Not a version: the name of a stub (plt_symbols.h).
constexpr std::string_view plt_suffix = "@plt";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_suffix_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; }

// Length of what LLVM appends to a local symbol it had to make global (ThinLTO): ".llvm." and a
// number, decimal, or in rustc's older versions hexadecimal with '@'.
std::size_t llvm_suffix_length(std::string_view rest) {
    if (!rest.starts_with(llvm_suffix)) return 0;
    const auto stop = std::find_if(rest.begin() + llvm_suffix.size(), rest.end(), [](char c) {
        return !is_digit(c) && !(c >= 'A' && c <= 'F') && c != '@';
    });
    return static_cast<std::size_t>(stop - rest.begin());
}

std::string without_llvm_suffix(std::string_view name) {
    std::string result(name);
    if (name.find(llvm_suffix) == std::string_view::npos) return result;  // as nearly all are
    const std::size_t at = result.rfind(llvm_suffix);
    if (at != std::string::npos && at != 0) {
        result.erase(at, llvm_suffix_length(std::string_view(result).substr(at)));
    }
    return result;
}

// Where the compiler's suffixes (".cold", ".constprop.0", ".part.0.isra.0", "._omp_fn.2") begin:
// the longest tail of ".word" parts in lower case. An identifier inside a mangled name may hold
// dots too (Rust legacy: "..Vec$LT$"), but is followed by an upper-case "E" then.
std::size_t suffix_start(std::string_view name) {
    std::size_t start = name.size();
    std::size_t at = name.size();
    while (at > 0) {
        std::size_t word = at;
        while (word > 0 && is_suffix_char(name[word - 1])) --word;
        if (word == at || word < 2 || name[word - 1] != '.') break;
        start = at = word - 1;
    }
    return start;
}

bool is_rust_v0(std::string_view name) {
    return name.size() > 2 && name.starts_with("_R") && (std::isupper(name[2]) != 0);
}

bool is_itanium(std::string_view name) { return name.starts_with("_Z"); }

// "_D" and the length of a first identifier, or "_Dmain". C programs have names like "_Dump".
bool is_dlang(std::string_view name) {
    return name == "_Dmain" || (name.size() > 2 && name.starts_with("_D") && is_digit(name[2]));
}

// What libiberty does not know.
std::string unmangled(std::string_view name, NameStyle style) {
    if (std::optional<std::string> ocaml = ocaml_name(name)) return std::move(*ocaml);
    if (std::optional<std::string> java = java_name(name, style == NameStyle::full)) {
        return std::move(*java);
    }
    return without_llvm_suffix(name);
}

// `base` has no suffix of a compiler any more.
Demangled demangle_base(const std::string& base, NameStyle style, std::string& shown) {
    const bool full = style == NameStyle::full;
    if (is_dlang(base)) {
        const Demangled outcome = demangle_dlang(base, max_demangled_name, shown);
        if (outcome == Demangled::done && !full) {
            shown = dlang_without_parameters(shown, style == NameStyle::plain);
        }
        return outcome;
    }
    // Rust first: a legacy name is a valid C++ name too, whose last part is the hash, "17h" and 16
    // digits.
    Demangled outcome = Demangled::not_mangled;
    if (!is_itanium(base) || base.find("17h") != std::string::npos) {
        outcome = demangle_rust(base, max_demangled_name, shown);
    }
    if (outcome == Demangled::not_mangled && is_itanium(base)) {
        outcome = demangle_cplus(base, full, max_demangled_name, shown);
    }
    if (outcome == Demangled::done && style == NameStyle::shorter) shown = short_name(shown);
    return outcome;
}

}  // namespace

std::optional<NameStyle> name_style(std::string_view key) {
    if (key == "plain") return NameStyle::plain;
    if (key == "full") return NameStyle::full;
    if (key == "short") return NameStyle::shorter;
    if (key == "raw") return NameStyle::raw;
    return std::nullopt;
}

std::string_view strip_version(std::string_view name) {
    if (name.ends_with(plt_suffix)) return name;
    const std::size_t at = name.find('@');
    return at == std::string_view::npos || at == 0 ? name : name.substr(0, at);
}

std::string demangle(std::string_view name, NameStyle style, bool* too_long) {
    if (style == NameStyle::raw) return std::string(strip_version(name));
    if (name.ends_with(plt_suffix)) {
        name.remove_suffix(plt_suffix.size());
        return demangle(name, style, too_long).append(plt_suffix);
    }
    const std::string_view plain = strip_version(name);
    const bool as_perf = style == NameStyle::perf;
    if (!is_itanium(plain) && !is_rust_v0(plain) && (as_perf || !is_dlang(plain))) {
        return as_perf ? std::string(name) : unmangled(plain, style);
    }
    if (plain.size() > max_mangled_name) {
        if (too_long != nullptr) *too_long = true;
        return std::string(plain);
    }
    std::string full = without_llvm_suffix(plain);
    const std::size_t suffix = suffix_start(full);

    std::string shown;
    const Demangled outcome = demangle_base(full.substr(0, suffix), style, shown);
    if (outcome == Demangled::too_long && too_long != nullptr) *too_long = true;
    if (outcome != Demangled::done) return as_perf ? std::string(name) : full;
    return as_perf ? shown : shown + full.substr(suffix);
}

}  // namespace fgread
