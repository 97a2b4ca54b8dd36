// SpanCache: which mapping, module and rules an address belongs to, for the address spaces a
// walker met last. Spares nearly all lookups in ordered maps.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "perfdata/address_space.h"
#include "unwind/module_provider.h"
#include "unwind/stop_reason.h"

namespace fgread {

// Not thread-safe; part of one walker.
class SpanCache {
public:
    explicit SpanCache(ModuleProvider& provider) : provider_(provider) {}

    // Chooses the space and time the next lookups are for. Returns the number of its generation:
    // everything found under one generation stays true under it, and no other space ever gets it.
    std::uint32_t select(const AddressSpace& space, EventTime when);

    // A piece of the selected space. An address without a mapping has the module 0 and bias 0.
    struct Span {
        std::uint64_t start = 0;
        std::uint64_t size = 0;  // bytes
        MappingId mapping;
        std::uint32_t generation = 0;
        CodeMapping code;

        // The rule at an address in it (already lowered, if it is a return address); null if none.
        [[nodiscard]] const UnwindRule* find_rule(std::uint64_t lookup) const {
            return code.table ? code.table->find(Svma{lookup - code.bias}) : nullptr;
        }
        // Why a walk ends where find_rule() finds none.
        [[nodiscard]] StopReason reason_without_rule(std::uint64_t lookup) const;
    };
    // Valid until the next call.
    const Span& find(std::uint64_t address) {
        Span& span = spans_[place_of(address)];
        if (address - span.start < span.size && span.generation == current_->generation) {
            return span;
        }
        fill(span, address);
        return span;
    }

    // Forgets what spaces answered, not what the provider did.
    void clear();

private:
    static constexpr std::size_t max_spaces = 16;
    static constexpr unsigned span_bits = 7;
    static constexpr std::size_t max_resolved = 1024;
    // Text segments span MiBs: neighbouring 64 KiB pieces need different places.
    static constexpr unsigned place_shift = 16;

    struct Space {
        const AddressSpace* space = nullptr;
        EventTime from, until;  // for which all spans of this generation hold
        std::uint32_t generation = 0;
    };

    [[nodiscard]] std::size_t place_of(std::uint64_t address) const {
        const std::uint64_t key = (address >> place_shift) + current_->generation;
        return (key * 0x9e3779b97f4a7c15u) >> (64 - span_bits);
    }
    void fill(Span& span, std::uint64_t address);
    void ask_for_code(Span& span, const AddressSpace::Found& found, std::uint64_t address);
    void place(Span& span, Avma start, Avma end, std::uint64_t address);
    const CodeMapping& resolve(MappingId mapping);
    void renew(Space& entry, const AddressSpace& space);

    struct Resolved {
        MappingId mapping;
        CodeMapping code;
    };

    ModuleProvider& provider_;
    EventTime when_;
    std::array<Space, max_spaces> spaces_;
    Space* current_ = &spaces_[0];
    std::size_t next_victim_ = 0;
    std::uint32_t last_generation_ = 0;
    std::array<Span, std::size_t{1} << span_bits> spans_;
    // By MappingId, modulo max_resolved. Mappings of one process mostly have numbers in a row; of
    // 43,000 short processes, each somewhere else in memory, all mappings would be 34 MB.
    std::vector<Resolved> resolved_;
};

}  // namespace fgread
