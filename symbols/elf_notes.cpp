#include "symbols/elf_notes.h"

#include <algorithm>
#include <string_view>

namespace fgread {
namespace {

constexpr std::uint32_t note_build_id = 3;  // NT_GNU_BUILD_ID
constexpr std::size_t max_build_id = 64;
constexpr std::size_t legacy_build_id = 20;  // perf's BUILD_ID_SIZE

std::uint64_t align4(std::uint32_t size) { return (std::uint64_t{size} + 3) & ~std::uint64_t{3}; }

bool is_gnu(ByteView name) {
    constexpr std::string_view gnu("GNU\0", 4);
    return std::equal(name.begin(), name.end(), gnu.begin(), gnu.end(),
                      [](std::byte a, char b) { return std::to_integer<char>(a) == b; });
}

}  // namespace

BuildId build_id_of_notes(ByteView notes, Endian endian) {
    ByteReader reader(notes, endian);
    while (reader.ok() && !reader.at_end()) {
        const std::uint32_t name_size = reader.u32();
        const std::uint32_t descriptor_size = reader.u32();
        const std::uint32_t type = reader.u32();
        const ByteView name = reader.bytes(name_size);
        reader.skip(align4(name_size) - name_size);
        const ByteView descriptor = reader.bytes(descriptor_size);
        if (!reader.ok()) break;
        if (type == note_build_id && is_gnu(name) && !descriptor.empty() &&
            descriptor.size() <= max_build_id) {
            BuildId id;
            for (const std::byte byte : descriptor) {
                id.bytes.push_back(std::to_integer<std::uint8_t>(byte));
            }
            return id;
        }
        reader.skip(
            std::min<std::uint64_t>(align4(descriptor_size) - descriptor_size, reader.remaining()));
    }
    return {};
}

bool same_build_id(const BuildId& recorded, const BuildId& of_file) {
    if (recorded.empty() || of_file.empty()) return false;
    if (recorded.bytes.size() < of_file.bytes.size()) return false;
    if (recorded.bytes.size() > of_file.bytes.size() && recorded.bytes.size() != legacy_build_id) {
        return false;
    }
    const auto rest =
        std::mismatch(of_file.bytes.begin(), of_file.bytes.end(), recorded.bytes.begin()).first;
    if (rest != of_file.bytes.end()) return false;
    return std::all_of(recorded.bytes.begin() + static_cast<std::ptrdiff_t>(of_file.bytes.size()),
                       recorded.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace fgread
