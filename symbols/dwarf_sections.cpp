#include "symbols/dwarf_sections.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <elf.h>

namespace fgread {

namespace {

constexpr std::array<std::string_view, dwarf_section_count> section_names = {
    "info",        "types", "abbrev", "str",      "line_str", "line",
    "str_offsets", "addr",  "ranges", "rnglists", "cu_index", "tu_index",
};

// All sections of one file, expanded: real debug information shrinks to a fifth at best.
constexpr std::uint64_t usual_expansion = 5, max_expansion = 16, always_allowed = 64 << 20;

std::optional<DwarfSection> parse_name(std::string_view name, DwarfFlavour flavour) {
    constexpr std::string_view prefix = ".debug_";
    constexpr std::string_view old_compressed_prefix = ".zdebug_";  // binutils before 2.26
    constexpr std::string_view suffix = ".dwo";
    if (name.starts_with(prefix)) {
        name.remove_prefix(prefix.size());
    } else if (name.starts_with(old_compressed_prefix)) {
        name.remove_prefix(old_compressed_prefix.size());
    } else {
        return std::nullopt;
    }
    // The indexes of a .dwp carry no suffix.
    const bool is_index = name == "cu_index" || name == "tu_index";
    if (flavour == DwarfFlavour::split && !is_index) {
        if (!name.ends_with(suffix)) return std::nullopt;
        name.remove_suffix(suffix.size());
    }
    const auto found = std::find(section_names.begin(), section_names.end(), name);
    if (found == section_names.end()) return std::nullopt;
    return static_cast<DwarfSection>(found - section_names.begin());
}

// Sorted and without overlaps, so that is_code can search.
std::vector<SvmaRange> executable_ranges(const ElfImage& image) {
    std::vector<SvmaRange> code;
    if (image.segments().empty()) return code;  // relocatable: every section starts at 0
    for (const Section& section : image.sections()) {
        const std::uint64_t low = section.address.value;
        if (!section.executable() || section.size == 0 || low > UINT64_MAX - section.size) continue;
        code.push_back({low, low + section.size});
    }
    std::sort(code.begin(), code.end(),
              [](const SvmaRange& a, const SvmaRange& b) { return a.low < b.low; });
    std::size_t kept = 0;
    for (const SvmaRange& range : code) {
        if (kept > 0 && range.low <= code[kept - 1].high) {
            code[kept - 1].high = std::max(code[kept - 1].high, range.high);
        } else {
            code[kept++] = range;
        }
    }
    code.resize(kept);
    return code;
}

// The parts one after the other.
OwnedBytes join(std::vector<OwnedBytes> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    std::size_t size = 0;
    for (const OwnedBytes& part : parts) size += part.size();
    OwnedBytes joined(size);
    auto at = joined.writable().begin();
    for (const OwnedBytes& part : parts) {
        at = std::copy(part.view().begin(), part.view().end(), at);
    }
    return joined;
}

// Nothing of a section that is none of these, or not wanted.
std::optional<DwarfSection> wanted_section(const Section& section, DwarfFlavour flavour,
                                           DwarfLines lines) {
    const auto which = parse_name(section.name, flavour);
    if (!which || section.type == SHT_NOBITS) return std::nullopt;
    // The lines of split units are those of their skeleton, in the main file.
    const bool wants_lines = lines == DwarfLines::read && flavour == DwarfFlavour::whole;
    if (*which == DwarfSection::line && !wants_lines) return std::nullopt;
    return which;
}

}  // namespace

std::uint64_t dwarf_section_bytes(const ElfImage& image, DwarfFlavour flavour, DwarfLines lines) {
    std::uint64_t bytes = 0;
    for (const Section& section : image.sections()) {
        if (!wanted_section(section, flavour, lines)) continue;
        const bool packed =
            (section.flags & SHF_COMPRESSED) != 0 || section.name.starts_with(".zdebug_");
        // What is no size of this file is not read either.
        if (section.size <= image.size()) bytes += section.size * (packed ? usual_expansion : 1);
    }
    return bytes;
}

bool DwarfSections::is_code(std::uint64_t svma) const {
    if (code.empty()) return true;
    const auto after = std::upper_bound(
        code.begin(), code.end(), svma,
        [](std::uint64_t value, const SvmaRange& range) { return value < range.low; });
    return after != code.begin() && svma < std::prev(after)->high;
}

DwarfSections read_dwarf_sections(const ElfImage& image, DwarfFlavour flavour, DwarfLines lines) {
    DwarfSections sections;
    sections.endian = image.endian();
    sections.code = executable_ranges(image);
    std::array<std::vector<OwnedBytes>, dwarf_section_count> parts;
    std::uint64_t room = always_allowed + max_expansion * image.size();
    for (const Section& section : image.sections()) {
        const auto which = wanted_section(section, flavour, lines);
        if (!which) continue;
        const auto index = static_cast<std::size_t>(*which);
        // gcc's type units are sections of their own, in front of the compile unit's.
        const bool has_parts = flavour == DwarfFlavour::split &&
                               (*which == DwarfSection::info || *which == DwarfSection::types);
        if (!parts[index].empty() && !has_parts) continue;
        // Addresses and string offsets of an object file mean nothing before they are relocated.
        // Linked files may keep relocations, too (ld --emit-relocs), but have them applied.
        const bool relocatable =
            image.segments().empty() && image.find_section(".rela" + section.name) != nullptr;
        parts[index].push_back(relocatable ? OwnedBytes() : image.contents(section));
        if (parts[index].back().size() > room) parts[index].back() = {};
        room -= parts[index].back().size();
        if (parts[index].back().empty() && section.size != 0) ++sections.skipped;
    }
    auto store = std::make_shared<std::array<OwnedBytes, dwarf_section_count>>();
    for (std::size_t index = 0; index < parts.size(); ++index) {
        if (!parts[index].empty()) (*store)[index] = join(std::move(parts[index]));
        sections.bytes[index] = (*store)[index].view();
    }
    sections.owner = std::move(store);
    return sections;
}

}  // namespace fgread
