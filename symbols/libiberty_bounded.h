// libiberty's demanglers with an end to their output, time and stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fgread {

enum class Demangled : std::uint8_t {
    done,
    not_mangled,  // not a name of this language
    too_long,     // one of the bounds was hit
};

// Itanium C++ ABI; without parameters and return type unless `parameters`. `output` is set if done.
Demangled demangle_cplus(const std::string& name, bool parameters, std::size_t max_output,
                         std::string& output);

// Rust, legacy (without its hash) and v0.
Demangled demangle_rust(const std::string& name, std::size_t max_output, std::string& output);

// D, with parameters; `output` is set if done.
Demangled demangle_dlang(const std::string& name, std::size_t max_output, std::string& output);

}  // namespace fgread
