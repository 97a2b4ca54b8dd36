#include "collapse/writers/module_places.h"

#include <algorithm>
#include <set>
#include <utility>

namespace fgread {

ModulePlaces::ModulePlaces(const FoldedProfile& folded) {
    std::set<ModuleId> used;
    for (const Frame& frame : folded.profile.frames.frames()) used.insert(frame.module);
    // ModuleCache::resolve() opens what it did not know; only what frames are in is asked for.
    std::set<std::pair<std::string, BuildId>> wanted;
    for (const ModuleId id : used) {
        if (id.value == 0) continue;
        const ModuleInfo info = folded.modules.info(id);
        wanted.emplace(info.path, info.recorded_build_id);
    }
    const MappingTable& mappings = folded.processes.mappings();
    for (std::uint32_t id = 1; id <= mappings.mapping_count(); ++id) {
        const Mapping& mapping = mappings.mapping({id});
        const Image& image = mappings.image(mapping.image);
        if (!wanted.contains({image.path, image.build_id})) continue;
        const CodeMapping code = folded.modules.resolve({id});
        if (!used.contains(code.module)) continue;
        const auto [known, added] = modules_.try_emplace(code.module, Known{code.bias, {}});
        if (!added && known->second.bias != code.bias) continue;
        known->second.places.push_back(
            {mapping.start.value, mapping.end.value, mapping.file_offset});
    }
    for (auto& [id, known] : modules_) {
        const auto by_start = [](const ModulePlace& a, const ModulePlace& b) {
            return std::pair{a.start, a.end} < std::pair{b.start, b.end};
        };
        std::sort(known.places.begin(), known.places.end(), by_start);
        const auto end = std::unique(known.places.begin(), known.places.end());
        known.places.erase(end, known.places.end());
    }
}

const std::vector<ModulePlace>& ModulePlaces::of(ModuleId module) const {
    static const std::vector<ModulePlace> none;
    const auto known = modules_.find(module);
    return known == modules_.end() ? none : known->second.places;
}

std::uint64_t ModulePlaces::address(const Frame& frame) const {
    const auto known = modules_.find(frame.module);
    return frame.lookup_offset() + (known == modules_.end() ? 0 : known->second.bias);
}

std::uint64_t ModulePlaces::file_offset(const Frame& frame) const {
    const std::uint64_t at = address(frame);
    for (const ModulePlace& place : of(frame.module)) {
        if (place.start <= at && at < place.end) return at - place.start + place.offset;
    }
    return at;
}

}  // namespace fgread
