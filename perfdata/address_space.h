// AddressSpace: which file was mapped where, at which time, in one process.
//
// An append-only log of mappings that answers "what was mapped at this address at that time" for
// every moment of the recording, so that samples can be looked up in any order and from any
// thread. Data mappings never enter it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "perfdata/address.h"

namespace fgread {

// Dense number of an Image from 0, given out by MappingTable.
struct ImageId {
    std::uint32_t value = 0;
    friend constexpr auto operator<=>(const ImageId&, const ImageId&) = default;
};

// Dense number of a Mapping, given out by MappingTable; 0 means "no mapping".
struct MappingId {
    std::uint32_t value = 0;
    [[nodiscard]] explicit operator bool() const { return value != 0; }
    friend constexpr auto operator<=>(const MappingId&, const MappingId&) = default;
};

// 1 to 64 bytes as found in a note or record; empty means "none recorded".
struct BuildId {
    std::vector<std::uint8_t> bytes;
    [[nodiscard]] bool empty() const { return bytes.empty(); }
    [[nodiscard]] std::string hex() const;  // lower case
    friend auto operator<=>(const BuildId&, const BuildId&) = default;
};

// What was mapped: a file as the recording knows it. Two mappings of the same file by different
// processes share one Image; a file replaced during the recording gives two.
struct Image {
    std::string path;  // as recorded: "/usr/bin/x", "[vdso]", "//anon", "[kernel.kallsyms]_text"
    BuildId build_id;  // from MMAP2, else from the build-id table, else empty
    bool has_inode = false;  // MMAP2 in its inode form
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint64_t inode = 0;
    std::uint64_t inode_generation = 0;
    CpuMode mode = CpuMode::user;  // kernel: text or module of the kernel
    bool is_function = false;      // from KSYMBOL: all of it is one function, and `path` its name
    friend auto operator<=>(const Image&, const Image&) = default;
};

// One executable mapping as it was made. Later mappings may cover parts of it; the parts that
// remain keep pointing here, so file offsets are always `addr - start + file_offset`.
struct Mapping {
    Avma start;
    Avma end;                       // exclusive
    std::uint64_t file_offset = 0;  // pgoff in bytes
    ImageId image;
};

// All Images and Mappings of a recording. Append-only; ids stay valid. Const calls are safe from
// several threads while nobody appends.
class MappingTable {
public:
    MappingTable();
    ImageId intern(const Image& image);
    // Identical mappings (made by thousands of short processes) share one id.
    MappingId intern(const Mapping& mapping);
    [[nodiscard]] const Image& image(ImageId id) const;
    [[nodiscard]] const Mapping& mapping(MappingId id) const;  // id != 0
    // Says that a process mapped the image. O(1).
    void add_user(ImageId id, Pid pid);
    // The last processes that did, latest first; at most max_users. The image's file may be
    // reached through one that still lives, in whose container it is.
    [[nodiscard]] std::vector<Pid> last_users(ImageId id) const;
    static constexpr std::size_t max_users = 4;
    [[nodiscard]] std::size_t image_count() const;
    [[nodiscard]] std::size_t mapping_count() const;  // ids are 1 .. mapping_count()
    // From the recording's build-id table: images of `path`, present and future, that carry no
    // build-id of their own get this one. The first entry of a path wins. "[kernel.kallsyms]" or
    // the path of a vmlinux (with mode kernel) names the kernel itself. Cheap before the first
    // image is interned, O(images) after that.
    void set_build_id(const std::string& path, const BuildId& id, CpuMode mode);
    ~MappingTable();
    MappingTable(MappingTable&&) noexcept;
    MappingTable& operator=(MappingTable&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// The mappings of one process incarnation over time. A forked child starts from its parent's
// mappings at the fork (shared until it makes some of its own); later changes of either are
// invisible to the other.
//
// Unmapping is not recorded (munmap leaves no trace in a recording): what was mapped stays visible
// until something else is mapped over it.
//
// Const calls are safe from several threads while nobody calls map() here or in a relative
// (a parent or child of this space, which share memory).
class AddressSpace {
public:
    AddressSpace();
    // As after fork at `when`: sees what `parent` had mapped up to and including that moment. The
    // child keeps what it shares alive; it may outlive its parent. O(log n); O(n log n) once for
    // a parent. Counts as a call of the parent's map().
    AddressSpace(const AddressSpace& parent, EventTime when);

    // Records that [start, end) was mapped at `when`, over whatever was there. Calls must come in
    // rising order of `when`; an earlier one counts as made at the time of the last call.
    // Empty ranges are ignored. O(log n) time and memory, plus what it covers, once.
    // False if the space already holds max_changes: then the call had no effect.
    bool map(EventTime when, Avma start, Avma end, MappingId id);

    // What was mapped at `addr` at `when` (a mapping made at exactly `when` counts). 0 if nothing.
    // A child asked about a time before its fork answers as at the fork.
    // As find_span. Thread-safe.
    [[nodiscard]] MappingId find(Avma addr, EventTime when) const;

    // As find, and the time span and address range for which the answer holds, so that a caller
    // can keep it: the same MappingId is valid for every (addr, when) inside. Also when nothing
    // is mapped: then the range is the gap.
    struct Found {
        MappingId id;
        Avma start, end;        // of the piece that is still visible; end exclusive
        EventTime from, until;  // from inclusive, until exclusive (max if open)
    };
    // O(log^2 n). Thread-safe.
    [[nodiscard]] Found find_span(Avma addr, EventTime when) const;

    // The process whose space it is; 0 unless somebody said so.
    [[nodiscard]] ProcessId owner() const;
    void set_owner(ProcessId id);

    // Calls of map() one space takes, inherited ones not counted. The kernel allows 65,530
    // mappings at a time (vm.max_map_count); a JIT that remaps makes more over its life. Of some
    // hundred each costs 40 bytes, of more about 1 KB.
    static constexpr std::size_t max_changes = std::size_t{1} << 20;

    ~AddressSpace();
    AddressSpace(AddressSpace&&) noexcept;
    AddressSpace& operator=(AddressSpace&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
