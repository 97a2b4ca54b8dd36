#include "symbols/go_functions.h"

#include <string_view>

namespace fgread {
namespace {

constexpr std::uint32_t go_1_18 = 0xfffffff0, go_1_20 = 0xfffffff1;

struct Header {
    std::uint64_t functions = 0;
    std::uint64_t text = 0;   // SVMA that all addresses count from; 0: Go 1.26 leaves it out
    std::uint64_t names = 0;  // offsets in the section
    std::uint64_t entries = 0;
};

// pcHeader: magic, two zeros, size of an instruction and of a pointer, then words.
bool read_header(ByteReader& in, Header& header) {
    const std::uint32_t magic = in.u32();
    if (magic != go_1_18 && magic != go_1_20) return false;
    in.skip(3);
    if (in.u8() != sizeof(std::uint64_t)) return false;
    header.functions = in.u64();
    in.skip(8);  // number of files
    header.text = in.u64();
    header.names = in.u64();
    in.skip(3 * 8);  // compilation units, files, pc-value tables
    header.entries = in.u64();
    return in.ok();
}

// In a program linked with C code, Go's does not begin where .text does. goexit is where it should
// be if the address is right: nop, call goexit1, nop.
bool is_goexit(const ElfImage& image, Svma address) {
    constexpr std::uint64_t size = 7;
    const OwnedBytes code = image.read_address(address, size);
    if (code.size() != size) return false;
    const ByteView bytes = code.view();
    return bytes[0] == std::byte{0x90} && bytes[1] == std::byte{0xe8} &&
           bytes[6] == std::byte{0x90};
}

}  // namespace

const Section* find_go_table(const ElfImage& image) {
    const Section* section = image.find_section(".gopclntab");
    return section ? section : image.find_section(".data.rel.ro.gopclntab");
}

void each_go_function(const ElfImage& image, ByteView table,
                      const std::function<void(const GoFunction&)>& visit) {
    ByteReader in(table, Endian::little);
    Header header;
    if (!read_header(in, header)) return;
    if (header.text == 0) {
        const Section* text = image.find_section(".text");
        if (text != nullptr) header.text = text->address.value;
    }
    const auto each = [&](const std::function<void(const GoFunction&)>& use) {
        ByteReader entries(table, Endian::little);
        entries.seek(header.entries);
        std::uint32_t start = entries.u32();
        for (std::uint64_t i = 0; i < header.functions; ++i) {
            const std::uint32_t function = entries.u32(), next = entries.u32();
            if (!entries.ok()) return;
            ByteReader about(table, Endian::little);
            about.seek(header.entries + function);
            about.skip(4);  // its start again
            const std::uint64_t name = header.names + about.u32();
            if (about.ok() && name < table.size() && start < next) {
                use({{header.text + start},
                     {header.text + next},
                     static_cast<std::uint32_t>(name)});
            }
            start = next;
        }
    };
    bool is_right = false;
    each([&](const GoFunction& function) {
        ByteReader name(table, Endian::little);
        name.seek(function.name);
        const std::string_view text = name.c_string();
        if (text == "runtime.goexit") is_right = is_goexit(image, function.start);
    });
    if (is_right) each(visit);
}

}  // namespace fgread
