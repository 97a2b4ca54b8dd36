// RepeatedCommands: what the user ran, with something changed, as a line for a shell. Remedies are
// made of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fgread {

// Both as the user gave them, the program's name first. Empty: not known.
struct RepeatedCommands {
    std::vector<std::string> fold;    // this program's
    std::vector<std::string> record;  // of perf record, from the recording (HEADER_CMDLINE)

    // `fold` as it was.
    [[nodiscard]] std::string fold_again() const;
    // Whether `fold` has the option "--symfs".
    [[nodiscard]] bool fold_has(std::string_view name) const;
    // `fold` with --name=value, or --name if the value is empty; instead of an earlier one where
    // there can be one only.
    [[nodiscard]] std::string fold_with(std::string_view name, std::string_view value) const;

    // `record` with the option instead of what it says of that: "--call-graph" (also instead of
    // -g), "-m" or "-F"; an empty value is none ("-a"). With COMMAND in the program's place where
    // it is not known or cannot be told from perf's options.
    [[nodiscard]] std::string record_with(std::string_view option, std::string_view value) const;

    // `record` with a runtime told to say what code it makes: node, python, java; empty if the
    // program is none of these or not known.
    enum class JitFile : std::uint8_t { perf_map, jitdump };
    [[nodiscard]] std::string record_jit(JitFile wanted) const;

    // Whether `record` has the option, by its short name if it is one of -a, -p, -t; false if it is
    // not known.
    [[nodiscard]] bool record_has(std::string_view option) const;
    // The value that `record` gives to -m or -F, empty if none or not known.
    [[nodiscard]] std::string recorded_value(std::string_view option) const;
};

}  // namespace fgread
