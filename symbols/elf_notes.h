// The build-id among ELF notes (gabi, "Note Section"): also the format of /sys/kernel/notes.
#pragma once

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"

namespace fgread {

// The descriptor of the first NT_GNU_BUILD_ID note; empty if there is none of 1 to 64 bytes.
[[nodiscard]] BuildId build_id_of_notes(ByteView notes, Endian endian);

// True if both are the same id. perf before 5.12 stores every id in 20 bytes and pads shorter ones
// (16 bytes with ld --build-id=uuid or md5) with zeros, so `recorded` may have them at its end.
[[nodiscard]] bool same_build_id(const BuildId& recorded, const BuildId& of_file);

}  // namespace fgread
