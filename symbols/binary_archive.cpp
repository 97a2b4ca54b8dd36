#include "symbols/binary_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "perfdata/shared_library.h"
#include "symbols/regular_file.h"

namespace fgread {
namespace {

// Bytes of an archive that are unpacked, wanted or not. Binaries with debug information shrink to
// a fifth; a bomb to a thousandth or less, and goes on for hours.
constexpr std::uint64_t max_unpacked = std::uint64_t{64} << 30;
constexpr std::uint64_t max_expansion = 100;
constexpr std::uint64_t always_unpacked = 256 << 20;
constexpr std::uint64_t max_entries = 1'000'000;
// What one member and all of them take in memory. Debug builds of browsers have 2 GB.
constexpr std::uint64_t max_member = std::uint64_t{2} << 30;
constexpr std::uint64_t max_kept = std::uint64_t{4} << 30;
constexpr std::size_t read_block = 1 << 20;
// SHA-1 has 20 bytes; ids of 8 (fast hashes) to 32 (SHA-256) are in use.
constexpr std::size_t min_id_bytes = 8, max_id_bytes = 32;

constexpr std::array<std::string_view, 4> member_files = {"elf", "debug", "vdso", "kallsyms"};

constexpr const char* library_name = "libarchive.so.13";

// Its functions that are used, by their names without "archive_".
struct LibArchive {
    decltype(&::archive_entry_filetype) entry_filetype = nullptr;
    decltype(&::archive_entry_hardlink) entry_hardlink = nullptr;
    decltype(&::archive_entry_pathname) entry_pathname = nullptr;
    decltype(&::archive_error_string) error_string = nullptr;
    decltype(&::archive_read_data) read_data = nullptr;
    decltype(&::archive_read_free) read_free = nullptr;
    decltype(&::archive_read_new) read_new = nullptr;
    decltype(&::archive_read_next_header) read_next_header = nullptr;
    decltype(&::archive_read_open_fd) read_open_fd = nullptr;
    decltype(&::archive_read_open_memory) read_open_memory = nullptr;
    decltype(&::archive_read_support_filter_bzip2) read_support_filter_bzip2 = nullptr;
    decltype(&::archive_read_support_filter_gzip) read_support_filter_gzip = nullptr;
    decltype(&::archive_read_support_filter_xz) read_support_filter_xz = nullptr;
    decltype(&::archive_read_support_filter_zstd) read_support_filter_zstd = nullptr;
    decltype(&::archive_read_support_format_tar) read_support_format_tar = nullptr;
};

// Null if it is not installed, or much older.
const LibArchive* libarchive() {
    static const std::optional<LibArchive> loaded = []() -> std::optional<LibArchive> {
        void* const library = open_library(library_name);
        LibArchive found;
        const bool complete =
            library != nullptr &&
            look_up(library, "archive_entry_filetype", found.entry_filetype) &&
            look_up(library, "archive_entry_hardlink", found.entry_hardlink) &&
            look_up(library, "archive_entry_pathname", found.entry_pathname) &&
            look_up(library, "archive_error_string", found.error_string) &&
            look_up(library, "archive_read_data", found.read_data) &&
            look_up(library, "archive_read_free", found.read_free) &&
            look_up(library, "archive_read_new", found.read_new) &&
            look_up(library, "archive_read_next_header", found.read_next_header) &&
            look_up(library, "archive_read_open_fd", found.read_open_fd) &&
            look_up(library, "archive_read_open_memory", found.read_open_memory) &&
            look_up(library, "archive_read_support_filter_bzip2",
                    found.read_support_filter_bzip2) &&
            look_up(library, "archive_read_support_filter_gzip", found.read_support_filter_gzip) &&
            look_up(library, "archive_read_support_filter_xz", found.read_support_filter_xz) &&
            look_up(library, "archive_read_support_filter_zstd", found.read_support_filter_zstd) &&
            look_up(library, "archive_read_support_format_tar", found.read_support_format_tar);
        return complete ? std::optional(found) : std::nullopt;
    }();
    return loaded ? &*loaded : nullptr;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    return std::nullopt;
}

BuildId parse_id(std::string_view digits) {
    const std::size_t size = digits.size() / 2;
    if (digits.size() % 2 != 0 || size < min_id_bytes || size > max_id_bytes) return {};
    BuildId id;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
        if (!high || !low) return {};
        id.bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
    }
    return id;
}

// Takes the last component off `path`.
std::string_view take_last(std::string_view& path) {
    const std::size_t slash = path.rfind('/');
    const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
    return last;
}

// "<id>", or what .build-id makes of it: two digits, a directory, the others.
BuildId id_of_directory(std::string_view path) {
    const std::string_view last = take_last(path);
    BuildId id = parse_id(last);
    const std::string_view above = take_last(path);
    if (take_last(path) != ".build-id" || above.size() != 2) return id;
    return parse_id(std::string(above) + std::string(last));
}

Error not_installed(const std::string& path) {
    return {ErrorKind::unsupported,
            fmt::format("{}: cannot be read: {} is not installed (Debian: libarchive13)", path,
                        library_name)};
}

}  // namespace

