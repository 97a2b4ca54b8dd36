#include "symbols/elf_image.h"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "symbols/elf_notes.h"
#include "symbols/section_compression.h"

namespace fgread {
namespace {

// Linked files have tens of sections and segments; object files with a section per function are
// never mapped. libelf allocates about 200 bytes for each section the header declares.
constexpr std::uint64_t max_sections = 65'536;
constexpr std::uint64_t max_segments = 4'096;
// Names we look for are short.
constexpr std::size_t max_section_name = 63;
constexpr std::uint64_t max_section_names = 4 << 20;
constexpr std::uint64_t max_notes_bytes = 1 << 20;

std::string_view name_at(ByteView names, std::uint64_t offset) {
    if (offset >= names.size()) return {};
    const ByteView rest = names.subspan(offset);
    const std::size_t limit = std::min(rest.size(), max_section_name);
    const void* end = std::memchr(rest.data(), 0, limit);
    const std::size_t length =
        end == nullptr ? limit
                       : static_cast<std::size_t>(static_cast<const std::byte*>(end) - rest.data());
    return {static_cast<const char*>(static_cast<const void*>(rest.data())), length};
}

}  // namespace

bool Section::executable() const { return (flags & SHF_EXECINSTR) != 0; }

struct ElfImage::State {
    std::optional<RegularFile> file;
    std::vector<std::byte> memory;  // if there is no file
    Elf* elf = nullptr;
    GElf_Ehdr header{};
    std::vector<Segment> segments;
    std::vector<Section> sections;
    BuildId build_id;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (elf != nullptr) elf_end(elf);
    }

    [[nodiscard]] std::uint64_t size() const { return file ? file->size() : memory.size(); }
    [[nodiscard]] OwnedBytes read_range(std::uint64_t offset, std::uint64_t length) const;
    [[nodiscard]] Endian endian() const {
        return header.e_ident[EI_DATA] == ELFDATA2MSB ? Endian::big : Endian::little;
    }

    bool open_elf();
    bool counts_are_sane() const;
    void read_segments();
    void read_sections();
    void name_sections(std::size_t names_index, const std::vector<std::uint32_t>& offsets);
    void find_build_id();
    std::string fault() const;
};

OwnedBytes ElfImage::State::read_range(std::uint64_t offset, std::uint64_t length) const {
    if (offset > size() || length > size() - offset || length > max_section_bytes) return {};
    if (file) return file->read(offset, length);
    OwnedBytes bytes(length);
    std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(offset), length,
                bytes.writable().begin());
    return bytes;
}

// libelf allocates its section table by the count in the header before it looks at the sections,
// so the count is held against the file's size first.
bool ElfImage::State::counts_are_sane() const {
    const OwnedBytes ident = read_range(0, EI_NIDENT);
    if (ident.empty()) return false;
    const bool wide = ident.view()[EI_CLASS] == std::byte{ELFCLASS64};
    const bool big = ident.view()[EI_DATA] == std::byte{ELFDATA2MSB};
    const OwnedBytes bytes = read_range(0, wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    ByteReader reader(bytes.view(), big ? Endian::big : Endian::little);
    const auto word = [&] { return wide ? reader.u64() : std::uint64_t{reader.u32()}; };
    reader.skip(EI_NIDENT + 2 + 2 + 4);  // e_ident, e_type, e_machine, e_version
    reader.skip(wide ? 16 : 8);          // e_entry, e_phoff
    const std::uint64_t section_table = word();
    reader.skip(4 + 2);  // e_flags, e_ehsize
    const std::uint64_t segment_size = reader.u16();
    const std::uint64_t segment_count = reader.u16();
    const std::uint64_t section_size = reader.u16();
    std::uint64_t section_count = reader.u16();
    if (!reader.ok()) return false;
    if (segment_count != 0 && segment_size != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) {
        return false;
    }
    if (section_table == 0 || section_table >= size()) return true;  // as without sections
    if (section_size != (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr))) return false;
    if (section_count == 0) {  // more than fit: the first section's sh_size has the count
        const OwnedBytes first = read_range(section_table, section_size);
        ByteReader extended(first.view(), reader.endian());
        extended.skip(wide ? 32 : 20);
        section_count = wide ? extended.u64() : std::uint64_t{extended.u32()};
        if (!extended.ok()) return true;
    }
    return section_count <= max_sections && section_count * section_size <= size() - section_table;
}

