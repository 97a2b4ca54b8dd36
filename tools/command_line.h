// CommandLine: what a tool takes on its command line, and its --help.
//
// CLI11 does the work. It is headers only, and a file that includes them takes ten seconds to
// compile: here is what the tools need of it, by its own names, and command_line.cpp alone includes
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fgread::tools {

// To say more of an option. Lives as long as its CommandLine; all functions return `this`.
class Option {
public:
    explicit Option(CLI::Option* option) : option_(option) {}

    // What stands for the values in --help; " " for nothing.
    Option* option_text(const std::string& text);
    Option* type_name(const std::string& text);  // the same, with the values that are allowed
    Option* group(const std::string& heading);

    Option* required();
    Option* expected(int least, int most);  // values; -1: without end
    Option* allow_extra_args(bool allowed);
    Option* excludes(const Option* other);
    Option* excludes(const std::string& other);
    Option* needs(const Option* other);

    // What is wrong usage otherwise.
    Option* one_of(const std::vector<std::string>& words);
    Option* range(unsigned least, unsigned most);
    Option* range(std::size_t least, std::size_t most);
    Option* range(double least, double most);
    Option* positive();
    Option* existing_file();
    Option* existing_directory();
    // Takes 200M and 2G for bytes.
    Option* as_size();

private:
    CLI::Option* option_;
};

class CommandLine {
public:
    CommandLine(const std::string& description, const std::string& name);
    ~CommandLine();
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;

    // Help for terminals of 100 columns: long descriptions are broken, and the values that flags
    // stand for are left out ("--cp", not "--cp{palette.map}"). `usage` takes the place of the
    // first line.
    void use_wide_help(const std::string& usage = {});
    void footer(const std::string& text);
    void set_version_flag(const std::string& text);
    // What follows the first word that is no option is left alone: remaining().
    void prefix_command();

    // `names` as CLI11 reads them: "-o,--output", "input", "--inline,!--no-inline",
    // "--stats{text}". The values must live until parse() has been called; what is not given keeps
    // its value.
    Option* add_option(const std::string& names, std::string& value, const std::string& help);
    Option* add_option(const std::string& names, std::vector<std::string>& value,
                       const std::string& help);
    Option* add_option(const std::string& names, unsigned& value, const std::string& help);
    Option* add_option(const std::string& names, std::uint64_t& value, const std::string& help);
    Option* add_option(const std::string& names, double& value, const std::string& help);
    Option* add_flag(const std::string& names, bool& value, const std::string& help);
    Option* add_flag(const std::string& names, std::string& value, const std::string& help);
    Option* add_flag(const std::string& names, std::optional<std::string>& value,
                     const std::string& help);
    Option* get_option(const std::string& name);

    // Nothing if the tool may go on; else all is said (--help, what is wrong), and this is whether
    // that was wrong usage.
    enum class End : std::uint8_t { told, wrong_usage };
    std::optional<End> parse(int argc, const char* const* argv);
    std::optional<End> parse(const std::vector<std::string>& words);

    // How often the option was given.
    [[nodiscard]] std::size_t count(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> remaining() const;

private:
    Option* keep(CLI::Option* option) { return &options_.emplace_back(option); }

    std::unique_ptr<CLI::App> app_;
    std::deque<Option> options_;
};

}  // namespace fgread::tools
