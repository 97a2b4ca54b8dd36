#include "unwind/span_cache.h"

#include <algorithm>
#include <limits>

namespace fgread {
namespace {

// Bytes: _start is a dozen instructions. That of ld.so and of musl has no CFI.
constexpr std::uint64_t longest_entry = 64;

}  // namespace

StopReason SpanCache::Span::reason_without_rule(std::uint64_t lookup) const {
    if (!mapping && code.module.value == 0) return StopReason::no_mapping;
    if (!code.table) {
        // Memory without a file is a JIT's code, whether somebody named it or not.
        const bool made = code.generated || code.anonymous;
        return made ? StopReason::no_cfi : StopReason::module_unavailable;
    }
    const bool at_entry = code.entry && lookup - code.bias - code.entry->value < longest_entry;
    return at_entry ? StopReason::complete : StopReason::no_cfi;
}

std::uint32_t SpanCache::select(const AddressSpace& space, EventTime when) {
    when_ = when;
    if (current_->space != &space) {
        auto known = std::find_if(spaces_.begin(), spaces_.end(),
                                  [&](const Space& entry) { return entry.space == &space; });
        if (known == spaces_.end()) {
            known = spaces_.begin() + static_cast<std::ptrdiff_t>(next_victim_);
            next_victim_ = (next_victim_ + 1) % max_spaces;
            renew(*known, space);
        }
        current_ = &*known;
    }
    if (when < current_->from || when >= current_->until) renew(*current_, space);
    return current_->generation;
}

void SpanCache::renew(Space& entry, const AddressSpace& space) {
    // After 2^32 generations a number would come again; what carries it must be gone by then.
    if (last_generation_ == std::numeric_limits<std::uint32_t>::max()) clear();
    entry = Space{&space, EventTime{}, end_of_time, ++last_generation_};
}

void SpanCache::fill(Span& span, std::uint64_t address) {
    const AddressSpace::Found found = current_->space->find_span(Avma{address}, when_);
    current_->from = std::max(current_->from, found.from);
    current_->until = std::min(current_->until, found.until);
    span.mapping = found.id;
    place(span, found.start, found.end, address);
    span.generation = current_->generation;
    span.code = found.id ? resolve(found.id) : CodeMapping{};
    if (!found.id || span.code.anonymous) ask_for_code(span, found, address);
}

// Believed only if it says what was asked.
void SpanCache::place(Span& span, Avma start, Avma end, std::uint64_t address) {
    const bool covers = start.value <= address && address < end.value;
    span.start = covers ? start.value : address;
    span.size = covers ? end.value - start.value : 1;
}

void SpanCache::ask_for_code(Span& span, const AddressSpace::Found& found, std::uint64_t address) {
    const auto known = provider_.find_code(*current_->space, found, Avma{address}, when_);
    if (!known) return;
    current_->from = std::max(current_->from, known->from);
    current_->until = std::min(current_->until, known->until);
    place(span, std::max(found.start, known->start), std::min(found.end, known->end), address);
    if (known->code.module.value != 0) span.code = known->code;
}

const CodeMapping& SpanCache::resolve(MappingId mapping) {
    const std::size_t place = mapping.value % max_resolved;
    if (place >= resolved_.size()) resolved_.resize(place + 1);
    Resolved& known = resolved_[place];
    if (known.mapping != mapping) known = {mapping, provider_.resolve(mapping)};
    return known.code;
}

void SpanCache::clear() {
    spaces_.fill(Space{});
    spans_.fill(Span{});
}

}  // namespace fgread
