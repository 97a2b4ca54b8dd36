// Names of functions from their DIEs: linkage name, else the qualified name.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <tsl/robin_map.h>

#include "symbols/dwarf_inlines.h"
#include "symbols/dwarf_units.h"

namespace fgread {

// From an inlined call to its abstract origin to its declaration is 2 steps; partial inlining and
// clones make 3 or 4. More is a cycle.
inline constexpr int max_origin_steps = 16;
// Enclosing namespaces, classes and functions of a qualified name. 20 is much in real code.
inline constexpr int max_name_scopes = 64;
// A qualified name is cut at this length; linkage names are views and have no limit here.
inline constexpr std::size_t max_qualified_name = 16 * 1024;
// All qualified names of an index; later ones stay unqualified. Thousands of names repeat their
// scopes' names, which could make gigabytes of a small file.
inline constexpr std::size_t max_qualified_bytes = 64 << 20;

struct FunctionName {
    std::string_view text;    // empty: the DIE has no name
    bool is_linkage = false;  // to be demangled; otherwise readable as it is
};

// Each name is made once per abstract origin. Thread-safe; views live as long as this object and
// the bytes of its files.
class DwarfNames {
public:
    // Gives the walk of a unit, needed to qualify names: made on first use by whoever owns it.
    using InlinesOf = std::function<const UnitInlines&(const DwarfUnit&)>;
    explicit DwarfNames(InlinesOf inlines_of) : inlines_of_(std::move(inlines_of)) {}

    // The name of the function that the DIE is, or is an inlined call of. The pointer is stable.
    const FunctionName* name_of(DieRef die);

private:
    FunctionName make_name(DieRef die);
    std::string qualified(DieRef named, std::string_view name);

    struct RefHash {
        std::size_t operator()(const DieRef& ref) const {
            return std::hash<const void*>{}(ref.unit) * 31 + ref.offset;
        }
    };

    InlinesOf inlines_of_;
    std::mutex mutex_;  // of what follows
    tsl::robin_map<DieRef, const FunctionName*, RefHash> by_origin_;
    std::deque<FunctionName> names_;
    std::deque<std::string> texts_;
    std::size_t text_bytes_ = 0;
};

}  // namespace fgread
