#include "symbols/initializers.h"

#include <elf.h>

#include <algorithm>

namespace fgread {
namespace {

// libz3 has 753 of them, 6 KB; what is behind is not read.
constexpr std::uint64_t max_array_bytes = 64 << 10;
// A few dozen entries of 16 bytes, one for each library that is needed.
constexpr std::uint64_t max_dynamic_bytes = 64 << 10;
// libLLVM, with the most of all that were seen, has 8 MB.
constexpr std::uint64_t max_relocation_bytes = 64 << 20;
constexpr std::uint64_t slot_size = 8;
// Of all arrays together; relocations may name the same slot again and again.
constexpr std::size_t max_functions = 3 * max_array_bytes / slot_size;

struct Table {
    std::uint64_t address = 0, size = 0;
    [[nodiscard]] bool holds(std::uint64_t slot) const { return slot - address < size; }
};

// What of the dynamic section matters here.
struct Dynamic {
    std::uint64_t init_function = 0, fini_function = 0;
    Table before_init, init, fini, relocations;

    void take(std::uint64_t tag, std::uint64_t value) {
        switch (tag) {
            case DT_INIT:
                init_function = value;
                break;
            case DT_FINI:
                fini_function = value;
                break;
            case DT_PREINIT_ARRAY:
                before_init.address = value;
                break;
            case DT_PREINIT_ARRAYSZ:
                before_init.size = std::min(value, max_array_bytes);
                break;
            case DT_INIT_ARRAY:
                init.address = value;
                break;
            case DT_INIT_ARRAYSZ:
                init.size = std::min(value, max_array_bytes);
                break;
            case DT_FINI_ARRAY:
                fini.address = value;
                break;
            case DT_FINI_ARRAYSZ:
                fini.size = std::min(value, max_array_bytes);
                break;
            case DT_RELA:
                relocations.address = value;
                break;
            case DT_RELASZ:
                relocations.size = std::min(value, max_relocation_bytes);
                break;
            default:
                break;
        }
    }
};

// Of the first segment of the kind; no loader looks at more.
Dynamic read_dynamic(const ElfImage& image) {
    Dynamic dynamic;
    const auto segment = std::find_if(image.segments().begin(), image.segments().end(),
                                      [](const Segment& each) { return each.type == PT_DYNAMIC; });
    if (segment == image.segments().end()) return dynamic;
    const OwnedBytes bytes =
        image.read_range(segment->offset, std::min(segment->file_size, max_dynamic_bytes));
    ByteReader reader(bytes.view(), image.endian());
    while (reader.remaining() >= sizeof(Elf64_Dyn)) {
        const std::uint64_t tag = reader.u64();
        if (tag == DT_NULL) break;
        dynamic.take(tag, reader.u64());
    }
    return dynamic;
}

// False if some slots are empty.
bool add_slots(const ElfImage& image, const Table& array, std::vector<std::uint64_t>& functions) {
    const OwnedBytes bytes = image.read_address({array.address}, array.size);
    ByteReader reader(bytes.view(), image.endian());
    bool all_full = true;
    while (reader.remaining() >= slot_size) {
        const std::uint64_t function = reader.u64();
        all_full = all_full && function != 0;
        if (function != 0) functions.push_back(function);
    }
    return all_full;
}

void add_relocated(const ElfImage& image, const Dynamic& dynamic,
                   std::vector<std::uint64_t>& functions) {
    const Table& table = dynamic.relocations;
    const OwnedBytes bytes = image.read_address({table.address}, table.size);
    ByteReader reader(bytes.view(), image.endian());
    while (reader.remaining() >= sizeof(Elf64_Rela) && functions.size() < max_functions) {
        const std::uint64_t slot = reader.u64();
        const auto type = static_cast<std::uint32_t>(reader.u64());
        const std::uint64_t addend = reader.u64();
        const bool in_array =
            dynamic.before_init.holds(slot) || dynamic.init.holds(slot) || dynamic.fini.holds(slot);
        if (type == R_X86_64_RELATIVE && in_array) functions.push_back(addend);
    }
}

}  // namespace

std::vector<std::uint64_t> read_initializers(const ElfImage& image) {
    if (image.machine() != EM_X86_64 || !image.is_64bit()) return {};
    const Dynamic dynamic = read_dynamic(image);
    std::vector<std::uint64_t> functions = {dynamic.init_function, dynamic.fini_function};
    bool all_full = true;
    for (const Table* array : {&dynamic.before_init, &dynamic.init, &dynamic.fini}) {
        all_full = add_slots(image, *array, functions) && all_full;
    }
    if (!all_full) add_relocated(image, dynamic, functions);
    return functions;
}

}  // namespace fgread
