// BinaryArchive: the binaries that "perf archive" packs for another machine, read in place.
//
// "perf archive" makes perf.data.tar.bz2 of the build-id cache: "usr/bin/x/<build-id>/elf", with
// links to the directories in ".build-id". Any tar of such a cache will do, also packed with gzip,
// xz or zstd, or not packed.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"
#include "perfdata/diagnostics.h"
#include "perfdata/result.h"

namespace fgread {

// Immutable once read; safe for any number of threads.
class BinaryArchive {
public:
    // Reads the members for the build-ids in `wanted` into memory, in one pass over the archive;
    // nothing is unpacked to disk, and no name in the archive is ever used as a path. Members
    // beyond the bounds are left out, and an archive that is damaged or goes on for ever is read
    // up to there: both are counted in `diagnostics`. Fails if the file cannot be read, or is no
    // archive, or libarchive is not installed, which is loaded here. Cost: unpacking the whole
    // (bzip2: 20 MB/s) and the memory of the wanted members.
    static Result<BinaryArchive> read(const std::string& path, const std::set<BuildId>& wanted,
                                      Diagnostics& diagnostics);

    // The same of an archive in memory, which messages call `path`.
    static Result<BinaryArchive> read(ByteView bytes, const std::string& path,
                                      const std::set<BuildId>& wanted, Diagnostics& diagnostics);

    struct Member {
        BuildId build_id;  // as its path says; the content is for the user to check
        std::string file;  // "elf", "debug", "vdso" or "kallsyms"
        std::string name;  // whole, as in the archive
        std::vector<std::byte> content;
    };
    // Null if there is none. Lives as long as the archive.
    [[nodiscard]] const Member* find(const BuildId& id, std::string_view file) const;

    // As the user gave it.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::size_t member_count() const { return members_.size(); }

private:
    class Reader;
    static Result<BinaryArchive> gather(Reader& reader, const std::string& path,
                                        const std::set<BuildId>& wanted, Diagnostics& diagnostics);

    std::string path_;
    std::vector<Member> members_;
};

// Which build-id and file a member's name stands for; the id is empty if none:
//   "usr/bin/x/<id>/elf", "usr/bin/x/<id>" (perf before 4.6), ".build-id/ab/cdef.../debug",
//   ".build-id/ab/cdef....debug", all with or without something in front.
struct ArchiveName {
    BuildId build_id;
    std::string file;
};
[[nodiscard]] ArchiveName parse_archive_name(std::string_view name);

}  // namespace fgread
