#include "tools/help_text.h"

#include <algorithm>
#include <regex>

namespace fgread::tools {

std::string HelpText::make_option_name(const CLI::Option* option, bool positional) const {
    static const std::regex flag_value("\\{[^}]*\\}");
    return std::regex_replace(CLI::Formatter::make_option_name(option, positional), flag_value, "");
}

// Without the list of options it excludes, for which the column has no room.
std::string HelpText::make_option_opts(const CLI::Option* option) const {
    const std::string text = Formatter::make_option_opts(option);
    return text.substr(0, text.find(" Excludes:"));
}

std::string HelpText::make_option_desc(const CLI::Option* option) const {
    std::string text = CLI::Formatter::make_option_desc(option);
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

}  // namespace fgread::tools
