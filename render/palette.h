// Colours of frames.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fgread {

struct Color {
    std::uint8_t red = 0;
    std::uint8_t green = 0;
    std::uint8_t blue = 0;
    friend bool operator==(const Color&, const Color&) = default;
};

// "#rrggbb".
[[nodiscard]] std::string hex(Color color);
// Whether white text reads better on it than black (WCAG's relative luminance below 0.18).
[[nodiscard]] bool is_dark(Color color);

// Those of flamegraph.pl and inferno-flamegraph by their names, and `module`.
enum class ColorScheme {
    hot,
    mem,
    io,
    wakeup,
    chain,
    java,
    js,
    perl,
    python,
    rust,
    module,
    red,
    green,
    blue,
    aqua,
    yellow,
    purple,
    orange
};
[[nodiscard]] std::optional<ColorScheme> color_scheme(std::string_view name);
// All their names, separated by ", ".
[[nodiscard]] std::string color_scheme_names();

// How a name varies the colours of its scheme.
enum class ColorSpread {
    by_name,     // any two names differ
    by_similar,  // names that begin alike look alike (flamegraph.pl's --hash)
};

// Depends on nothing but its arguments: a function has the same colour in every picture. Kinds of
// code are told by the marks _[k] kernel, _[j] JIT, _[i] inlined, _[w] waker, else by the look of
// the name. What has no name, "[unknown]" and the separators "-" and "--", is grey.
[[nodiscard]] Color color_of(std::string_view name, ColorScheme scheme, ColorSpread spread);

// As ColorScheme::module, of a function that is known to be in `module`.
[[nodiscard]] Color color_in_module(std::string_view module, std::string_view name);

// White if `change` is 0, full red if it is `greatest`, full blue if it is -`greatest`.
[[nodiscard]] Color color_of_change(double change, double greatest);

// What belongs to one module, for ColorScheme::module: "libc.so.6" of "[libc.so.6]" and of
// "libc.so.6`read", the kernel of what is marked so, else the outermost namespace, crate or
// package.
[[nodiscard]] std::string_view module_of(std::string_view name);

// Colours that are kept between runs in flamegraph.pl's palette.map: lines "name->rgb(r,g,b)".
class PaletteMap {
public:
    // Lines that are none of that are left out.
    void read(std::string_view text);
    [[nodiscard]] std::string text() const;
    // The colour kept for `name`; `color` from now on if there was none.
    Color keep(std::string_view name, Color color);

private:
    std::map<std::string, Color, std::less<>> colors_;
};

}  // namespace fgread
