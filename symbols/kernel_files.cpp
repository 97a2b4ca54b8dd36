#include "symbols/kernel_files.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <vector>

#include "symbols/build_id_path.h"
#include "symbols/elf_notes.h"
#include "symbols/placed_module.h"
#include "symbols/regular_file.h"
#include "symbols/unpack.h"

namespace fgread {
namespace {

// amdgpu.ko, the largest there is, has 30 MB; with debug information 450 MB.
constexpr std::uint64_t max_module_file = std::uint64_t{1} << 30;
// Real modules shrink to a quarter, debug information to a sixth; a bomb to a thousandth.
constexpr std::uint64_t max_expansion = 100;
constexpr std::uint64_t always_allowed = 1 << 20;
// Debian lists 4,000 modules in 600 KB.
constexpr std::size_t max_module_list = 64 << 20;
constexpr std::string_view modules_directory = "/lib/modules/";
constexpr std::array<std::string_view, 3> packings = {".xz", ".gz", ".zst"};

std::string_view basename_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view without_packing(std::string_view path) {
    for (const std::string_view packing : packings) {
        if (path.ends_with(packing)) path.remove_suffix(packing.size());
    }
    return path;
}

// A release is one part of a path; a recording may say anything.
bool is_release(const std::string& release) {
    return !release.empty() && release.find('/') == std::string::npos && release != "." &&
           release != "..";
}

// The value of the symbol `name` in .symtab.
std::optional<std::uint64_t> symbol_value(const ElfImage& image, std::string_view name) {
    const Section* symbols = image.find_section(std::uint32_t{SHT_SYMTAB});
    if (symbols == nullptr || !image.is_64bit() || symbols->link >= image.sections().size()) {
        return std::nullopt;
    }
    const OwnedBytes table = image.contents(*symbols);
    const OwnedBytes strings = image.contents(image.sections()[symbols->link]);
    const ByteView names = strings.view();
    ByteReader in(table.view(), image.endian());
    while (in.remaining() >= sizeof(Elf64_Sym)) {
        const std::uint32_t offset = in.u32();
        in.skip(1 + 1 + 2);  // st_info, st_other, st_shndx
        const std::uint64_t value = in.u64();
        in.skip(8);  // st_size
        if (offset >= names.size() || names.size() - offset <= name.size()) continue;
        const ByteView here = names.subspan(offset, name.size() + 1);
        const bool same =
            std::equal(name.begin(), name.end(), here.begin(),
                       [](char a, std::byte b) { return a == std::to_integer<char>(b); });
        if (same && here.back() == std::byte{0}) return value;
    }
    return std::nullopt;
}

struct Place {
    std::string path;
    std::string root;
};

// Where debug files lie, in the order of the search: --debug-dir first.
std::vector<std::string> debug_directories(const ModuleSources& sources) {
    std::vector<std::string> directories = sources.debug_directories;
    directories.push_back(sources.debug_directory);
    return directories;
}

// `paths` beneath symfs, if there is one, then as they are.
std::vector<Place> places(const std::vector<std::string>& paths, const ModuleSources& sources) {
    std::vector<Place> found;
    for (const std::string& path : paths) {
        if (!sources.symfs.empty()) found.push_back({path, sources.symfs});
        found.push_back({path, {}});
    }
    return found;
}

// A file that is there, whatever it is; missing if there is none.
KernelFile open_elf(const Place& place) {
    KernelFile file;
    OpenFailure failure{};
    std::optional<RegularFile> opened = RegularFile::open(place.path, place.root, failure);
    if (!opened) {
        if (failure == OpenFailure::not_regular) file.state = ModuleState::not_regular;
        if (failure == OpenFailure::unreadable) {
            file.state = ModuleState::unreadable;
            file.fault = unreadable_text(errno);
            file.path = place.root + place.path;
        }
        return file;
    }
    file.path = place.root + place.path;
    file.in_symfs = !place.root.empty();
    file.image = ElfImage::read(std::move(*opened), &file.fault);
    file.state = file.image ? ModuleState::loaded : ModuleState::unreadable;
    if (file.image) file.build_id = file.image->build_id();
    return file;
}

KernelFile rejected(KernelFile file, ModuleState state) {
    file.state = state;
    file.image.reset();
    return file;
}

KernelFile open_vmlinux(const Place& place, const Image& image, const std::string& anchor,
                        std::uint64_t anchor_address) {
    KernelFile file = open_elf(place);
    if (file.state != ModuleState::loaded) return file;
    if (!image.build_id.empty() && !same_build_id(image.build_id, file.build_id)) {
        return rejected(std::move(file), ModuleState::mismatch);
    }
    const std::optional<std::uint64_t> here = symbol_value(*file.image, anchor);
    if (!here) {
        file.fault = "an ELF file without the symbol " + anchor + ", which the kernel's has";
        return rejected(std::move(file), ModuleState::unreadable);
    }
    file.bias = anchor_address == 0 ? 0 : anchor_address - *here;
    return file;
}

// Opened, unpacked, laid out.
KernelFile open_module(const Place& place, std::uint64_t& modified_ns) {
    KernelFile file;
    OpenFailure failure{};
    std::optional<RegularFile> opened = RegularFile::open(place.path, place.root, failure);
    if (!opened) {
        if (failure == OpenFailure::not_regular) file.state = ModuleState::not_regular;
        if (failure == OpenFailure::unreadable) file.state = ModuleState::unreadable;
        return file;
    }
    file.path = place.root + place.path;
    file.in_symfs = !place.root.empty();
    file.state = ModuleState::unreadable;
    modified_ns = opened->identity().modified_ns;
    if (opened->size() > max_module_file) return file;
    OwnedBytes packed(opened->size());
    if (!opened->read_at(0, packed.writable())) return file;
    const std::uint64_t limit =
        std::min(max_module_file, max_expansion * packed.size() + always_allowed);
    std::optional<std::vector<std::byte>> bytes = unpack(packed.view(), limit);
    if (bytes) bytes = place_module(std::move(*bytes));
    if (!bytes) return file;
    file.image = ElfImage::read(std::move(*bytes));
    if (!file.image) return file;
    file.build_id = file.image->build_id();
    file.state = ModuleState::loaded;
    return file;
}

// "kernel/fs/ext4/ext4.ko.xz", by the name of the module, from "PATH: PATH..." lines.
std::string path_in_list(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find('\n'), list.size());
        const std::string_view path = list.substr(0, std::min(list.find(':'), end));
        if (kernel_module_name(path) == name) return std::string(path);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return {};
}

std::string listed_path(const std::string& release, std::string_view name,
                        const std::string& root) {
    const std::string list = std::string(modules_directory) + release + "/modules.dep";
    OpenFailure failure{};
    const std::optional<RegularFile> file = RegularFile::open(list, root, failure);
    if (!file || file->size() > max_module_list) return {};
    OwnedBytes bytes(file->size());
    if (!file->read_at(0, bytes.writable())) return {};
    const void* text = bytes.view().data();
    return path_in_list({static_cast<const char*>(text), bytes.size()}, name);
}

class ModuleSearch {
public:
    ModuleSearch(const Image& image, bool local, const ModuleSources& sources)
        : image_(image), local_(local), sources_(sources) {}

