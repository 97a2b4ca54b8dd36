#include "render/palette.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "render/append_format.h"

namespace fgread {

namespace {

// Ranges of hue (degrees), saturation and lightness. Light enough for black text: at least 5 : 1.
struct Family {
    double hue_from, hue_to;
    double saturation_from, saturation_to;
    double lightness_from, lightness_to;
};

constexpr Family hot_family{8, 50, 0.84, 0.96, 0.60, 0.67};
constexpr Family mem_family{90, 165, 0.42, 0.60, 0.58, 0.70};
constexpr Family io_family{205, 245, 0.60, 0.80, 0.70, 0.80};
constexpr Family red_family{0, 12, 0.80, 0.90, 0.66, 0.74};
constexpr Family green_family{96, 138, 0.48, 0.62, 0.60, 0.70};
constexpr Family blue_family{206, 226, 0.70, 0.85, 0.70, 0.78};
constexpr Family aqua_family{172, 190, 0.50, 0.62, 0.58, 0.70};
constexpr Family yellow_family{44, 56, 0.80, 0.92, 0.58, 0.68};
constexpr Family purple_family{268, 305, 0.55, 0.70, 0.74, 0.80};
constexpr Family orange_family{24, 36, 0.88, 0.96, 0.60, 0.68};
constexpr Family grey_family{220, 220, 0.04, 0.08, 0.80, 0.84};

constexpr std::array scheme_names = {
    std::pair{"hot", ColorScheme::hot},       std::pair{"mem", ColorScheme::mem},
    std::pair{"io", ColorScheme::io},         std::pair{"wakeup", ColorScheme::wakeup},
    std::pair{"chain", ColorScheme::chain},   std::pair{"java", ColorScheme::java},
    std::pair{"js", ColorScheme::js},         std::pair{"perl", ColorScheme::perl},
    std::pair{"python", ColorScheme::python}, std::pair{"rust", ColorScheme::rust},
    std::pair{"module", ColorScheme::module}, std::pair{"red", ColorScheme::red},
    std::pair{"green", ColorScheme::green},   std::pair{"blue", ColorScheme::blue},
    std::pair{"aqua", ColorScheme::aqua},     std::pair{"yellow", ColorScheme::yellow},
    std::pair{"purple", ColorScheme::purple}, std::pair{"orange", ColorScheme::orange},
};

// FNV-1a, mixed: short names that differ in one letter shall differ in colour.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char byte : text) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    }
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
    return hash ^ (hash >> 33);
}

// Between 0 and 1.
double fraction(std::uint64_t bits) { return static_cast<double>(bits & 0xffff) / 0xffff; }

// Between 0 and 1: the first letters count most.
double similarity(std::string_view name) {
    double value = 0;
    double weight = 1;
    double greatest = 0;
    for (const char byte : name.substr(0, 12)) {
        value += weight * (static_cast<unsigned char>(byte) % 32) / 31.0;
        greatest += weight;
        weight *= 0.6;
    }
    return greatest == 0 ? 0 : value / greatest;
}

std::uint8_t channel(double hue, double saturation, double lightness, double offset) {
    const double k = std::fmod(offset + hue / 30, 12);
    const double amplitude = saturation * std::min(lightness, 1 - lightness);
    const double value = lightness - amplitude * std::max(-1.0, std::min({k - 3, 9 - k, 1.0}));
    return static_cast<std::uint8_t>(std::lround(value * 255));
}

Color from_hsl(double hue, double saturation, double lightness) {
    return {channel(hue, saturation, lightness, 0), channel(hue, saturation, lightness, 8),
            channel(hue, saturation, lightness, 4)};
}

Color shade(const Family& family, std::string_view name, ColorSpread spread) {
    const std::uint64_t hash = hash_of(name);
    const double first = spread == ColorSpread::by_similar ? similarity(name) : fraction(hash);
    const auto between = [](double from, double to, double at) { return from + (to - from) * at; };
    return from_hsl(between(family.hue_from, family.hue_to, first),
                    between(family.saturation_from, family.saturation_to, fraction(hash >> 16)),
                    between(family.lightness_from, family.lightness_to, fraction(hash >> 32)));
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool is_kernel(std::string_view name) {
    return name.ends_with("_[k]") || name == "[kernel]" || name.starts_with("[kernel.") ||
           name.starts_with("[guest.kernel.");
}

bool is_nameless(std::string_view name) {
    return name == "[unknown]" || name == "-" || name == "--" || name == "unknown";
}

const Family& java_family(std::string_view name) {
    if (name.ends_with("_[j]")) return green_family;
    if (name.ends_with("_[i]")) return aqua_family;
    if (is_kernel(name)) return orange_family;
    std::string_view path = name;
    if (path.starts_with('L')) path.remove_prefix(1);
    for (const std::string_view package :
         {"java/", "javax/", "jdk/", "net/", "org/", "com/", "io/", "sun/"}) {
        if (path.starts_with(package)) return green_family;
    }
    if (contains(name, ":::")) return green_family;  // perf-map-agent's separator of methods
    return contains(name, "::") ? yellow_family : red_family;
}

const Family& js_family(std::string_view name) {
    if (name.ends_with("_[j]")) return contains(name, "/") ? green_family : aqua_family;
    if (is_kernel(name)) return orange_family;
    if (contains(name, "::")) return yellow_family;
    if (contains(name, "/") && contains(name, ".js")) return green_family;
    return contains(name, ":") ? aqua_family : red_family;
}

const Family& script_family(std::string_view name, std::string_view language,
                            std::string_view ending) {
    if (is_kernel(name)) return orange_family;
    if (contains(name, language) || contains(name, ending)) return green_family;
    return contains(name, "::") ? yellow_family : red_family;
}

const Family& rust_family(std::string_view name) {
    if (is_kernel(name)) return orange_family;
    // "<T as Trait>::method" belongs to the crate of T.
    while (!name.empty() && (name.front() == '<' || name.front() == '&')) name.remove_prefix(1);
    for (const std::string_view crate : {"std::", "core::", "alloc::", "__rust"}) {
        if (name.starts_with(crate)) return aqua_family;
    }
    return contains(name, "::") ? yellow_family : red_family;
}

const Family& family_of(std::string_view name, ColorScheme scheme) {
    switch (scheme) {
        case ColorScheme::hot:
            return hot_family;
        case ColorScheme::mem:
            return mem_family;
        case ColorScheme::io:
            return io_family;
        case ColorScheme::wakeup:
            return aqua_family;
        case ColorScheme::chain:
            return name.ends_with("_[w]") ? aqua_family : blue_family;
        case ColorScheme::java:
            return java_family(name);
        case ColorScheme::js:
            return js_family(name);
        case ColorScheme::perl:
            return script_family(name, "Perl", ".pl");
        case ColorScheme::python:
            return script_family(name, "py::", ".py");
        case ColorScheme::rust:
            return rust_family(name);
        case ColorScheme::red:
            return red_family;
        case ColorScheme::green:
            return green_family;
        case ColorScheme::blue:
            return blue_family;
        case ColorScheme::aqua:
            return aqua_family;
        case ColorScheme::yellow:
            return yellow_family;
        case ColorScheme::purple:
            return purple_family;
        case ColorScheme::orange:
            return orange_family;
        case ColorScheme::module:
            break;  // has no family
    }
    return grey_family;
}

std::optional<Color> color_from(std::string_view text) {
    if (!text.starts_with("rgb(") || !text.ends_with(')')) return std::nullopt;
    text.remove_prefix(4);
    std::array<std::uint8_t, 3> channels{};
    for (std::size_t i = 0; i < channels.size(); ++i) {
        while (text.starts_with(' ')) text.remove_prefix(1);
        const auto read = std::from_chars(text.data(), text.data() + text.size(), channels[i]);
        if (read.ec != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
        if (!text.starts_with(i < 2 ? ',' : ')')) return std::nullopt;
        text.remove_prefix(1);
    }
    return text.empty() ? std::optional(Color{channels[0], channels[1], channels[2]})
                        : std::nullopt;
}

}  // namespace

std::string hex(Color color) {
    return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
}

bool is_dark(Color color) {
    const auto linear = [](std::uint8_t value) {
        const double share = value / 255.0;
        return share <= 0.03928 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue) <
           0.18;
}

std::optional<ColorScheme> color_scheme(std::string_view name) {
    for (const auto& [text, scheme] : scheme_names) {
        if (name == text) return scheme;
    }
    return std::nullopt;
}

std::string color_scheme_names() {
    std::string names;
    for (const auto& [text, scheme] : scheme_names) {
        if (!names.empty()) names += ", ";
        names += text;
    }
    return names;
}

Color color_of(std::string_view name, ColorScheme scheme, ColorSpread spread) {
    if (is_nameless(name)) return shade(grey_family, name, ColorSpread::by_name);
    if (scheme == ColorScheme::module) return color_in_module(module_of(name), name);
    return shade(family_of(name, scheme), name, spread);
}

Color color_of_change(double change, double greatest) {
    constexpr double neutral[] = {240, 240, 240};
    constexpr double more[] = {255, 84, 72};
    constexpr double less[] = {84, 140, 255};
    // Not linear: a change of a tenth of the greatest shall still be seen.
    const double strength =
        greatest > 0 ? std::pow(std::min(1.0, std::abs(change) / greatest), 0.6) : 0;
    const double* full = change > 0 ? more : less;
    const auto mixed = [&](int i) {
        return static_cast<std::uint8_t>(
            std::lround(neutral[i] + (full[i] - neutral[i]) * strength));
    };
    return {mixed(0), mixed(1), mixed(2)};
}

// The module decides the hue, the name how light it is.
Color color_in_module(std::string_view module, std::string_view name) {
    const std::uint64_t hue = hash_of(module);
    return from_hsl(fraction(hue) * 360, 0.45 + 0.25 * fraction(hue >> 16),
                    0.66 + 0.12 * fraction(hash_of(name)));
}

std::string_view module_of(std::string_view name) {
    if (is_kernel(name)) return "[kernel]";
    if (name.ends_with("_[j]")) return "[jit]";
    const std::size_t tick = name.find('`');
    if (tick != std::string_view::npos) return name.substr(0, tick);
    if (name.starts_with('[')) {
        const std::string_view inner = name.substr(1);
        return inner.substr(0, std::min(inner.find(' '), inner.find(']')));
    }
    while (!name.empty() && (name.front() == '<' || name.front() == '&')) name.remove_prefix(1);
    const std::size_t scope = name.find("::");
    const std::size_t package = name.find_first_of("./");
    const std::size_t end = std::min(scope, package);
    // Arguments of a template say nothing about whose function it is.
    if (end != std::string_view::npos && name.find_first_of("<( ") > end) {
        return name.substr(0, end);
    }
    return "";
}

void PaletteMap::read(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        // The last arrow: names have some of their own ("operator->").
        const std::size_t arrow = line.rfind("->");
        if (arrow == std::string_view::npos) continue;
        const std::optional<Color> color = color_from(line.substr(arrow + 2));
        if (color) colors_.insert_or_assign(std::string(line.substr(0, arrow)), *color);
    }
}

std::string PaletteMap::text() const {
    std::string text;
    for (const auto& [name, color] : colors_) {
        append_format(text, "{}->rgb({},{},{})\n", name, color.red, color.green, color.blue);
    }
    return text;
}

Color PaletteMap::keep(std::string_view name, Color color) {
    const auto found = colors_.find(name);
    if (found != colors_.end()) return found->second;
    colors_.emplace(name, color);
    return color;
}

}  // namespace fgread
