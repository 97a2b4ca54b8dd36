// HelpText: what --help of all tools looks like.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace fgread::tools {

// Help for terminals of 100 columns: long descriptions are broken, and the values that flags stand
// for are left out ("--cp", not "--cp{palette.map}").
class HelpText : public CLI::Formatter {
public:
    HelpText() { column_width(name_columns); }
    std::string make_option_name(const CLI::Option* option, bool positional) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
    std::string make_option_desc(const CLI::Option* option) const override;

private:
    static constexpr std::size_t name_columns = 34;
    static constexpr std::size_t columns = 100;
};

}  // namespace fgread::tools
