// Libraries that few runs need are loaded when they are: linked, libarchive and what it links
// would double the time that fgread takes to start (1 ms).
#pragma once

#include <dlfcn.h>

#include <cstring>

namespace fgread {

// The library stays loaded: it may have started threads. Null if it is not installed.
[[nodiscard]] inline void* open_library(const char* soname) {
    return ::dlopen(soname, RTLD_NOW | RTLD_LOCAL);
}

// False if the library has no such function.
template <class Function>
[[nodiscard]] bool look_up(void* library, const char* name, Function& function) {
    void* const symbol = ::dlsym(library, name);
    static_assert(sizeof symbol == sizeof function);
    std::memcpy(&function, &symbol, sizeof function);  // POSIX: what dlsym returns is a function
    return symbol != nullptr;
}

}  // namespace fgread
