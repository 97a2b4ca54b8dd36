// ModulePlaces: where the modules of a profile were in memory, for formats that ask.
//
// Frames are (module, offset), so that one binary in a hundred processes, each with an address of
// its own for it, is one. A format that wants addresses gets those of the first process.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "collapse/folded_profile.h"

namespace fgread {

// An executable mapping of a module.
struct ModulePlace {
    std::uint64_t start = 0;
    std::uint64_t end = 0;     // exclusive
    std::uint64_t offset = 0;  // in the file, of start
    friend bool operator==(const ModulePlace&, const ModulePlace&) = default;
};

class ModulePlaces {
public:
    // Of the modules that frames are in. Cost: a look at every mapping of the recording.
    explicit ModulePlaces(const FoldedProfile& folded);

    // In rising order; none for code that no mapping of a file covers (JIT).
    [[nodiscard]] const std::vector<ModulePlace>& of(ModuleId module) const;
    // The address of what is looked up for `frame`: of the call where it is a return address.
    [[nodiscard]] std::uint64_t address(const Frame& frame) const;
    // Where that is in the file; its address where no mapping of a file covers it.
    [[nodiscard]] std::uint64_t file_offset(const Frame& frame) const;

private:
    struct Known {
        std::uint64_t bias = 0;
        std::vector<ModulePlace> places;
    };
    std::map<ModuleId, Known> modules_;
};

}  // namespace fgread
