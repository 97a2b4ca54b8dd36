#include "collapse/event_selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>

namespace fgread {
namespace {

// The event of a hybrid CPU without its PMU: "cycles:u" of "cpu_core/cycles/u". Else the name.
std::string base_name(const std::string& name) {
    constexpr std::string_view pmus[] = {"cpu_core/", "cpu_atom/", "cpu_lowpower/"};
    for (const std::string_view pmu : pmus) {
        if (!name.starts_with(pmu)) continue;
        const std::size_t end = name.rfind('/');
        if (end < pmu.size()) return name;
        const std::string modifiers = name.substr(end + 1);
        const std::string event = name.substr(pmu.size(), end - pmu.size());
        return modifiers.empty() ? event : event + ':' + modifiers;
    }
    return name;
}

bool matches(const std::string& name, const std::string& pattern) {
    // A name may hold what a glob takes for its own: "probe:f[0]".
    return name == pattern || fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

// Sets the attrs that answer to the pattern; false if none does.
bool select(const std::vector<EventAttr>& attrs, const std::string& pattern,
            std::vector<bool>& selected) {
    bool any = false;
    for (std::size_t i = 0; i < attrs.size(); ++i) {
        if (!matches(attrs[i].name, pattern) && !matches(base_name(attrs[i].name), pattern)) {
            continue;
        }
        selected[i] = true;
        any = true;
    }
    return any;
}

// At the commas, but for those within the slashes of "cpu/event=0xc0,umask=1/".
std::vector<std::string> parts_of(const std::string& event) {
    std::vector<std::string> parts(1);
    bool in_slashes = false;
    for (const char c : event) {
        if (c == '/') in_slashes = !in_slashes;
        if (c == ',' && !in_slashes) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

}  // namespace

std::vector<bool> select_events(const std::vector<EventAttr>& attrs, const Profile& profile,
                                const std::string& event) {
    std::vector<bool> selected(attrs.size(), false);
    if (event.empty()) {
        const auto first = std::find_if(profile.events.begin(), profile.events.end(),
                                        [](const EventTotal& total) { return total.samples != 0; });
        if (first == profile.events.end()) return selected;
        const auto index = static_cast<std::size_t>(first - profile.events.begin());
        const std::string& name = attrs[index].name;
        const std::string base = base_name(name);
        for (std::size_t i = 0; i < attrs.size(); ++i) {
            selected[i] = i == index || (base != name && base_name(attrs[i].name) == base);
        }
        return selected;
    }
    if (select(attrs, event, selected)) return selected;
    for (const std::string& part : parts_of(event)) {
        if (!select(attrs, part, selected)) return std::vector<bool>(attrs.size(), false);
    }
    return selected;
}

}  // namespace fgread
