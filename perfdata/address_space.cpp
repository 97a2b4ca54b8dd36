#include "perfdata/address_space.h"

#include "perfdata/mapping_log.h"
#include "perfdata/mapping_tree.h"

namespace fgread {
namespace {

// A list of more takes longer to look through than a tree.
constexpr std::size_t max_listed = 256;
// What each child may have to copy of its parent's list.
constexpr std::size_t max_inherited = 16;

}  // namespace

struct AddressSpace::State {
    MappingLog log;
    std::unique_ptr<MappingTree> tree;  // instead of it, once there are many
    ProcessId owner;

    void plant() {
        tree = std::make_unique<MappingTree>();
        for (const MappingLog::Change& change : log.changes()) {
            tree->add(log.start_of(change), change.start, change.end, change.id);
        }
        log = {};
    }
};

AddressSpace::AddressSpace() : state_(std::make_unique<State>()) {}

AddressSpace::AddressSpace(const AddressSpace& parent, EventTime when)
    : state_(std::make_unique<State>()) {
    State& known = *parent.state_;
    if (!known.tree && known.log.size() > max_inherited) known.plant();
    if (known.tree) {
        state_->tree = std::make_unique<MappingTree>(known.tree->forked(when));
    } else {
        state_->log = known.log.forked(when);
    }
}

bool AddressSpace::map(EventTime when, Avma start, Avma end, MappingId id) {
    if (start >= end) return true;
    State& state = *state_;
    if (!state.tree && state.log.size() == max_listed) state.plant();
    if (!state.tree) {
        state.log.add(when, start.value, end.value, id);
        return true;
    }
    if (state.tree->size() >= max_changes) return false;
    state.tree->add(when, start.value, end.value, id);
    return true;
}

MappingId AddressSpace::find(Avma addr, EventTime when) const { return find_span(addr, when).id; }

AddressSpace::Found AddressSpace::find_span(Avma addr, EventTime when) const {
    return state_->tree ? state_->tree->find_span(addr.value, when)
                        : state_->log.find_span(addr.value, when);
}

ProcessId AddressSpace::owner() const { return state_->owner; }
void AddressSpace::set_owner(ProcessId id) { state_->owner = id; }

AddressSpace::~AddressSpace() = default;
AddressSpace::AddressSpace(AddressSpace&&) noexcept = default;
AddressSpace& AddressSpace::operator=(AddressSpace&&) noexcept = default;

}  // namespace fgread
