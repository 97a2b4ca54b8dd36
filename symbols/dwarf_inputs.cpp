#include "symbols/dwarf_inputs.h"

#include <optional>
#include <utility>
#include <vector>

#include "symbols/build_id_path.h"

namespace fgread {
namespace {

// Longest path in a .gnu_debugaltlink that is believed (PATH_MAX).
constexpr std::size_t max_altlink_path = 4096;

struct AltLink {
    std::string path;
    BuildId build_id;
};

// .gnu_debugaltlink: a NUL-terminated path, then the build-id of the file it names (dwz(1)).
std::optional<AltLink> read_altlink(const ElfImage& image) {
    const Section* section = image.find_section(".gnu_debugaltlink");
    if (section == nullptr) return std::nullopt;
    const OwnedBytes content = image.contents(*section);
    ByteReader reader(content.view(), image.endian());
    AltLink link;
    link.path = std::string(reader.c_string());
    while (reader.ok() && !reader.at_end()) link.build_id.bytes.push_back(reader.u8());
    if (!reader.ok() || link.path.empty() || link.path.size() > max_altlink_path ||
        link.build_id.empty()) {
        return std::nullopt;
    }
    return link;
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// "dir/../x" without the "..": the openers take none. Debian's links are such: the debug file
// /usr/lib/debug/.build-id/ab/c.debug names ../../.dwz/x.debug.
std::string resolved(const std::string& directory, const std::string& link) {
    if (link.starts_with('/')) return link;
    std::string result = directory;
    std::size_t at = 0;
    while (at < link.size()) {
        const std::size_t end = std::min(link.find('/', at), link.size());
        const std::string part = link.substr(at, end - at);
        if (part == "..")
            result = directory_of(result);
        else if (!part.empty() && part != ".")
            result += "/" + part;
        at = end + 1;
    }
    return result;
}

std::optional<ElfImage> open_elf(const std::string& path, const std::string& root) {
    OpenFailure failure{};
    std::optional<RegularFile> file = RegularFile::open(path, root, failure);
    return file ? ElfImage::read(std::move(*file)) : std::nullopt;
}

std::optional<DwarfSections> read_split(const std::string& path, const std::string& root) {
    const std::optional<ElfImage> image = open_elf(path, root);
    if (!image) return std::nullopt;
    return read_dwarf_sections(*image, DwarfFlavour::split);
}

std::optional<DwarfSections> find_supplementary(const ElfImage& debug_image,
                                                const std::string& debug_path,
                                                const std::string& root,
                                                const DebugDirectories& directories) {
    const std::optional<AltLink> link = read_altlink(debug_image);
    if (!link) return std::nullopt;
    const bool beneath = !root.empty() && debug_path.starts_with(root);
    const std::string directory_here =
        directory_of(beneath ? debug_path.substr(root.size()) : debug_path);
    std::vector<std::pair<std::string, std::string>> places{
        {resolved(directory_here, link->path), beneath ? root : std::string()}};
    for (const std::string& directory : directories.extra) {
        places.emplace_back(build_id_debug_path(directory, link->build_id), "");
    }
    places.emplace_back(build_id_debug_path(directories.system, link->build_id), root);
    if (!root.empty()) {
        places.emplace_back(build_id_debug_path(directories.system, link->build_id), "");
    }
    for (const auto& [path, top] : places) {
        const std::optional<ElfImage> image = open_elf(path, top);
        if (image && image->build_id() == link->build_id) {
            // The lines of all units are in the file that has the units.
            return read_dwarf_sections(*image, DwarfFlavour::whole, DwarfLines::skip);
        }
    }
    return std::nullopt;
}

}  // namespace

DwarfInputs gather_dwarf(const ElfImage& debug_image, const std::string& debug_path,
                         const std::string& binary_path, bool in_symfs,
                         const DebugDirectories& directories, DwarfLines lines) {
    const std::string root = in_symfs ? directories.symfs : std::string();
    DwarfInputs inputs;
    inputs.debug_file = read_dwarf_sections(debug_image, DwarfFlavour::whole, lines);
    inputs.supplementary = find_supplementary(debug_image, debug_path, root, directories);
    inputs.package = read_split(binary_path + ".dwp", root);
    inputs.open_split = [root](const std::string& path) { return read_split(path, root); };
    return inputs;
}

std::uint64_t gathered_dwarf_bytes(const ElfImage& debug_image, const std::string& binary_path,
                                   const std::string& root, DwarfLines lines) {
    std::uint64_t bytes = dwarf_section_bytes(debug_image, DwarfFlavour::whole, lines);
    if (const std::optional<ElfImage> package = open_elf(binary_path + ".dwp", root)) {
        bytes += dwarf_section_bytes(*package, DwarfFlavour::split, lines);
    }
    return bytes;
}

}  // namespace fgread
