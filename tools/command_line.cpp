#include "tools/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

namespace fgread::tools {

namespace {

class WideHelp : public CLI::Formatter {
public:
    explicit WideHelp(std::string usage) : usage_(std::move(usage)) { column_width(name_columns); }

    std::string make_usage(const CLI::App* app, std::string name) const override {
        return usage_.empty() ? Formatter::make_usage(app, std::move(name)) : usage_;
    }

    // Without the values that flags stand for.
    std::string make_option_name(const CLI::Option* option, bool positional) const override {
        std::string text = Formatter::make_option_name(option, positional);
        for (std::size_t begin = 0; (begin = text.find('{', begin)) != std::string::npos;) {
            const std::size_t end = text.find('}', begin);
            if (end == std::string::npos) break;
            text.erase(begin, end + 1 - begin);
        }
        return text;
    }

    // Without the list of options it excludes, for which the column has no room.
    std::string make_option_opts(const CLI::Option* option) const override {
        const std::string text = Formatter::make_option_opts(option);
        return text.substr(0, text.find(" Excludes:"));
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        std::string text = Formatter::make_option_desc(option);
        std::replace(text.begin(), text.end(), '\n', ' ');
        const std::size_t room = columns - name_columns;
        for (std::size_t begin = 0; text.size() - begin > room;) {
            const std::size_t blank = text.rfind(' ', begin + room);
            if (blank == std::string::npos || blank <= begin) break;
            text[blank] = '\n';
            begin = blank + 1;
        }
        return text;
    }

private:
    static constexpr std::size_t name_columns = 34;
    static constexpr std::size_t columns = 100;

    std::string usage_;
};

template <typename Parse>
std::optional<CommandLine::End> end_of(const CLI::App& app, Parse&& parse) {
    try {
        parse();
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? CommandLine::End::told : CommandLine::End::wrong_usage;
    }
    return std::nullopt;
}

}  // namespace

Option* Option::option_text(const std::string& text) {
    option_->option_text(text);
    return this;
}

Option* Option::type_name(const std::string& text) {
    option_->type_name(text);
    return this;
}

Option* Option::group(const std::string& heading) {
    option_->group(heading);
    return this;
}

Option* Option::required() {
    option_->required();
    return this;
}

Option* Option::expected(int least, int most) {
    option_->expected(least, most);
    return this;
}

Option* Option::allow_extra_args(bool allowed) {
    option_->allow_extra_args(allowed);
    return this;
}

Option* Option::excludes(const Option* other) {
    option_->excludes(other->option_);
    return this;
}

Option* Option::excludes(const std::string& other) {
    option_->excludes(other);
    return this;
}

Option* Option::needs(const Option* other) {
    option_->needs(other->option_);
    return this;
}

Option* Option::one_of(const std::vector<std::string>& words) {
    option_->check(CLI::IsMember(words));
    return this;
}

Option* Option::range(unsigned least, unsigned most) {
    option_->check(CLI::Range(least, most));
    return this;
}

Option* Option::range(std::size_t least, std::size_t most) {
    option_->check(CLI::Range(least, most));
    return this;
}

Option* Option::range(double least, double most) {
    option_->check(CLI::Range(least, most));
    return this;
}

Option* Option::positive() {
    option_->check(CLI::PositiveNumber);
    return this;
}

Option* Option::existing_file() {
    option_->check(CLI::ExistingFile);
    return this;
}

Option* Option::existing_directory() {
    option_->check(CLI::ExistingDirectory);
    return this;
}

Option* Option::as_size() {
    option_->transform(CLI::AsSizeValue(false));
    return this;
}

CommandLine::CommandLine(const std::string& description, const std::string& name)
    : app_(std::make_unique<CLI::App>(description, name)) {
    // "fgread --bogus | fgrender --bogus": which of them complains?
    app_->failure_message([](const CLI::App* app, const CLI::Error& error) {
        return app->get_name() + ": " + error.what() + "; see --help\n";
    });
}

CommandLine::~CommandLine() = default;

void CommandLine::use_wide_help(const std::string& usage) {
    app_->formatter(std::make_shared<WideHelp>(usage));
}

void CommandLine::footer(const std::string& text) { app_->footer(text); }

void CommandLine::set_version_flag(const std::string& text) {
    app_->set_version_flag("--version", text);
}

void CommandLine::prefix_command() { app_->prefix_command(); }

Option* CommandLine::add_option(const std::string& names, std::string& value,
                                const std::string& help) {
    return keep(app_->add_option(names, value, help));
}

Option* CommandLine::add_option(const std::string& names, std::vector<std::string>& value,
                                const std::string& help) {
    return keep(app_->add_option(names, value, help));
}

Option* CommandLine::add_option(const std::string& names, unsigned& value,
                                const std::string& help) {
    return keep(app_->add_option(names, value, help));
}

Option* CommandLine::add_option(const std::string& names, std::uint64_t& value,
                                const std::string& help) {
    return keep(app_->add_option(names, value, help));
}

Option* CommandLine::add_option(const std::string& names, double& value, const std::string& help) {
    return keep(app_->add_option(names, value, help));
}

Option* CommandLine::add_flag(const std::string& names, bool& value, const std::string& help) {
    return keep(app_->add_flag(names, value, help));
}

Option* CommandLine::add_flag(const std::string& names, std::string& value,
                              const std::string& help) {
    return keep(app_->add_flag(names, value, help));
}

Option* CommandLine::add_flag(const std::string& names, std::optional<std::string>& value,
                              const std::string& help) {
    return keep(app_->add_flag(names, value, help));
}

Option* CommandLine::get_option(const std::string& name) { return keep(app_->get_option(name)); }

std::optional<CommandLine::End> CommandLine::parse(int argc, const char* const* argv) {
    return end_of(*app_, [&] { app_->parse(argc, argv); });
}

std::optional<CommandLine::End> CommandLine::parse(const std::vector<std::string>& words) {
    // CLI11 takes them from the end.
    return end_of(*app_,
                  [&] { app_->parse(std::vector<std::string>(words.rbegin(), words.rend())); });
}

std::size_t CommandLine::count(const std::string& name) const { return app_->count(name); }

std::vector<std::string> CommandLine::remaining() const { return app_->remaining(); }

}  // namespace fgread::tools
