#include "own_code.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

namespace truth {
namespace {

constexpr std::array<std::string_view, 7> start_up = {"_start",
                                                      "_init",
                                                      "_fini",
                                                      "deregister_tm_clones",
                                                      "register_tm_clones",
                                                      "__do_global_dtors_aux",
                                                      "frame_dummy"};

bool is_own(std::string_view name, std::string_view own_name) {
    if (std::find(start_up.begin(), start_up.end(), name) != start_up.end()) return false;
    return name.find(own_name) != std::string_view::npos;
}

struct EndElf {
    void operator()(Elf* elf) const { elf_end(elf); }
};

}  // namespace

std::optional<OwnCode> OwnCode::load(const std::string& path, const std::string& own_name) {
    OwnCode code;
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    code.image_.assign(std::istreambuf_iterator<char>(in), {});
    elf_version(EV_CURRENT);
    const std::unique_ptr<Elf, EndElf> elf(
        elf_memory(static_cast<char*>(static_cast<void*>(code.image_.data())), code.image_.size()));
    std::size_t segment_count = 0;
    if (!elf || elf_getphdrnum(elf.get(), &segment_count) != 0) return std::nullopt;
    for (std::size_t i = 0; i < segment_count; ++i) {
        GElf_Phdr header;
        if (!gelf_getphdr(elf.get(), static_cast<int>(i), &header)) continue;
        if (header.p_type != PT_LOAD || !(header.p_flags & PF_X)) continue;
        code.segments_.push_back({header.p_vaddr, header.p_offset, header.p_filesz});
    }
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf.get(), section)) != nullptr) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB) continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        const std::size_t count =
            data && header.sh_entsize ? header.sh_size / header.sh_entsize : 0;
        for (std::size_t i = 0; i < count; ++i) {
            GElf_Sym symbol;
            if (!gelf_getsym(data, static_cast<int>(i), &symbol)) continue;
            if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0) continue;
            const char* name = elf_strptr(elf.get(), header.sh_link, symbol.st_name);
            if (!name) continue;
            Function function;
            function.name = name;
            function.start = symbol.st_value;
            function.end = symbol.st_value + symbol.st_size;
            function.own = is_own(name, own_name);
            function.code = code.code_at(symbol.st_value, symbol.st_size);
            if (!function.code.empty()) code.functions_.push_back(std::move(function));
        }
    }
    std::sort(code.functions_.begin(), code.functions_.end(),
              [](const Function& a, const Function& b) { return a.start < b.start; });
    return code;
}

std::span<const std::uint8_t> OwnCode::code_at(std::uint64_t svma, std::uint64_t size) const {
    for (const Segment& segment : segments_) {
        const std::uint64_t at = svma - segment.address;
        if (svma < segment.address || at >= segment.size || size > segment.size - at) continue;
        return std::span(image_).subspan(segment.offset + at, size);
    }
    return {};
}

std::optional<std::uint64_t> OwnCode::svma_of_offset(std::uint64_t file_offset) const {
    for (const Segment& segment : segments_) {
        if (file_offset < segment.offset || file_offset - segment.offset >= segment.size) continue;
        return file_offset - segment.offset + segment.address;
    }
    return std::nullopt;
}

const Function* OwnCode::find(std::uint64_t svma) const {
    auto next = std::upper_bound(
        functions_.begin(), functions_.end(), svma,
        [](std::uint64_t value, const Function& function) { return value < function.start; });
    if (next == functions_.begin()) return nullptr;
    const Function& function = *std::prev(next);
    return svma < function.end ? &function : nullptr;
}

}  // namespace truth
