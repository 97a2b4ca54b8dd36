// The vdso: code the kernel maps into every process. It is in no file.
#pragma once

#include <cstddef>
#include <vector>

namespace fgread {

// A copy of this process's own vdso as an ELF image; empty if the kernel gives none.
[[nodiscard]] std::vector<std::byte> copy_own_vdso();

}  // namespace fgread