class BinaryArchive::Reader {
public:
    explicit Reader(const LibArchive& api) : api_(api), archive_(api.read_new()) {
        if (archive_ == nullptr) return;
        api_.read_support_format_tar(archive_);
        api_.read_support_filter_bzip2(archive_);
        api_.read_support_filter_gzip(archive_);
        api_.read_support_filter_xz(archive_);
        api_.read_support_filter_zstd(archive_);
    }
    ~Reader() {
        if (archive_ != nullptr) api_.read_free(archive_);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void open(const RegularFile& file) {
        allow(file.size());
        failed_ = archive_ == nullptr ||
                  api_.read_open_fd(archive_, file.descriptor(), read_block) != ARCHIVE_OK;
    }
    void open(ByteView bytes) {
        allow(bytes.size());
        failed_ = archive_ == nullptr ||
                  api_.read_open_memory(archive_, bytes.data(), bytes.size()) != ARCHIVE_OK;
    }

    // False at the end, and where damage makes it impossible to go on (see damaged()).
    bool next() {
        if (failed_) return false;
        const int status = api_.read_next_header(archive_, &entry_);
        // ARCHIVE_WARN: a name that is no UTF-8, or the like.
        if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return true;
        failed_ = status != ARCHIVE_EOF;
        return false;
    }

    [[nodiscard]] std::string_view name() const {
        const char* name = api_.entry_pathname(entry_);
        return name == nullptr ? std::string_view{} : std::string_view(name);
    }
    [[nodiscard]] bool is_file() const {
        return api_.entry_filetype(entry_) == AE_IFREG && api_.entry_hardlink(entry_) == nullptr;
    }

    // Appends the content to `into`, if that is not null, as long as it has at most `limit`
    // bytes. False if there is more, or it cannot be read. Its size is what comes out, not what
    // the header says.
    bool read(std::vector<std::byte>* into, std::uint64_t limit) {
        std::array<std::byte, 64 << 10> block;
        for (;;) {
            const la_ssize_t got = api_.read_data(archive_, block.data(), block.size());
            if (got == 0) return true;
            if (got < 0) {
                failed_ = true;
                return false;
            }
            const auto size = static_cast<std::uint64_t>(got);
            unpacked_ += size;
            failed_ = unpacked_ > max_unpacked_;
            if (failed_ || size > limit) return false;
            limit -= size;
            if (into != nullptr) into->insert(into->end(), block.begin(), block.begin() + got);
        }
    }

    // It makes no sense to go on: damaged, or too much has come out.
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::string error() const {
        const char* text = archive_ == nullptr ? nullptr : api_.error_string(archive_);
        return text == nullptr ? "unreadable" : text;
    }

private:
    void allow(std::uint64_t packed) {
        max_unpacked_ = std::min(max_unpacked, max_expansion * packed + always_unpacked);
    }

    const LibArchive& api_;
    archive* archive_;
    archive_entry* entry_ = nullptr;
    std::uint64_t unpacked_ = 0;
    std::uint64_t max_unpacked_ = 0;
    bool failed_ = false;
};

ArchiveName parse_archive_name(std::string_view name) {
    std::string_view rest = name;
    const std::string_view last = take_last(rest);
    if (std::find(member_files.begin(), member_files.end(), last) != member_files.end()) {
        return {id_of_directory(rest), std::string(last)};
    }
    constexpr std::string_view debug_suffix = ".debug";
    if (last.ends_with(debug_suffix)) {
        return {id_of_directory(name.substr(0, name.size() - debug_suffix.size())), "debug"};
    }
    return {id_of_directory(name), "elf"};
}

Result<BinaryArchive> BinaryArchive::read(const std::string& path, const std::set<BuildId>& wanted,
                                          Diagnostics& diagnostics) {
    OpenFailure failure{};
    const std::optional<RegularFile> file = RegularFile::open(path, {}, failure);
    if (!file) {
        return Error{ErrorKind::io,
                     path + (failure == OpenFailure::not_regular ? ": not a regular file"
                                                                 : ": cannot be opened")};
    }
    const LibArchive* api = libarchive();
    if (api == nullptr) return not_installed(path);
    Reader reader(*api);
    reader.open(*file);
    return gather(reader, path, wanted, diagnostics);
}

Result<BinaryArchive> BinaryArchive::read(ByteView bytes, const std::string& path,
                                          const std::set<BuildId>& wanted,
                                          Diagnostics& diagnostics) {
    const LibArchive* api = libarchive();
    if (api == nullptr) return not_installed(path);
    Reader reader(*api);
    reader.open(bytes);
    return gather(reader, path, wanted, diagnostics);
}

Result<BinaryArchive> BinaryArchive::gather(Reader& reader, const std::string& path,
                                            const std::set<BuildId>& wanted,
                                            Diagnostics& diagnostics) {
    BinaryArchive result;
    result.path_ = path;
    std::uint64_t entries = 0;
    std::uint64_t kept = 0;
    while (entries < max_entries && reader.next()) {
        ++entries;
        ArchiveName what = reader.is_file() ? parse_archive_name(reader.name()) : ArchiveName{};
        const bool take = !what.build_id.empty() && wanted.contains(what.build_id) &&
                          result.find(what.build_id, what.file) == nullptr;
        Member member{
            std::move(what.build_id), std::move(what.file), std::string(reader.name()), {}};
        const std::uint64_t limit = take ? std::min(max_member, max_kept - kept) : max_unpacked;
        const bool complete = reader.read(take ? &member.content : nullptr, limit);
        if (!complete && !reader.failed()) {
            diagnostics.add(Problem::archive_damaged, 0, path + ": " + member.name);
        }
        if (!take || !complete) continue;
        kept += member.content.size();
        result.members_.push_back(std::move(member));
    }
    if (entries == 0) {
        return Error{ErrorKind::not_perf_data,
                     fmt::format("{}: not an archive made by 'perf archive' (tar, also packed with "
                                 "bzip2, gzip, xz or zstd): {}",
                                 path, reader.failed() ? reader.error() : "empty")};
    }
    if (reader.failed() || entries == max_entries) {
        diagnostics.add(Problem::archive_damaged, 0, path);
    }
    if (result.members_.empty() && !wanted.empty()) {
        diagnostics.add(Problem::archive_unused, 0, path);
    }
    return result;
}

const BinaryArchive::Member* BinaryArchive::find(const BuildId& id, std::string_view file) const {
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
        return member.file == file && member.build_id == id;
    });
    return found == members_.end() ? nullptr : &*found;
}

}  // namespace fgread
