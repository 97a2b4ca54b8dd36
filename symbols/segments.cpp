#include "symbols/segments.h"

#include <elf.h>

#include <algorithm>
#include <limits>

namespace fgread {
namespace {

// Pages of 4 KiB are the smallest the kernel maps; on machines with larger ones a mapping begins
// earlier, but never at a file offset that belongs to an earlier segment's address.
constexpr std::uint64_t page = 4096;
constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

struct FileRange {
    std::uint64_t begin = 0, end = 0;
};

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    return b > no_end - a ? no_end : a + b;
}

FileRange whole_pages(const Segment& segment) {
    const std::uint64_t end = saturating_add(segment.offset, segment.file_size);
    return {segment.offset & ~(page - 1),
            end > no_end - page ? no_end : (end + page - 1) & ~(page - 1)};
}

// How well a segment explains a mapping: executable, then begun where the kernel would begin it,
// then ended there, then by the bytes they share.
struct Agreement {
    bool executable = false;
    bool same_begin = false;
    bool same_end = false;
    std::uint64_t shared = 0;
    friend auto operator<=>(const Agreement&, const Agreement&) = default;
};

std::optional<Agreement> agreement(const Segment& segment, const FileRange& mapping) {
    const FileRange pages = whole_pages(segment);
    if (mapping.begin < pages.begin || mapping.begin >= pages.end) return std::nullopt;
    const std::uint64_t begin = std::max(mapping.begin, segment.offset);
    const std::uint64_t end =
        std::min(mapping.end, saturating_add(segment.offset, segment.file_size));
    return Agreement{segment.executable, mapping.begin == pages.begin, mapping.end == pages.end,
                     end > begin ? end - begin : 0};
}

}  // namespace

std::vector<Segment> loaded_segments(const ElfImage& image) {
    std::vector<Segment> loaded;
    std::copy_if(image.segments().begin(), image.segments().end(), std::back_inserter(loaded),
                 [](const Segment& each) { return each.type == PT_LOAD; });
    if (!loaded.empty()) return loaded;
    for (const Section& section : image.sections()) {
        if (!section.executable() || section.type == SHT_NOBITS) continue;
        Segment segment;
        segment.type = PT_LOAD;
        segment.executable = true;
        segment.offset = section.offset;
        segment.address = section.address;
        segment.file_size = segment.memory_size = section.size;
        loaded.push_back(segment);
    }
    return loaded;
}

std::optional<Svma> svma_of_mapping(const std::vector<Segment>& segments, std::uint64_t file_offset,
                                    std::uint64_t length) {
    const FileRange mapping{file_offset, saturating_add(file_offset, length)};
    const Segment* best = nullptr;
    Agreement best_agreement;
    for (const Segment& segment : segments) {
        const std::optional<Agreement> found = agreement(segment, mapping);
        if (!found || (best != nullptr && *found <= best_agreement)) continue;
        best = &segment;
        best_agreement = *found;
    }
    if (best == nullptr) return std::nullopt;
    return Svma{file_offset - best->offset + best->address.value};
}

}  // namespace fgread
