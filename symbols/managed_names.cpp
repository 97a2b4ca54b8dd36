#include "symbols/managed_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace fgread {
namespace {

constexpr std::string_view ocaml_prefix = "caml";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alphanumeric(char c) { return is_digit(c) || is_upper(c) || is_lower(c); }

// A Java identifier; identifiers may have any letters of Unicode.
bool is_java(char c) {
    return is_alphanumeric(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_java_class(char c) { return is_java(c) || c == '.' || c == '/' || c == '-'; }

bool all_of(std::string_view text, bool (*fits)(char)) {
    return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// "_487" at the end.
std::string_view without_stamp(std::string_view name) {
    std::size_t end = name.size();
    while (end > 0 && is_digit(name[end - 1])) --end;
    return end < name.size() && end > 1 && name[end - 1] == '_' ? name.substr(0, end - 1) : name;
}

// "$3d" at `at`.
std::optional<char> hexadecimal(std::string_view name, std::size_t at) {
    if (name.size() - at < 3) return std::nullopt;
    unsigned value = 0;
    const char* first = name.data() + at + 1;
    const auto [end, error] = std::from_chars(first, first + 2, value, 16);
    if (error != std::errc{} || end != first + 2) return std::nullopt;
    return static_cast<char>(value);
}

constexpr std::array<std::pair<std::string_view, char>, 18> scala_operators = {{
    {"$plus", '+'},
    {"$minus", '-'},
    {"$times", '*'},
    {"$div", '/'},
    {"$percent", '%'},
    {"$eq", '='},
    {"$less", '<'},
    {"$greater", '>'},
    {"$bang", '!'},
    {"$amp", '&'},
    {"$bar", '|'},
    {"$up", '^'},
    {"$tilde", '~'},
    {"$qmark", '?'},
    {"$at", '@'},
    {"$hash", '#'},
    {"$colon", ':'},
    {"$bslash", '\\'},
}};

std::string with_scala_operators(std::string_view name) {
    std::string out;
    for (std::size_t at = 0; at < name.size();) {
        const std::string_view rest = name.substr(at);
        const auto found =
            std::find_if(scala_operators.begin(), scala_operators.end(), [&](const auto& each) {
                // "$upper" is a name of its own.
                return rest.starts_with(each.first) &&
                       (rest.size() == each.first.size() || !is_lower(rest[each.first.size()]));
            });
        const bool is_operator = found != scala_operators.end();
        out += is_operator ? found->second : rest.front();
        at += is_operator ? found->first.size() : 1;
    }
    return out;
}

std::string with_dots(std::string_view path) {
    std::string out(path);
    std::replace(out.begin(), out.end(), '/', '.');
    return out;
}

std::string_view primitive(char letter) {
    switch (letter) {
        case 'B':
            return "byte";
        case 'C':
            return "char";
        case 'D':
            return "double";
        case 'F':
            return "float";
        case 'I':
            return "int";
        case 'J':
            return "long";
        case 'S':
            return "short";
        case 'Z':
            return "boolean";
        default:
            return {};
    }
}

// "(I[Ljava/x/Y;)V" (JVM specification, 4.3.3) as "(int, java.x.Y[])".
std::optional<std::string> descriptor(std::string_view text) {
    const std::size_t close = text.find(')');
    if (!text.starts_with('(') || close == std::string_view::npos) return std::nullopt;
    std::string out = "(";
    std::string dimensions;
    for (std::size_t at = 1; at < close; ++at) {
        if (text[at] == '[') {
            dimensions += "[]";
            continue;
        }
        if (out.size() > 1) out += ", ";
        if (text[at] == 'L') {
            const std::size_t end = text.find(';', at);
            if (end > close) return std::nullopt;
            out += with_dots(text.substr(at + 1, end - at - 1));
            at = end;
        } else {
            const std::string_view type = primitive(text[at]);
            if (type.empty()) return std::nullopt;
            out += type;
        }
        out += std::exchange(dimensions, {});
    }
    return out + ")";
}

bool is_method(std::string_view name) {
    return name == "<init>" || name == "<clinit>" || all_of(name, is_java);
}

struct Method {
    std::string_view class_name, name, parameters;
};

// "Lcom/foo/Bar;::baz" and "com/foo/Bar::baz", with or without a descriptor behind.
std::optional<Method> split(std::string_view name) {
    Method method;
    const std::size_t open = name.find('(');
    if (open != std::string_view::npos) method.parameters = name.substr(open);
    name = name.substr(0, open);
    const std::size_t colons = name.find("::");
    if (colons == std::string_view::npos) return std::nullopt;
    method.class_name = name.substr(0, colons);
    method.name = name.substr(colons + 2);
    return method;
}

std::optional<std::string> by_path(std::string_view name, bool parameters) {
    const std::optional<Method> method = split(name);
    if (!method || !is_method(method->name)) return std::nullopt;
    std::string_view path = method->class_name;
    if (path.starts_with('L') && path.ends_with(';')) {
        path = path.substr(1, path.size() - 2);
    } else if (path.find('/') == std::string_view::npos) {
        return std::nullopt;
    }
    if (!all_of(path, is_java_class) || path.front() == '/') return std::nullopt;
    std::string out = with_dots(with_scala_operators(path)) + "::";
    out += with_scala_operators(method->name);
    if (method->parameters.empty()) return out;
    const std::optional<std::string> types = descriptor(method->parameters);
    if (!types) return std::nullopt;
    return parameters ? out + *types : out;
}

// "void com.foo.Bar::baz(int)": Java alone has a return type and dots in front of the colons.
std::optional<std::string> by_signature(std::string_view name, bool parameters) {
    const std::size_t blank = name.find(' ');
    if (blank == std::string_view::npos || !name.ends_with(')')) return std::nullopt;
    const auto is_type = [](char c) { return is_java_class(c) || c == '[' || c == ']'; };
    if (!all_of(name.substr(0, blank), is_type)) return std::nullopt;
    const std::optional<Method> method = split(name.substr(blank + 1));
    if (!method || method->parameters.empty() || !is_method(method->name)) return std::nullopt;
    if (!all_of(method->class_name, is_java_class) ||
        method->class_name.find('.') == std::string_view::npos) {
        return std::nullopt;
    }
    std::string out = with_scala_operators(method->class_name) + "::";
    out += with_scala_operators(method->name);
    return parameters ? out.append(method->parameters) : out;
}

}  // namespace

std::optional<std::string> ocaml_name(std::string_view name) {
    if (!name.starts_with(ocaml_prefix)) return std::nullopt;
    name = without_stamp(name.substr(ocaml_prefix.size()));
    if (name.empty() || !is_upper(name.front())) return std::nullopt;
    std::string out;
    bool separated = false;
    for (std::size_t at = 0; at < name.size(); ++at) {
        const char c = name[at];
        if (c == '.' || name.substr(at).starts_with("__")) {
            at += c == '.' ? 0 : 1;
            if (at + 1 == name.size()) return std::nullopt;
            out += '.';
            separated = true;
        } else if (c == '$') {
            const std::optional<char> decoded = hexadecimal(name, at);
            if (!decoded) return std::nullopt;
            out += *decoded;
            at += 2;
        } else if (is_alphanumeric(c) || c == '_' || c == '\'') {
            out += c;
        } else {
            return std::nullopt;
        }
    }
    return separated ? std::optional(out) : std::nullopt;
}

std::optional<std::string> java_name(std::string_view name, bool parameters) {
    std::optional<std::string> found = by_path(name, parameters);
    return found ? found : by_signature(name, parameters);
}

}  // namespace fgread
