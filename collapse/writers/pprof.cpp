#include "collapse/writers/pprof.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collapse/writers/gzip_sink.h"
#include "collapse/writers/module_places.h"
#include "collapse/writers/proto_message.h"
#include "perfdata/format.h"
#include "render/text_escape.h"

namespace fgread {

namespace {

// Numbers of fields in profile.proto.
namespace profile_field {
enum : unsigned {
    sample_type = 1,
    sample = 2,
    mapping = 3,
    location = 4,
    function = 5,
    string_table = 6,
    period_type = 11,
    period = 12,
    default_sample_type = 14,
};
}
namespace value_type_field {
enum : unsigned { type = 1, unit = 2 };
}
namespace sample_field {
enum : unsigned { location_id = 1, value = 2, label = 3 };
}
namespace label_field {
enum : unsigned { key = 1, str = 2, num = 3 };
}
namespace mapping_field {
enum : unsigned {
    id = 1,
    memory_start = 2,
    memory_limit = 3,
    file_offset = 4,
    filename = 5,
    build_id = 6,
    has_functions = 7,
    has_filenames = 8,
    has_line_numbers = 9,
    has_inline_frames = 10,
};
}
namespace location_field {
enum : unsigned { id = 1, mapping_id = 2, address = 3, line = 4 };
}
namespace line_field {
enum : unsigned { function_id = 1, line = 2 };
}
namespace function_field {
// Without system_name (3), the mangled name: pprof shortens names that equal it once more, and
// makes "sort_strings::::operator" of a lambda.
enum : unsigned { id = 1, name = 2, filename = 4 };
}  // namespace function_field

// The format's integers are signed.
std::uint64_t as_int64(std::uint64_t value) {
    constexpr auto most = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    return std::min(value, most);
}

class PprofWriter {
public:
    PprofWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded), places_(folded), sink_(sink) {
        string_id("");  // the format wants it first
        location_ids_.resize(folded.profile.frames.size(), 0);
        for (std::size_t i = 0; i < folded.attrs.size(); ++i) {
            if (folded.weights.events[i]) events_.push_back(i);
        }
    }

    bool write() {
        put_types();
        for (const StackWeight& weight : folded_.profile.weights) {
            if (!folded_.weights.events[weight.event]) continue;
            if (weight.samples == 0) continue;
            put_sample(weight);
            if (!flush_if_large()) return false;
        }
        for (const FrameId frame : locations_) {
            put_location(frame);
            if (!flush_if_large()) return false;
        }
        put_functions();
        put_mappings();
        for (const std::string& text : strings_) out_.bytes(profile_field::string_table, text);
        return sink_.write(out_.text()) && sink_.finish();
    }

private:
    static constexpr std::size_t flush_size = 64 * 1024;

    struct PlaceKey {
        ModuleId module;
        std::size_t place = 0;
        friend auto operator<=>(const PlaceKey&, const PlaceKey&) = default;
    };
    struct Place {
        PlaceKey key;
        bool functions = false, files = false, lines = false, inlines = false;
    };

    bool flush_if_large() {
        if (out_.text().size() < flush_size) return true;
        const bool wanted = sink_.write(out_.text());
        out_ = {};
        return wanted;
    }

    std::uint64_t string_id(std::string_view text) {
        const auto [entry, added] = string_ids_.try_emplace(printable(text), strings_.size());
        if (added) strings_.push_back(entry->first);
        return entry->second;
    }

    ProtoMessage value_type(std::string_view type, std::string_view unit) {
        ProtoMessage message;
        message.integer(value_type_field::type, string_id(type));
        message.integer(value_type_field::unit, string_id(unit));
        return message;
    }

