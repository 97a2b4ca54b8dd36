#include "tools/cargo_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/scratch_directory.h"
#include "tools/subprocess.h"

namespace fgread::tools {

namespace {

using Json = nlohmann::json;

std::string profile_of(const CargoTarget& target) {
    if (!target.profile.empty()) return target.profile;
    return target.dev ? "dev" : "release";
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string kind_of(const Json& target) {
    const auto kinds = target.find("kind");
    if (kinds == target.end() || !kinds->is_array()) return {};
    for (const Json& kind : *kinds) {
        for (const char* known : {"bin", "example", "test", "bench"}) {
            if (kind == known) return known;
        }
    }
    return {};
}

std::optional<CargoProgram> program_in(const Json& message) {
    if (!message.is_object() || text_of(message, "reason") != "compiler-artifact") return {};
    const auto target = message.find("target");
    CargoProgram out;
    out.path = text_of(message, "executable");
    if (out.path.empty() || target == message.end() || !target->is_object()) return {};
    out.kind = kind_of(*target);
    out.name = text_of(*target, "name");
    out.package_directory =
        std::filesystem::path(text_of(message, "manifest_path")).parent_path().string();
    if (out.kind.empty()) return {};
    return out;
}

void add_selection(const CargoTarget& target, std::vector<std::string>& out) {
    for (const std::string& features : target.features) {
        out.insert(out.end(), {"--features", features});
    }
    if (target.all_features) out.emplace_back("--all-features");
    if (target.no_default_features) out.emplace_back("--no-default-features");
    if (!target.package.empty()) out.insert(out.end(), {"--package", target.package});
    if (!target.manifest_path.empty()) {
        out.insert(out.end(), {"--manifest-path", target.manifest_path});
    }
}

std::string default_run_in(const std::string& metadata, const CargoProgram& program) {
    const Json document = Json::parse(metadata, nullptr, false);
    if (!document.is_object()) return {};
    const auto packages = document.find("packages");
    if (packages == document.end() || !packages->is_array()) return {};
    for (const Json& package : *packages) {
        const std::filesystem::path manifest = text_of(package, "manifest_path");
        if (manifest.parent_path() == program.package_directory) {
            return text_of(package, "default_run");
        }
    }
    return {};
}

// The program that "cargo run" would run: default-run of Cargo.toml; empty if there is none.
std::string default_run(const CargoTarget& target, const CargoProgram& program,
                        const ScratchDirectory& scratch) {
    const std::string file = scratch.file("metadata");
    Command command{{"cargo", "metadata", "--no-deps", "--format-version", "1"}, {}, {}, file, {}};
    if (!target.manifest_path.empty()) {
        command.arguments.insert(command.arguments.end(),
                                 {"--manifest-path", target.manifest_path});
    }
    const Result<int> status = run(command);
    return status && *status == 0 ? default_run_in(file_text(file), program) : "";
}

std::string choices(const std::vector<CargoProgram>& programs) {
    std::vector<std::string> options;
    for (const CargoProgram& program : programs) {
        options.push_back(fmt::format("--{} {}", program.kind, program.name));
    }
    std::sort(options.begin(), options.end());
    return fmt::format("{}", fmt::join(options, ", "));
}

Result<CargoProgram> pick(std::vector<CargoProgram> programs, const CargoTarget& target,
                          const ScratchDirectory& scratch) {
    const std::string kind = target.kind.empty() ? "bin" : target.kind;
    std::erase_if(programs, [&](const CargoProgram& program) {
        return program.kind != kind || (!target.name.empty() && program.name != target.name);
    });
    if (programs.size() == 1) return programs.front();
    if (programs.empty()) {
        return Error{ErrorKind::unsupported,
                     "cargo built no program: this package is a library; choose with --example, "
                     "--test or --bench, or --package of a workspace"};
    }
    const std::string wanted = default_run(target, programs.front(), scratch);
    for (const CargoProgram& program : programs) {
        if (program.name == wanted) return program;
    }
    return Error{ErrorKind::unsupported,
                 "there are several programs; choose one: " + choices(programs)};
}

}  // namespace

std::vector<std::string> cargo_arguments(const CargoTarget& target) {
    std::vector<std::string> out = {
        "cargo",     "build",           "--message-format", "json-render-diagnostics",
        "--profile", profile_of(target)};
    if (target.quiet) out.emplace_back("--quiet");
    if (!target.kind.empty()) out.insert(out.end(), {"--" + target.kind, target.name});
    add_selection(target, out);
    return out;
}

std::vector<std::pair<std::string, std::string>> cargo_environment(const CargoTarget& target) {
    std::string name = profile_of(target);
    if (name == "dev") return {};
    std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
        if (letter == '-') return '_';
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    std::vector<std::pair<std::string, std::string>> out;
    // 1: lines and inlined functions, without types and variables, which nobody needs here.
    const std::string prefix = "CARGO_PROFILE_" + name;
    for (const auto& [suffix, value] : {std::pair{"_DEBUG", "1"}, std::pair{"_STRIP", "none"}}) {
        const std::string variable = prefix + suffix;
        if (std::getenv(variable.c_str()) == nullptr) out.emplace_back(variable, value);
    }
    return out;
}

std::vector<CargoProgram> programs_in(std::string_view messages) {
    std::vector<CargoProgram> out;
    while (!messages.empty()) {
        const std::size_t end = messages.find('\n');
        const Json message = Json::parse(messages.substr(0, end), nullptr, false);
        std::optional<CargoProgram> program = program_in(message);
        if (program) out.push_back(std::move(*program));
        if (end == std::string_view::npos) break;
        messages.remove_prefix(end + 1);
    }
    return out;
}

Result<CargoProgram> build_with_cargo(const CargoTarget& target) {
    if (find_program("cargo").empty()) {
        return Error{ErrorKind::io,
                     "cargo is not installed, or not on PATH: https://rustup.rs, or your system's "
                     "package cargo"};
    }
    const Result<ScratchDirectory> scratch = ScratchDirectory::create();
    if (!scratch) return scratch.error();
    const std::string messages = scratch->file("messages");
    const Result<int> status =
        run({cargo_arguments(target), cargo_environment(target), {}, messages, {}});
    if (!status) return status.error();
    if (*status != 0) {
        return Error{ErrorKind::io, "cargo could not build it: " + status_text(*status)};
    }
    return pick(programs_in(file_text(messages)), target, *scratch);
}

}  // namespace fgread::tools
