#include "dwarf_files.h"

#include <filesystem>

#include "symbols/elf_image.h"

namespace fgread::test {

std::optional<DwarfSections> read_file(const std::string& path, DwarfFlavour flavour) {
    OpenFailure failure{};
    std::error_code error;
    const auto full = std::filesystem::canonical(path, error);
    auto file = RegularFile::open(full.string(), "", failure);
    if (!file) return std::nullopt;
    const auto image = ElfImage::read(std::move(*file));
    if (!image) return std::nullopt;
    return read_dwarf_sections(*image, flavour);
}

std::optional<DwarfIndex> open_files(const std::string& debug_file,
                                     const std::string& supplementary, const std::string& package,
                                     const std::string& dwo_directory) {
    DwarfInputs inputs;
    std::optional<DwarfSections> main = read_file(debug_file);
    if (!main) return std::nullopt;
    inputs.debug_file = std::move(*main);
    if (!supplementary.empty()) inputs.supplementary = read_file(supplementary);
    if (!package.empty()) inputs.package = read_file(package, DwarfFlavour::split);
    inputs.open_split = [dwo_directory](const std::string& recorded) {
        const std::filesystem::path path(recorded);
        const auto place = dwo_directory.empty() ? path : dwo_directory / path.filename();
        return read_file(place.string(), DwarfFlavour::split);
    };
    return DwarfIndex::open(std::move(inputs));
}

}  // namespace fgread::test