    // The samples, then the periods of each event.
    void put_types() {
        out_.message(profile_field::sample_type, value_type("samples", "count"));
        for (const std::size_t event : events_) {
            const EventAttr& attr = folded_.attrs[event];
            out_.message(profile_field::sample_type, value_type(attr.name, period_unit(attr)));
        }
        if (events_.empty()) return;
        const EventAttr& first = folded_.attrs[events_.front()];
        const std::string_view shown =
            folded_.weights.by_samples ? std::string_view("samples") : first.name;
        out_.integer(profile_field::default_sample_type, string_id(shown));
        out_.message(profile_field::period_type, value_type(first.name, period_unit(first)));
        if (!first.has_flag(format::attr_freq)) {
            out_.integer(profile_field::period, as_int64(first.sample_period_or_freq));
        }
    }

    void put_sample(const StackWeight& weight) {
        std::vector<std::uint64_t> path;  // leaf first
        StackId stack = weight.stack;
        for (; folded_.profile.stacks[stack].parent != no_stack;
             stack = folded_.profile.stacks[stack].parent) {
            path.push_back(folded_.profile.stacks[stack].label);
        }
        for (std::uint64_t& frame : path) frame = location_id(static_cast<FrameId>(frame));
        std::vector<std::uint64_t> values = {as_int64(weight.samples)};
        for (const std::size_t event : events_) {
            values.push_back(event == weight.event ? as_int64(weight.period) : 0);
        }
        ProtoMessage sample;
        sample.integers(sample_field::location_id, path);
        sample.integers(sample_field::value, values);
        const Group& group = folded_.profile.groups[folded_.profile.stacks[stack].label];
        put_label(sample, "comm", folded_.processes.comm(group.comm));
        if (group.pid.value >= 0) put_label(sample, "pid", group.pid.value);
        if (group.tid.value >= 0) put_label(sample, "tid", group.tid.value);
        if (group.cpu != no_cpu) put_label(sample, "cpu", group.cpu);
        put_label(sample, "event", folded_.attrs[weight.event].name);
        out_.message(profile_field::sample, sample);
    }

    void put_label(ProtoMessage& sample, std::string_view key, std::string_view text) {
        ProtoMessage label;
        label.integer(label_field::key, string_id(key));
        label.integer(label_field::str, string_id(text));
        sample.message(sample_field::label, label);
    }

    void put_label(ProtoMessage& sample, std::string_view key, std::int64_t number) {
        ProtoMessage label;
        label.integer(label_field::key, string_id(key));
        label.integer(label_field::num, static_cast<std::uint64_t>(number));
        sample.message(sample_field::label, label);
    }

    std::uint64_t location_id(FrameId frame) {
        if (location_ids_[frame] == 0) {
            locations_.push_back(frame);
            location_ids_[frame] = static_cast<std::uint32_t>(locations_.size());
        }
        return location_ids_[frame];
    }

    void put_location(FrameId id) {
        const Frame& frame = folded_.profile.frames[id];
        const std::uint64_t address = places_.address(frame);
        const bool known = frame.module.value != 0;
        ProtoMessage location;
        location.integer(location_field::id, location_ids_[id]);
        location.integer(location_field::address, known || frame.offset != 0 ? address : 0);
        if (known) location.integer(location_field::mapping_id, mapping_id(id, address));
        const std::span<const NameId> names = folded_.names[id];
        const std::span<const NameDetail> details = folded_.names.details(id);
        for (std::size_t i = names.size(); i-- > 0;) {  // innermost first
            const NameDetail detail = details.empty() ? NameDetail{} : details[i];
            ProtoMessage line;
            line.integer(line_field::function_id, function_id(names[i], detail.file));
            line.integer(line_field::line, detail.line);
            location.message(location_field::line, line);
        }
        out_.message(profile_field::location, location);
    }

    std::uint64_t function_id(NameId name, NameId file) {
        const auto [entry, added] =
            function_ids_.try_emplace(std::pair{name, file}, functions_.size() + 1);
        if (added) functions_.emplace_back(name, file);
        return entry->second;
    }

