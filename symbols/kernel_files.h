// KernelFiles: the vmlinux and the .ko files of the kernel a recording was made on.
//
// They are not needed for names, which kallsyms has; with debug information they add the functions
// that were inlined, and for a recording of another machine they are a source of names. A wrong one
// is worse than none: what decides is the build-id in the recording.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "perfdata/address_space.h"
#include "symbols/elf_image.h"
#include "symbols/module_sources.h"

namespace fgread {

// "/lib/modules/6.1.0/kernel/fs/nls-utf8.ko.xz" and "[nls_utf8]" are one module: nls_utf8.
[[nodiscard]] std::string kernel_module_name(std::string_view path);

struct KernelFile {
    ModuleState state = ModuleState::missing;
    std::optional<ElfImage> image;  // if state is loaded
    std::string path;               // of the file found, symfs included
    bool in_symfs = false;
    BuildId build_id;   // of the file found, even if it is not used
    std::string fault;  // as ModuleInfo's; of a vmlinux only
    // What to take from an address of the running kernel to get one of the file.
    std::uint64_t bias = 0;
};

// The file named by --vmlinux, which must have the recorded build-id if there is one. Without
// --vmlinux, and with a recorded build-id only, the first that has it of: by build-id and
// boot/vmlinux-RELEASE and lib/modules/RELEASE/vmlinux below /usr/lib/debug;
// /boot/vmlinux-RELEASE; perf's build-id cache. Each beneath symfs first.
// `anchor` ("_text") was at `anchor_address` while recording: the difference to where the file has
// it is what address space layout randomisation added. A file without that symbol is not used.
// Cost: reads the file's symbol table.
[[nodiscard]] KernelFile find_vmlinux(const Image& image, const std::string& anchor,
                                      std::uint64_t anchor_address, const ModuleSources& sources);

// The file of a kernel module that was loaded at `start`: the recorded path, else the file of that
// name in modules.dep of /lib/modules/RELEASE; in its place the one with debug information below
// /usr/lib/debug/lib/modules/RELEASE, if there is one of the same build-id. Each beneath symfs
// first. .ko.xz, .ko.gz and .ko.zst are unpacked (in memory). Without a recorded build-id only if
// `local`, and if the file is not newer than the recording.
// Cost: reads the whole file; 1 ms per MB of output where it is packed.
[[nodiscard]] KernelFile find_kernel_module(const Image& image, Avma start, bool local,
                                            const ModuleSources& sources);

}  // namespace fgread
