// The file header, and the feature sections that say where and how the recording was made.
// Layout: tools/perf/Documentation/perf.data-file-format.txt in the kernel tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"

namespace fgread {

struct FileSection {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

struct FileHeader {
    Endian endian = Endian::little;
    std::uint64_t size = 0;
    std::uint64_t attr_size = 0;
    FileSection attrs;
    FileSection data;  // size 0 if the recorder was killed: read to the end of the file
    std::uint64_t feature_bits[4] = {};
    [[nodiscard]] bool has_feature(unsigned bit) const {
        return bit < 256 && ((feature_bits[bit / 64] >> (bit % 64)) & 1);
    }
    [[nodiscard]] bool has_features() const {
        return (feature_bits[0] | feature_bits[1] | feature_bits[2] | feature_bits[3]) != 0;
    }
};

// One entry of the build-id table (HEADER_BUILD_ID).
struct BuildIdEntry {
    Pid pid;
    CpuMode mode = CpuMode::user;
    BuildId build_id;
    std::string path;
};

struct EventDescription {
    std::string name;
    std::vector<std::uint64_t> ids;
};

// Absent features are empty.
struct Features {
    std::string hostname, os_release, perf_version, arch, cpu_description, cpu_id;
    std::vector<std::string> command_line;  // first is perf itself
    std::uint32_t elf_machine = 0;          // EM_* of the recorded tasks
    std::uint32_t cpus_available = 0, cpus_online = 0;
    std::uint64_t branch_registers = 0;  // of a processor (LBR); 0: not known, or they differ
    std::uint64_t total_memory_kb = 0;
    std::vector<BuildIdEntry> build_ids;
    std::vector<EventDescription> events;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> sample_time;  // first, last, in ns
    bool compressed = false;
    // False: the file ends before, or inside, the table that says where they are.
    bool table_found = false;
};

}  // namespace fgread
