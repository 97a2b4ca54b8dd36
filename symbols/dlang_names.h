// Names of the D language: bounded demangling, and what of it is shown.
//
// https://dlang.org/spec/abi.html, "Name Mangling".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fgread {

// Upper bound of the bytes that demangling `mangled` writes and of the steps it takes, saturated
// at `limit`. A mangled D name may refer back to parts of itself, and those may again: 60 bytes
// can stand for 2^10 copies of a type. Counts each reference as large as what lies between its
// target and itself, or, where that is a plain identifier, as that. Linear.
[[nodiscard]] std::size_t dlang_expansion(std::string_view mangled, std::size_t limit);

// libiberty always writes the parameters: "std.array.join!(int[]).join(int[], int) const". Without
// them, and without template arguments too if `arguments` is false: "std.array.join.join". Given
// back as it is if its brackets do not balance. Linear.
[[nodiscard]] std::string dlang_without_parameters(std::string_view shown, bool arguments);

}  // namespace fgread