bool ElfImage::State::open_elf() {
    static const bool version_set = elf_version(EV_CURRENT) != EV_NONE;
    if (!version_set || !counts_are_sane()) return false;
    if (file) {
        // ELF_C_READ reads with pread: a file that shrinks gives an error, where a mapping of it
        // would give SIGBUS.
        elf = elf_begin(file->descriptor(), ELF_C_READ, nullptr);
    } else {
        elf = elf_memory(static_cast<char*>(static_cast<void*>(memory.data())), memory.size());
    }
    if (elf == nullptr || elf_kind(elf) != ELF_K_ELF) return false;
    return gelf_getehdr(elf, &header) != nullptr;
}

void ElfImage::State::read_segments() {
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) return;
    count = std::min<std::size_t>(count, max_segments);
    for (std::size_t i = 0; i < count; ++i) {
        GElf_Phdr raw{};
        if (gelf_getphdr(elf, static_cast<int>(i), &raw) == nullptr) return;
        Segment segment;
        segment.type = raw.p_type;
        segment.executable = (raw.p_flags & PF_X) != 0;
        segment.writable = (raw.p_flags & PF_W) != 0;
        segment.offset = raw.p_offset;
        segment.address = {raw.p_vaddr};
        segment.file_size = raw.p_filesz;
        segment.memory_size = raw.p_memsz;
        segments.push_back(segment);
    }
}

void ElfImage::State::read_sections() {
    std::size_t count = 0;
    if (elf_getshdrnum(elf, &count) != 0) return;
    std::vector<std::uint32_t> name_offsets;
    for (std::size_t i = 0; i < std::min<std::size_t>(count, max_sections); ++i) {
        GElf_Shdr raw{};
        if (gelf_getshdr(elf_getscn(elf, i), &raw) == nullptr) break;
        Section section;
        section.type = raw.sh_type;
        section.flags = raw.sh_flags;
        section.address = {raw.sh_addr};
        section.offset = raw.sh_offset;
        section.size = raw.sh_size;
        section.link = raw.sh_link;
        section.entry_size = raw.sh_entsize;
        sections.push_back(section);
        name_offsets.push_back(raw.sh_name);
    }
    std::size_t names_index = 0;
    if (elf_getshdrstrndx(elf, &names_index) == 0) name_sections(names_index, name_offsets);
}

void ElfImage::State::name_sections(std::size_t names_index,
                                    const std::vector<std::uint32_t>& offsets) {
    if (names_index == 0 || names_index >= sections.size()) return;
    const Section& names = sections[names_index];
    const OwnedBytes bytes =
        read_range(names.offset, std::min<std::uint64_t>(names.size, max_section_names));
    for (std::size_t i = 0; i < sections.size(); ++i) {
        sections[i].name = name_at(bytes.view(), offsets[i]);
    }
}

// Sections first: in a separate debug file the program headers still describe the binary it came
// from, and a PT_NOTE then points at other bytes.
void ElfImage::State::find_build_id() {
    for (const Section& section : sections) {
        if (section.type != SHT_NOTE || section.size > max_notes_bytes) continue;
        build_id = build_id_of_notes(read_range(section.offset, section.size).view(), endian());
        if (!build_id.empty()) return;
    }
    for (const Segment& segment : segments) {
        if (segment.type != PT_NOTE || segment.file_size > max_notes_bytes) continue;
        build_id =
            build_id_of_notes(read_range(segment.offset, segment.file_size).view(), endian());
        if (!build_id.empty()) return;
    }
}