    KernelFile run() {
        std::vector<Place> plain = plain_places();
        KernelFile best;
        for (const Place& place : plain) {
            KernelFile file = judged(place);
            if (best.state == ModuleState::missing)
                best = std::move(file);
            else if (file.state == ModuleState::loaded)
                best = std::move(file);
            if (best.state == ModuleState::loaded) break;
        }
        const BuildId& id = best.state == ModuleState::loaded ? best.build_id : image_.build_id;
        if (id.empty()) return best;
        for (const Place& place : debug_places(plain, id)) {
            std::uint64_t modified_ns = 0;
            KernelFile file = open_module(place, modified_ns);
            if (file.state == ModuleState::loaded && same_build_id(id, file.build_id)) return file;
        }
        return best;
    }

private:
    // The recorded path; else what the list of modules has under that name.
    [[nodiscard]] std::vector<Place> plain_places() const {
        std::vector<Place> found;
        if (image_.path.starts_with('/')) found = places({image_.path}, sources_);
        if (!is_release(sources_.os_release)) return found;
        for (const std::string& root : {sources_.symfs, std::string()}) {
            if (root.empty() && !found.empty() && found.back().path != image_.path) break;
            const std::string path =
                listed_path(sources_.os_release, kernel_module_name(image_.path), root);
            if (path.empty()) continue;
            const std::string directory = std::string(modules_directory) + sources_.os_release;
            found.push_back({path.starts_with('/') ? path : directory + "/" + path, root});
        }
        return found;
    }

