// Command lines that a user can paste into a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fgread {

// `text` as one word: as it is where no shell would see more in it, else in single quotes; control
// bytes, which would also act on the terminal, as $'\x1b' (bash, zsh, ksh; POSIX since 2024).
[[nodiscard]] std::string shell_word(std::string_view text);

// The words with blanks between.
[[nodiscard]] std::string shell_line(const std::vector<std::string>& words);

}  // namespace fgread