// Why open_elf() failed.
std::string ElfImage::State::fault() const {
    constexpr std::string_view magic(ELFMAG, SELFMAG);
    if (size() == 0) return "an empty file";
    errno = 0;
    const OwnedBytes begin = read_range(0, std::min<std::uint64_t>(size(), magic.size()));
    if (begin.empty() && errno != 0) return unreadable_text(errno);
    const void* bytes = begin.view().data();
    return magic == std::string_view(static_cast<const char*>(bytes), begin.size())
               ? "an ELF file whose headers are damaged or cut"
               : "not an ELF file";
}

ElfImage::ElfImage(std::unique_ptr<State> state) : state_(std::move(state)) {}
ElfImage::~ElfImage() = default;
ElfImage::ElfImage(ElfImage&&) noexcept = default;
ElfImage& ElfImage::operator=(ElfImage&&) noexcept = default;

std::optional<ElfImage> ElfImage::parse(std::unique_ptr<State> state, std::string* fault) {
    if (!state->open_elf()) {
        if (fault != nullptr) *fault = state->fault();
        return std::nullopt;
    }
    state->read_segments();
    state->read_sections();
    state->find_build_id();
    return ElfImage(std::move(state));
}

std::optional<ElfImage> ElfImage::read(RegularFile file, std::string* fault) {
    auto state = std::make_unique<State>();
    state->file = std::move(file);
    return parse(std::move(state), fault);
}

std::optional<ElfImage> ElfImage::read(std::vector<std::byte> image) {
    auto state = std::make_unique<State>();
    state->memory = std::move(image);
    return parse(std::move(state), nullptr);
}

Endian ElfImage::endian() const { return state_->endian(); }
bool ElfImage::is_64bit() const { return state_->header.e_ident[EI_CLASS] == ELFCLASS64; }
std::uint16_t ElfImage::machine() const { return state_->header.e_machine; }
Svma ElfImage::entry() const { return {state_->header.e_entry}; }
const std::vector<Segment>& ElfImage::segments() const { return state_->segments; }
const std::vector<Section>& ElfImage::sections() const { return state_->sections; }
const BuildId& ElfImage::build_id() const { return state_->build_id; }
std::uint64_t ElfImage::size() const { return state_->size(); }

FileIdentity ElfImage::identity() const {
    return state_->file ? state_->file->identity() : FileIdentity{};
}

const Section* ElfImage::find_section(std::string_view name) const {
    const auto found = std::find_if(sections().begin(), sections().end(),
                                    [&](const Section& each) { return each.name == name; });
    return found == sections().end() ? nullptr : &*found;
}

const Section* ElfImage::find_section(std::uint32_t type) const {
    const auto found = std::find_if(sections().begin(), sections().end(),
                                    [&](const Section& each) { return each.type == type; });
    return found == sections().end() ? nullptr : &*found;
}

OwnedBytes ElfImage::contents(const Section& section) const {
    if (section.type == SHT_NOBITS) return {};
    OwnedBytes raw = state_->read_range(section.offset, section.size);
    if (raw.empty()) return raw;
    if ((section.flags & SHF_COMPRESSED) != 0) {
        return expand_section(raw.view(), is_64bit(), endian());
    }
    return has_old_compression(section.name) ? expand_old_section(std::move(raw)) : std::move(raw);
}

OwnedBytes ElfImage::read_range(std::uint64_t offset, std::uint64_t size) const {
    return state_->read_range(offset, size);
}

std::optional<OwnedBytes> ElfImage::map_range(std::uint64_t offset, std::uint64_t size) const {
    if (size > max_section_bytes || !state_->file) return std::nullopt;
    return state_->file->map(offset, size);
}

OwnedBytes ElfImage::read_address(Svma address, std::uint64_t max_size) const {
    for (const Segment& segment : segments()) {
        if (segment.type != PT_LOAD) continue;
        const std::uint64_t into = address.value - segment.address.value;
        if (address < segment.address || into >= segment.file_size) continue;
        if (segment.offset > size() || into >= size() - segment.offset) continue;
        const std::uint64_t available =
            std::min(segment.file_size - into, size() - segment.offset - into);
        return read_range(segment.offset + into, std::min(available, max_size));
    }
    return {};
}

}  // namespace fgread
