// Builds what cargo fgrecord records, and finds the program that came out.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "perfdata/result.h"

namespace fgread::tools {

// Which program, and how to build it; the fields are cargo's options of these names.
struct CargoTarget {
    std::string kind;  // "bin", "example", "test", "bench"; empty: the package's program
    std::string name;
    bool dev = false;
    std::string profile;  // empty: release, or dev
    std::vector<std::string> features;
    bool all_features = false;
    bool no_default_features = false;
    std::string package;
    std::string manifest_path;
    bool quiet = false;
};

// A program that was built.
struct CargoProgram {
    std::string kind;
    std::string name;
    std::string path;
    std::string package_directory;
};

// cargo build with JSON messages on stdout.
std::vector<std::string> cargo_arguments(const CargoTarget& target);

// What switches debug information on, and stripping off, in the profile, without Cargo.toml:
// variables that are not already set. None for the dev profile, which has it.
std::vector<std::pair<std::string, std::string>> cargo_environment(const CargoTarget& target);

// The programs in cargo's messages, one JSON object a line; lines that are none are ignored.
std::vector<CargoProgram> programs_in(std::string_view messages);

// Runs cargo, whose own messages go to stderr, and picks the program. The error names the choices
// if there are several.
Result<CargoProgram> build_with_cargo(const CargoTarget& target);

}  // namespace fgread::tools
