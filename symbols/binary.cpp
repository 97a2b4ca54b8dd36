#include "symbols/binary.h"

#include <elf.h>

#include <algorithm>

#include "symbols/dwarf_inputs.h"
#include "symbols/go_functions.h"

namespace fgread {
namespace {

// So many single searches cost less than reading all functions once.
constexpr std::size_t max_function_searches = 8;

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t word = 8;
// CFI expressions read data of a binary in a handful of places; a hostile one may read anywhere.
constexpr std::size_t max_pieces = 64;

}  // namespace

Binary::Binary(FoundFile found, DebugDirectories directories, DwarfLines lines)
    : path_(std::move(found.path)),
      root_(std::move(found.root)),
      directories_(std::move(directories)),
      lines_(lines),
      identity_(found.image->identity()),
      segments_(loaded_segments(*found.image)),
      endian_(found.image->endian()),
      entry_(found.image->entry()) {
    path_.erase(0, root_.size());
    is_go_ = find_go_table(*found.image) != nullptr;
    if (identity_ == FileIdentity{}) memory_ = found.image->read_range(0, found.image->size());
}

std::optional<RegularFile> Binary::reopen_file() const {
    OpenFailure failure{};
    std::optional<RegularFile> file = RegularFile::open(path_, root_, failure);
    if (!file || file->identity() != identity_) return std::nullopt;
    return file;
}

std::optional<ElfImage> Binary::reopen() const {
    if (!memory_.empty()) {
        const ByteView bytes = memory_.view();
        return ElfImage::read(std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
    std::optional<RegularFile> file = reopen_file();
    return file ? ElfImage::read(std::move(*file)) : std::nullopt;
}

std::optional<Binary::Opened> Binary::reopen_with_debug_file(const DebugDirectories& directories) {
    std::optional<ElfImage> image = reopen();
    if (!image) return std::nullopt;
    std::optional<DebugFile> debug = find_debug_file(*image, path_, !root_.empty(), directories);
    if (debug) {
        const std::lock_guard lock(mutex_);
        debug_path_ = debug->path;
    }
    return Opened{std::move(*image), std::move(debug)};
}

// Samples wait for rules, and programs have .eh_frame: nothing is fetched for them.
DebugDirectories Binary::local_directories() const {
    DebugDirectories local = directories_;
    local.debuginfod.reset();
    return local;
}

const UnwindTable* Binary::unwind_table() {
    std::call_once(unwind_once_, [this] {
        const std::optional<Opened> opened = reopen_with_debug_file(local_directories());
        if (opened) {
            unwind_bytes_ = read_unwind_sections(opened->image,
                                                 opened->debug ? &opened->debug->image : nullptr);
        }
        unwind_table_.emplace(unwind_bytes_.sections);
    });
    return &*unwind_table_;
}

const FunctionRanges& Binary::functions() {
    std::call_once(functions_once_, [this] {
        const std::optional<Opened> opened = reopen_with_debug_file(local_directories());
        if (!opened) return;
        functions_ =
            FunctionRanges::read(opened->image, opened->debug ? &opened->debug->image : nullptr);
    });
    return functions_;
}

std::optional<FunctionRange> Binary::symbol_function_at(Svma address) {
    const FoundFunction found = is_go_ ? FoundFunction{} : searched_function_at(address);
    return found.is_certain ? found.function : functions().find(address);
}

FoundFunction Binary::searched_function_at(Svma address) {
    const std::lock_guard lock(function_searches_mutex_);
    const auto known = function_searches_.find(address.value);
    if (known != function_searches_.end()) return known->second;
    if (function_searches_.size() == max_function_searches) return {};
    FoundFunction found{true, std::nullopt};
    if (const auto opened = reopen_with_debug_file(local_directories())) {
        found = search_function(opened->image, opened->debug ? &opened->debug->image : nullptr,
                                address);
    }
    return function_searches_.emplace(address.value, found).first->second;
}

std::optional<FunctionRange> Binary::function_at(Svma address) {
    if (const auto function = symbol_function_at(address)) return function;
    std::call_once(swept_once_, [this] {
        if (const auto image = reopen()) swept_ = SweptFunctions::read(*image);
    });
    return swept_.find(address);
}

std::span<const StackBottom> Binary::stack_bottoms() {
    if (!is_go_) return {};
    return functions().bottoms();
}

void Binary::expect(std::vector<std::uint64_t> addresses) {
    std::optional<WantedAddresses> wanted = WantedAddresses::of(std::move(addresses));
    const std::lock_guard lock(mutex_);
    expected_ = std::move(wanted);
}

SymbolTable Binary::read_symbols(const WantedAddresses* wanted) {
    const std::optional<Opened> opened = reopen_with_debug_file(directories_);
    if (!opened) return {};
    std::uint64_t malformed = 0;
    SymbolTable table = SymbolTable::read(
        opened->image, opened->debug ? &opened->debug->image : nullptr, malformed, wanted);
    const std::lock_guard lock(mutex_);
    malformed_symbols_ = malformed;
    return table;
}

std::optional<Binary::FoundSymbol> Binary::find_symbol(Svma address) {
    std::call_once(symbols_once_, [this] {
        std::optional<WantedAddresses> wanted;
        {
            const std::lock_guard lock(mutex_);
            wanted.swap(expected_);
        }
        symbols_ = read_symbols(wanted ? &*wanted : nullptr);
    });
    const SymbolTable* table = &symbols_;
    if (!table->answers(address)) {
        std::call_once(all_symbols_once_, [this] { all_symbols_ = read_symbols(nullptr); });
        table = &all_symbols_;
    }
    const auto match = table->find(address);
    return match ? std::optional(FoundSymbol{table, *match}) : std::nullopt;
}

const DwarfIndex* Binary::dwarf() {
    std::call_once(dwarf_once_, [this] {
        if (debug_info_left_out_) return;
        const std::optional<Opened> opened = reopen_with_debug_file(directories_);
        if (!opened) return;
        const ElfImage& image = opened->debug ? opened->debug->image : opened->image;
        const std::string& path = opened->debug ? opened->debug->path : path_;
        dwarf_ = DwarfIndex::open(
            gather_dwarf(image, path, path_, !root_.empty(), directories_, lines_));
        const std::lock_guard lock(mutex_);
        opened_dwarf_ = dwarf_ ? &*dwarf_ : nullptr;
    });
    return dwarf_ ? &*dwarf_ : nullptr;
}

std::uint64_t Binary::debug_info_bytes() {
    const std::optional<Opened> opened = reopen_with_debug_file(directories_);
    if (!opened) return 0;
    return gathered_dwarf_bytes(opened->debug ? opened->debug->image : opened->image, path_, root_,
                                lines_);
}

Binary::Contents Binary::contents() {
    const std::optional<Opened> opened = reopen_with_debug_file(directories_);
    if (!opened) return {};
    Contents contents;
    const auto look = [&contents](const ElfImage& image) {
        const auto has = [&image](std::string_view name) {
            return image.find_section(name) != nullptr;
        };
        const Section* symtab = image.find_section(std::uint32_t{SHT_SYMTAB});
        contents.symbols |= symtab != nullptr || has(".gnu_debugdata");
        contents.debug_info |= has(".debug_info") || has(".zdebug_info");
    };
    look(opened->image);
    if (opened->debug) look(opened->debug->image);
    return contents;
}

std::uint64_t Binary::malformed_symbols() const {
    const std::lock_guard lock(mutex_);
    return malformed_symbols_;
}

DwarfStats Binary::dwarf_stats() const {
    const std::lock_guard lock(mutex_);
    return opened_dwarf_ == nullptr ? DwarfStats{} : opened_dwarf_->stats();
}

std::string Binary::debug_path() const {
    const std::lock_guard lock(mutex_);
    return debug_path_;
}

// Writable data is left out: what the process had there is not what the file has.
std::optional<std::uint64_t> Binary::read_word(Svma svma) {
    const auto segment = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& each) {
        const std::uint64_t into = svma.value - each.address.value;
        return !each.writable && svma >= each.address && each.file_size >= word &&
               into <= each.file_size - word;
    });
    if (segment == segments_.end()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const ByteView bytes =
        bytes_from(*segment, svma.value - segment->address.value + segment->offset);
    if (bytes.size() < word) return std::nullopt;
    return load_unchecked<std::uint64_t>(bytes.data(), endian_);
}

// Of the file from `offset` on, in the segment; less than a word if they cannot be read.
ByteView Binary::bytes_from(const Segment& segment, std::uint64_t offset) {
    const auto rest_of = [offset](std::uint64_t begin, ByteView bytes) {
        const bool has_it = begin <= offset && offset - begin < bytes.size();
        return has_it ? bytes.subspan(offset - begin) : ByteView();
    };
    if (!memory_.empty()) return rest_of(0, memory_.view());
    for (const Piece& piece : pieces_) {
        const ByteView rest = rest_of(piece.offset, piece.bytes.view());
        if (rest.size() >= word) return rest;
    }
    Piece piece = read_piece(segment, offset);
    if (piece.bytes.empty()) return {};
    if (pieces_.size() >= max_pieces) pieces_.clear();
    pieces_.push_back(std::move(piece));
    return rest_of(pieces_.back().offset, pieces_.back().bytes.view());
}

// The whole segment, if it can be mapped. Read page by page, cc1plus was opened 120 times for a GB
// of samples: the code they were taken in is looked at for the ends of functions.
Binary::Piece Binary::read_piece(const Segment& segment, std::uint64_t offset) const {
    const std::optional<RegularFile> file = reopen_file();
    if (!file || offset >= file->size()) return {};
    if (auto mapped =
            file->map(segment.offset, std::min(segment.file_size, file->size() - segment.offset))) {
        return {segment.offset, std::move(*mapped)};
    }
    // Seven bytes more than a page: a word may begin at its last byte.
    const std::uint64_t first = offset & ~(page - 1);
    return {first, file->read(first, std::min(page + word - 1, file->size() - first))};
}

}  // namespace fgread
