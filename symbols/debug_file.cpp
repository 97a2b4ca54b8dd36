#include "symbols/debug_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include "symbols/binary_archive.h"
#include "symbols/build_id_path.h"
#include "symbols/debuginfod.h"
#include "symbols/elf_notes.h"

namespace fgread {
namespace {

// A debuglink names a file in a directory.
constexpr std::size_t max_link_name = 255;
constexpr std::size_t crc_block = 1 << 20;
// Checked only for files without a build-id, which large programs always have.
constexpr std::uint64_t max_crc_file = std::uint64_t{4} << 30;

struct DebugLink {
    std::string name;
    std::uint32_t crc = 0;
};

// File name, NUL, padding to four bytes, CRC (GDB manual, "Separate Debug Files").
std::optional<DebugLink> read_debug_link(const ElfImage& binary) {
    const Section* section = binary.find_section(".gnu_debuglink");
    if (section == nullptr || section->size > max_link_name + 8) return std::nullopt;
    const OwnedBytes bytes = binary.contents(*section);
    ByteReader reader(bytes.view(), binary.endian());
    DebugLink link;
    link.name = reader.c_string();
    reader.seek((reader.position() + 3) & ~std::size_t{3});
    link.crc = reader.u32();
    if (!reader.ok() || link.name.empty() || link.name == "." || link.name == ".." ||
        link.name.find('/') != std::string::npos) {
        return std::nullopt;
    }
    return link;
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool has_crc(const ElfImage& image, std::uint32_t expected) {
    if (image.size() > max_crc_file) return false;
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < image.size(); at += crc_block) {
        const std::uint64_t size = std::min<std::uint64_t>(crc_block, image.size() - at);
        const OwnedBytes block = image.read_range(at, size);
        if (block.size() != size) return false;
        crc = crc32(crc, block.view());
    }
    return crc == expected;
}

class Search {
public:
    Search(const ElfImage& binary, const std::string& binary_path, bool in_symfs,
           const DebugDirectories& directories)
        : binary_(binary), path_(binary_path), in_symfs_(in_symfs), directories_(directories) {}

    std::optional<DebugFile> by_build_id() const {
        const BuildId& id = binary_.build_id();
        if (id.empty()) return std::nullopt;
        std::optional<DebugFile> found;
        for (const std::string& directory : directories_.extra) {
            found = open(build_id_debug_path(directory, id), {}, nullptr);
            if (found) return found;
        }
        if (!directories_.system.empty()) {
            const std::string path = build_id_debug_path(directories_.system, id);
            if (!directories_.symfs.empty()) found = open(path, directories_.symfs, nullptr);
            if (!found) found = open(path, {}, nullptr);
        }
        if (!found && !directories_.build_id_cache.empty()) {
            found =
                open(build_id_cache_path(directories_.build_id_cache, id, "debug"), {}, nullptr);
        }
        return found;
    }

    std::optional<DebugFile> by_archive() const {
        for (const auto& archive : directories_.archives) {
            const BinaryArchive::Member* member = archive->find(binary_.build_id(), "debug");
            if (member == nullptr) continue;
            std::optional<ElfImage> image = ElfImage::read(member->content);
            if (!image || !belongs(*image, nullptr)) continue;
            return DebugFile{std::move(*image), archive->path() + ": " + member->name};
        }
        return std::nullopt;
    }

    std::optional<DebugFile> fetched() const {
        const BuildId& id = binary_.build_id();
        const bool complete = binary_.find_section(".debug_info") != nullptr ||
                              binary_.find_section(".zdebug_info") != nullptr;
        if (id.empty() || complete || !directories_.debuginfod) return std::nullopt;
        const std::optional<std::string> path =
            directories_.debuginfod->fetch(id, Debuginfod::File::debug_info);
        return path ? open(*path, {}, nullptr) : std::nullopt;
    }

    // "<directory>/usr/bin/x.debug", as debug packages have it.
    std::optional<DebugFile> by_path() const {
        if (directories_.extra.empty() || !path_.starts_with('/')) return std::nullopt;
        const std::optional<DebugLink> link = read_debug_link(binary_);
        for (const std::string& directory : directories_.extra) {
            const std::string path = directory + path_ + ".debug";
            if (auto found = open(path, {}, link ? &*link : nullptr)) return found;
        }
        return std::nullopt;
    }

    std::optional<DebugFile> by_link() const {
        const std::optional<DebugLink> link = read_debug_link(binary_);
        if (!link || path_.empty() || path_[0] != '/') return std::nullopt;
        const std::string directory = directory_of(path_);
        for (const std::string& extra : directories_.extra) {
            if (auto found = open(extra + directory + "/" + link->name, {}, &*link)) return found;
        }
        const std::string root = in_symfs_ ? directories_.symfs : std::string();
        std::vector<std::string> places{directory + "/", directory + "/.debug/"};
        if (!directories_.system.empty()) places.push_back(directories_.system + directory + "/");
        for (const std::string& place : places) {
            if (auto found = open(place + link->name, root, &*link)) return found;
        }
        // A copy of the recorded machine's files seldom has its debug files; ours may be the same.
        if (root.empty() || directories_.system.empty()) return std::nullopt;
        return open(places.back() + link->name, {}, &*link);
    }

private:
    std::optional<DebugFile> open(const std::string& path, const std::string& root,
                                  const DebugLink* link) const {
        OpenFailure failure{};
        std::optional<RegularFile> file = RegularFile::open(path, root, failure);
        // A debuglink may name the binary itself: "foo" stripped in place beside "foo".
        if (!file || file->identity() == binary_.identity()) return std::nullopt;
        std::optional<ElfImage> image = ElfImage::read(std::move(*file));
        if (!image || !belongs(*image, link)) return std::nullopt;
        return DebugFile{std::move(*image), root + path};
    }

    bool belongs(const ElfImage& candidate, const DebugLink* link) const {
        if (candidate.machine() != binary_.machine()) return false;
        if (!candidate.build_id().empty() && !binary_.build_id().empty()) {
            return candidate.build_id() == binary_.build_id();
        }
        return link != nullptr && has_crc(candidate, link->crc);
    }

    const ElfImage& binary_;
    const std::string& path_;
    bool in_symfs_;
    const DebugDirectories& directories_;
};

constexpr std::array<std::uint32_t, 256> crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
        }
        table[byte] = value;
    }
    return table;
}

}  // namespace

std::optional<DebugFile> find_debug_file(const ElfImage& binary, const std::string& binary_path,
                                         bool in_symfs, const DebugDirectories& directories) {
    const Search search(binary, binary_path, in_symfs, directories);
    std::optional<DebugFile> found = search.by_build_id();
    if (!found) found = search.by_path();
    if (!found) found = search.by_link();
    if (!found) found = search.by_archive();
    return found ? std::move(found) : search.fetched();
}

std::uint32_t crc32(std::uint32_t crc, ByteView bytes) {
    static constexpr std::array<std::uint32_t, 256> table = crc_table();
    crc = ~crc;
    for (const std::byte byte : bytes) {
        crc = (crc >> 8) ^ table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
    }
    return ~crc;
}

}  // namespace fgread
