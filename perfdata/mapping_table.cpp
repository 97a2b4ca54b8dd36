// BuildId, MappingTable: the parts of address_space.h that say what was mapped.
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>
#include <algorithm>
#include <array>

#include <functional>
#include <utility>

#include "perfdata/address_space.h"

namespace fgread {
namespace {

// splitmix64's finaliser: addresses differ in few, middle bits; a table of 2^n slots uses the low.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

std::uint64_t hash_of(const Image& image) {
    std::uint64_t hash = std::hash<std::string>{}(image.path);
    for (const std::uint8_t byte : image.build_id.bytes) hash = hash * 31 + byte;
    return mix(mix(hash ^ image.inode) + image.inode_generation);
}

std::uint64_t hash_of(const Mapping& mapping) {
    return mix(mix(mapping.start.value ^ mapping.image.value) + mapping.file_offset);
}

bool same(const Image& a, const Image& b) { return a == b; }
bool same(const Mapping& a, const Mapping& b) {
    return a.start == b.start && a.end == b.end && a.file_offset == b.file_offset &&
           a.image == b.image;
}

// Values with dense numbers; each is stored once, the index holds numbers only.
template <class T>
class Interner {
public:
    Interner() : index_(0, Hash{&values_}, Equal{&values_}) {}
    Interner(const Interner&) = delete;
    Interner& operator=(const Interner&) = delete;

    std::uint32_t intern(const T& value) {
        const auto candidate = static_cast<std::uint32_t>(values_.size());
        values_.push_back(value);
        const auto [position, is_new] = index_.insert(candidate);
        if (!is_new) values_.pop_back();
        return *position;
    }
    const std::vector<T>& values() const { return values_; }

    // Lets `change` alter values, then finds them by their new contents; numbers stay.
    template <class Change>
    void alter(const Change& change) {
        for (T& value : values_) change(value);
        index_.clear();
        for (std::uint32_t i = 0; i < values_.size(); ++i) index_.insert(i);
    }

private:
    struct Hash {
        const std::vector<T>* values;
        std::size_t operator()(std::uint32_t index) const { return hash_of((*values)[index]); }
    };
    struct Equal {
        const std::vector<T>* values;
        bool operator()(std::uint32_t a, std::uint32_t b) const {
            return same((*values)[a], (*values)[b]);
        }
    };

    std::vector<T> values_;
    tsl::robin_set<std::uint32_t, Hash, Equal> index_;
};

constexpr std::string_view kernel_name = "[kernel.kallsyms]";

// The name under which the build-id table knows an image. The kernel's own text is mapped as
// "[kernel.kallsyms]_text" or "_stext", and listed as "[kernel.kallsyms]" or a path of a vmlinux.
std::string_view table_name(std::string_view path, CpuMode mode) {
    if (mode != CpuMode::kernel) return path;
    if (path.substr(0, kernel_name.size()) == kernel_name) return kernel_name;
    const std::string_view base = path.substr(path.rfind('/') + 1);
    return base.substr(0, 7) == "vmlinux" ? kernel_name : path;
}

// Key of the build-id table: a user's file and a kernel module of one path are not the same.
std::string table_key(std::string_view path, CpuMode mode) {
    std::string key(mode == CpuMode::kernel ? "k" : "u");
    key += table_name(path, mode);
    return key;
}

}  // namespace

std::string BuildId::hex() const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

namespace {

// A ring of the last processes that mapped an image.
struct Users {
    std::array<Pid, MappingTable::max_users> pids{};  // -1: none
    std::size_t last = 0;

    void add(Pid pid) {
        if (pids[last] == pid) return;
        last = (last + 1) % pids.size();
        pids[last] = pid;
    }
};

}  // namespace

struct MappingTable::State {
    Interner<Image> images;
    Interner<Mapping> mappings;  // number n has MappingId n + 1
    tsl::robin_map<std::string, BuildId> build_ids;
    std::vector<Users> users;  // by ImageId

    const BuildId* table_build_id(const Image& image) const {
        if (!image.build_id.empty() || build_ids.empty()) return nullptr;
        const auto found = build_ids.find(table_key(image.path, image.mode));
        return found == build_ids.end() ? nullptr : &found->second;
    }
};

MappingTable::MappingTable() : state_(std::make_unique<State>()) {}

ImageId MappingTable::intern(const Image& image) {
    const BuildId* id = state_->table_build_id(image);
    if (id == nullptr) return {state_->images.intern(image)};
    Image complete = image;
    complete.build_id = *id;
    return {state_->images.intern(complete)};
}

MappingId MappingTable::intern(const Mapping& mapping) {
    return {state_->mappings.intern(mapping) + 1};
}

void MappingTable::add_user(ImageId id, Pid pid) {
    std::vector<Users>& users = state_->users;
    if (users.size() <= id.value) users.resize(std::size_t{id.value} + 1);
    users[id.value].add(pid);
}

std::vector<Pid> MappingTable::last_users(ImageId id) const {
    std::vector<Pid> found;
    if (id.value >= state_->users.size()) return found;
    const Users& users = state_->users[id.value];
    for (std::size_t i = 0; i < max_users; ++i) {
        const Pid pid = users.pids[(users.last + max_users - i) % max_users];
        const bool known = std::find(found.begin(), found.end(), pid) != found.end();
        if (pid.value > 0 && !known) found.push_back(pid);
    }
    return found;
}

const Image& MappingTable::image(ImageId id) const { return state_->images.values().at(id.value); }

const Mapping& MappingTable::mapping(MappingId id) const {
    return state_->mappings.values()[id.value - 1];
}

std::size_t MappingTable::image_count() const { return state_->images.values().size(); }
std::size_t MappingTable::mapping_count() const { return state_->mappings.values().size(); }

void MappingTable::set_build_id(const std::string& path, const BuildId& id, CpuMode mode) {
    if (id.empty()) return;
    const std::string key = table_key(path, mode);
    const bool is_new = state_->build_ids.insert({key, id}).second;
    if (!is_new || state_->images.values().empty()) return;
    state_->images.alter([&](Image& image) {
        if (!image.build_id.empty() || table_key(image.path, image.mode) != key) return;
        image.build_id = id;
    });
}

MappingTable::~MappingTable() = default;
MappingTable::MappingTable(MappingTable&&) noexcept = default;
MappingTable& MappingTable::operator=(MappingTable&&) noexcept = default;

}  // namespace fgread
