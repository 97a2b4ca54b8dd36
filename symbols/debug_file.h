// Separate debug files: the symbols and debug information that were split off a binary.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "symbols/elf_image.h"

namespace fgread {

class BinaryArchive;
class Debuginfod;

// Directories that are searched. Each is left out if empty.
struct DebugDirectories {
    std::string system = "/usr/lib/debug";
    std::string build_id_cache;        // perf's: ~/.debug
    std::string symfs;                 // root beneath which `system` is searched first
    std::vector<std::string> extra{};  // --debug-dir: searched before all others
    // Searched after all directories, in this order. No debuginfod: nothing is fetched.
    std::vector<std::shared_ptr<const BinaryArchive>> archives{};
    std::shared_ptr<Debuginfod> debuginfod{};
};

struct DebugFile {
    ElfImage image;
    std::string path;
};

// Looks for the debug file of `binary`, which was opened as `binary_path` (beneath symfs if
// `in_symfs`):
//   1. by build-id in each of `extra`, in `system` and in the build-id cache;
//   2. in each of `extra` by the binary's path + ".debug";
//   3. by .gnu_debuglink in `extra` + the binary's directory, beside the binary, in ".debug" there,
//      and in `system` + its directory.
//   4. by build-id in each of `archives`, and at last from `debuginfod`, unless the binary has
//      debug information itself.
// A file is taken only if its build-id is the binary's; where one of them has none, only by a
// debuglink whose CRC agrees (which reads the file). Thread-safe.
[[nodiscard]] std::optional<DebugFile> find_debug_file(const ElfImage& binary,
                                                       const std::string& binary_path,
                                                       bool in_symfs,
                                                       const DebugDirectories& directories);

// CRC-32 as .gnu_debuglink has it (IEEE 802.3, reflected). Start with 0.
[[nodiscard]] std::uint32_t crc32(std::uint32_t crc, ByteView bytes);

}  // namespace fgread