    [[nodiscard]] std::vector<Place> debug_places(const std::vector<Place>& plain,
                                                  const BuildId& id) const {
        std::vector<std::string> paths;
        for (const std::string& directory : debug_directories(sources_)) {
            paths.push_back(build_id_debug_path(directory, id));
            for (const Place& place : plain) add_debug_paths(directory, place.path, paths);
        }
        return places(paths, sources_);
    }

    static void add_debug_paths(const std::string& directory, std::string_view module,
                                std::vector<std::string>& paths) {
        std::string_view path = without_packing(module);
        // /lib is a link to /usr/lib, debug packages use either.
        if (path.starts_with("/usr/")) path.remove_prefix(4);
        for (const std::string_view ending : {"", ".debug"}) {
            for (const std::string_view usr : {"", "/usr"}) {
                std::string whole = directory;
                whole.append(usr).append(path).append(ending);
                if (std::find(paths.begin(), paths.end(), whole) == paths.end()) {
                    paths.push_back(std::move(whole));
                }
            }
        }
    }

    [[nodiscard]] KernelFile judged(const Place& place) const {
        std::uint64_t modified_ns = 0;
        // Without a build-id, a foreign recording gives no reason to read a file of this machine.
        if (image_.build_id.empty() && place.root.empty() && !local_) {
            KernelFile file;
            file.state = ModuleState::foreign;
            return file;
        }
        KernelFile file = open_module(place, modified_ns);
        if (file.state != ModuleState::loaded) return file;
        const bool newer = sources_.recorded_at_ns != 0 && modified_ns > sources_.recorded_at_ns;
        const bool fits = image_.build_id.empty() ? file.in_symfs || !newer
                                                  : same_build_id(image_.build_id, file.build_id);
        return fits ? std::move(file) : rejected(std::move(file), ModuleState::mismatch);
    }

    const Image& image_;
    bool local_;
    const ModuleSources& sources_;
};

}  // namespace

std::string kernel_module_name(std::string_view path) {
    std::string_view base = basename_of(path);
    if (base.starts_with('[') && base.ends_with(']') && base.size() > 2) {
        base = base.substr(1, base.size() - 2);
    }
    std::string name(without_packing(base));
    if (name.ends_with(".ko")) name.resize(name.size() - 3);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

KernelFile find_vmlinux(const Image& image, const std::string& anchor, std::uint64_t anchor_address,
                        const ModuleSources& sources) {
    if (!sources.vmlinux.empty()) {
        return open_vmlinux({sources.vmlinux, {}}, image, anchor, anchor_address);
    }
    if (image.build_id.empty()) return {};
    std::vector<std::string> paths;
    for (const std::string& directory : debug_directories(sources)) {
        paths.push_back(build_id_debug_path(directory, image.build_id));
        if (!is_release(sources.os_release)) continue;
        paths.push_back(directory + "/boot/vmlinux-" + sources.os_release);
        paths.push_back(directory + std::string(modules_directory) + sources.os_release +
                        "/vmlinux");
    }
    if (is_release(sources.os_release)) paths.push_back("/boot/vmlinux-" + sources.os_release);
    std::vector<Place> all = places(paths, sources);
    if (!sources.build_id_cache.empty()) {
        all.push_back({build_id_cache_path(sources.build_id_cache, image.build_id, "elf"), {}});
    }
    for (const Place& place : all) {
        KernelFile file = open_vmlinux(place, image, anchor, anchor_address);
        if (file.state == ModuleState::loaded) return file;
    }
    return {};
}

KernelFile find_kernel_module(const Image& image, Avma start, bool local,
                              const ModuleSources& sources) {
    KernelFile file = ModuleSearch(image, local, sources).run();
    file.bias = start.value - placed_module_base;
    return file;
}

}  // namespace fgread
