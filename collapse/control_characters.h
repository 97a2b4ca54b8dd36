// Bytes that act on a terminal instead of showing there.
#pragma once

namespace fgread {

// Of ASCII: NUL to US, and DEL.
[[nodiscard]] constexpr bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 32 || byte == 127;
}

}  // namespace fgread