    std::uint64_t mapping_id(FrameId frame, std::uint64_t address) {
        const ModuleId module = folded_.profile.frames[frame].module;
        const std::vector<ModulePlace>& places = places_.of(module);
        const auto found =
            std::find_if(places.begin(), places.end(), [&](const ModulePlace& place) {
                return place.start <= address && address < place.end;
            });
        const bool covered = found != places.end();
        const PlaceKey key{module, covered ? static_cast<std::size_t>(found - places.begin()) : 0};
        const auto [entry, added] = mapping_ids_.try_emplace(key, mappings_.size() + 1);
        if (added) mappings_.push_back({key});
        Place& place = mappings_[entry->second - 1];
        if (!folded_.names.is_unnamed(frame)) place.functions = true;
        for (const NameDetail& detail : folded_.names.details(frame)) {
            if (detail.file != no_name) place.files = true;
            if (detail.line != 0) place.lines = true;
            if (detail.inlined) place.inlines = true;
        }
        return entry->second;
    }

    void put_functions() {
        for (std::size_t i = 0; i < functions_.size(); ++i) {
            const auto [name, file] = functions_[i];
            ProtoMessage function;
            function.integer(function_field::id, i + 1);
            function.integer(function_field::name, string_id(folded_.names.name(name)));
            if (file != no_name) {
                function.integer(function_field::filename, string_id(folded_.names.name(file)));
            }
            out_.message(profile_field::function, function);
        }
    }

    // pprof calls a profile by its first mapping: that of a program, whose threads have its name
    // unless they got another one (of which the kernel keeps 15 bytes), not of a library.
    [[nodiscard]] bool is_program(const Place& place) const {
        constexpr std::size_t longest_comm = 15;
        const std::string path = folded_.modules.info(place.key.module).path;
        const std::string name = path.substr(path.rfind('/') + 1).substr(0, longest_comm);
        const std::vector<Group>& groups = folded_.profile.groups;
        return std::any_of(groups.begin(), groups.end(), [&](const Group& group) {
            return folded_.processes.comm(group.comm) == name;
        });
    }

    void put_mappings() {
        std::vector<std::size_t> order(mappings_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_partition(order.begin(), order.end(),
                              [this](std::size_t i) { return is_program(mappings_[i]); });
        for (const std::size_t i : order) {
            const Place& place = mappings_[i];
            const ModuleInfo info = folded_.modules.info(place.key.module);
            const std::vector<ModulePlace>& places = places_.of(place.key.module);
            ProtoMessage mapping;
            mapping.integer(mapping_field::id, i + 1);
            if (!places.empty()) {
                const ModulePlace& where = places[place.key.place];
                mapping.integer(mapping_field::memory_start, where.start);
                mapping.integer(mapping_field::memory_limit, where.end);
                mapping.integer(mapping_field::file_offset, where.offset);
            }
            mapping.integer(mapping_field::filename, string_id(info.path));
            const BuildId& build_id =
                info.recorded_build_id.empty() ? info.file_build_id : info.recorded_build_id;
            mapping.integer(mapping_field::build_id, string_id(build_id.hex()));
            mapping.integer(mapping_field::has_functions, place.functions ? 1 : 0);
            mapping.integer(mapping_field::has_filenames, place.files ? 1 : 0);
            mapping.integer(mapping_field::has_line_numbers, place.lines ? 1 : 0);
            mapping.integer(mapping_field::has_inline_frames, place.inlines ? 1 : 0);
            out_.message(profile_field::mapping, mapping);
        }
    }

    const FoldedProfile& folded_;
    const ModulePlaces places_;
    GzipSink sink_;
    ProtoMessage out_;
    std::vector<std::size_t> events_;  // numbers of the attrs that are folded

    std::vector<std::string> strings_;
    std::unordered_map<std::string, std::uint64_t> string_ids_;
    std::vector<FrameId> locations_;           // in the order of their ids, from 1
    std::vector<std::uint32_t> location_ids_;  // by FrameId; 0: none yet
    std::vector<std::pair<NameId, NameId>> functions_;
    std::map<std::pair<NameId, NameId>, std::uint64_t> function_ids_;
    std::vector<Place> mappings_;
    std::map<PlaceKey, std::uint64_t> mapping_ids_;
};

}  // namespace

bool write_pprof(const FoldedProfile& folded, const TextSink& sink) {
    return PprofWriter(folded, sink).write();
}

}  // namespace fgread
