// The unwind sections of a binary, read into memory, as an UnwindTable wants them.
#pragma once

#include "symbols/elf_image.h"
#include "symbols/regular_file.h"
#include "unwind/unwind_table.h"

namespace fgread {

// The views in `sections` point into the owned bytes: keep the object alive, and at one place, as
// long as they are used. (Moving it is fine: the bytes stay where they are.)
struct UnwindBytes {
    OwnedBytes eh_frame, eh_frame_hdr, debug_frame, sframe, arm_exidx, arm_extab;
    UnwindSections sections;

    [[nodiscard]] bool empty() const {
        return eh_frame.empty() && debug_frame.empty() && sframe.empty() && arm_exidx.empty();
    }
};

// Finds .eh_frame_hdr by PT_GNU_EH_FRAME (else by name) and .eh_frame by name (else by the header's
// pointer, bounded by its PT_LOAD, in files without section headers). .debug_frame comes from the
// binary, else from `debug_file` if that is not null; .sframe by PT_GNU_SFRAME, else by name;
// .ARM.exidx by PT_ARM_EXIDX, else by name, as .ARM.extab. Cost: one pread per section.
[[nodiscard]] UnwindBytes read_unwind_sections(const ElfImage& binary, const ElfImage* debug_file);

}  // namespace fgread
