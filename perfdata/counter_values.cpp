#include "perfdata/counter_values.h"

#include <bit>

#include "perfdata/format.h"

namespace fgread {

using namespace format;

// Group:  nr, [enabled], [running], nr * {value, [id], [lost]}
// Single: value, [enabled], [running], [id], [lost]
CounterValues::CounterValues(const EventAttr& attr, const SampleView& sample)
    : words_(sample.read), own_id_(sample.id) {
    if (words_.size() == 0) return;
    const auto times = static_cast<std::size_t>(
        std::popcount(attr.read_format & (read_total_time_enabled | read_total_time_running)));
    const bool has_id = (attr.read_format & read_id) != 0;
    if ((attr.read_format & read_group) == 0) {
        count_ = 1;
        id_at_ = has_id ? 1 + times : 0;
        if (id_at_ >= words_.size()) count_ = 0;
        return;
    }
    first_ = 1 + times;
    stride_ = 1 + static_cast<std::size_t>(std::popcount(attr.read_format & (read_id | read_lost)));
    id_at_ = has_id ? 1 : 0;
    // decode() made the words as many as nr needs.
    count_ = words_.size() > first_ ? (words_.size() - first_) / stride_ : 0;
}

CounterValues::Value CounterValues::operator[](std::size_t index) const {
    const std::size_t at = first_ + index * stride_;
    return {id_at_ == 0 ? own_id_ : words_[at + id_at_], words_[at]};
}

}  // namespace fgread
