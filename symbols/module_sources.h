// Where binaries and symbols may come from, and what became of each module.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address_space.h"
#include "unwind/frame.h"

namespace fgread {

class BinaryArchive;
class Debuginfod;

// Where binaries and symbols may come from.
struct ModuleSources {
    std::string symfs;     // --symfs: root under which recorded paths are looked up first
    std::string kallsyms;  // --kallsyms FILE
    std::string vmlinux;   // --vmlinux FILE, absolute
    // The recording's machine; empty if unknown (a pipe without features): treated as local.
    std::string hostname, os_release, arch;
    std::uint64_t recorded_at_ns =
        0;  // wall-clock time of the recording's file (mtime), 0 if unknown
    // Separate debug files; searched beneath symfs too.
    std::string debug_directory = "/usr/lib/debug";
    // --debug-dir: searched before debug_directory; absolute, never beneath symfs.
    std::vector<std::string> debug_directories;
    // --archive: searched after the files of this machine.
    std::vector<std::shared_ptr<const BinaryArchive>> archives;
    // --debuginfod: asked last; null: nothing is ever fetched.
    std::shared_ptr<Debuginfod> debuginfod;
    // False spares reading line tables; then no frame has a file and line.
    bool source_lines = true;
    // perf's cache of binaries by build-id; empty: ~/.debug of the environment's HOME.
    std::string build_id_cache;
    // --perf-map-dir: where perf-PID.map and jit-PID.dump files lie, of whatever machine.
    std::string perf_map_directory;
    // Where programs of this machine write their perf maps.
    std::string temporary_directory = "/tmp";
    // Who owns the recording's file; their perf maps are believed (map_files.h).
    std::optional<std::uint32_t> recording_owner;
};

// What became of a module, for --stats.
enum class ModuleState : std::uint8_t {
    loaded,
    missing,      // no file of that name
    mismatch,     // file there, but its build-id, inode or age says that it is another one
    not_regular,  // FIFO, device, directory, socket
    unreadable,   // no permission, or not ELF: ModuleInfo::fault says which
    foreign,      // no build-id recorded, and the recording is another machine's
    anonymous,    // //anon, [heap], JIT without a map: nothing to open
    generated,    // JIT code that a perf map or a jitdump names
    kernel,       // the kernel or one of its modules: no file used, symbols from kallsyms
};
// Stable identifier as used in --stats=json, e.g. "not_regular".
[[nodiscard]] std::string_view module_state_key(ModuleState state);

struct ModuleInfo {
    ModuleId id;
    std::string path;           // as recorded
    std::string short_name;     // what [..] shows: "libc.so.6", "vdso", "kernel", "unknown"
    BuildId recorded_build_id;  // empty if none
    BuildId file_build_id;      // of the file found, empty if none
    std::string file;           // what was found; empty if nothing
    std::string debug_file;     // separate debug file used, empty if none
    ModuleState state = ModuleState::missing;
    // If that is unreadable: what is wrong, "cannot be read: Permission denied", "not an ELF file".
    std::string fault;
};

}  // namespace fgread
