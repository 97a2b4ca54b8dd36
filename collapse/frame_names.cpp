#include "collapse/frame_names.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collapse/control_characters.h"
#include "collapse/unreal_frames.h"
#include "perfdata/brief_lock.h"
#include "symbols/radix_sort.h"
#include "symbols/text_arena.h"

namespace fgread {

namespace {

// Frames a thread takes at a time: neighbours in one module share symbol table and debug unit.
constexpr std::size_t frames_per_batch = 256;
// Room for names is made for so many frames each at first: 47,000 places in 1 GB of compilers and
// other programs have 8,700 names.
constexpr std::size_t frames_of_a_name = 4;

// True if it may stand in a folded line as it is.
bool is_ready(std::string_view name) {
    return std::none_of(name.begin(), name.end(), [](char c) { return is_control(c) || c == ';'; });
}

std::string label_with_address(std::string_view label, const Frame& frame) {
    if (label.ends_with(']')) label.remove_suffix(1);
    return fmt::format("{} <{:x}>]", label, frame.lookup_offset());
}

std::string source_place(const SourceFrame& function) {
    const std::size_t slash = function.file.rfind('/');
    const std::string_view file = std::string_view(function.file);
    return fmt::format(" ({}:{})", slash == std::string::npos ? file : file.substr(slash + 1),
                       function.line);
}

std::string_view mark_of(const InlineChain& chain, FrameMarks marks) {
    if (chain.kernel) return marks.kernel ? "_[k]" : "";
    return chain.jit && marks.jit ? "_[j]" : "";
}

// [from, to) of the frames in their order.
using Batch = std::pair<std::size_t, std::size_t>;

struct NumberedFrame {
    Frame frame;
    FrameId id;
};

// Where the frames of each module are.
std::vector<Batch> modules_of(const std::vector<NumberedFrame>& order) {
    std::vector<Batch> modules;
    for (std::size_t from = 0, end = 0; from < order.size(); from = end) {
        while (end < order.size() && order[end].frame.module == order[from].frame.module) ++end;
        modules.emplace_back(from, end);
    }
    return modules;
}

// All frames, by module and address.
std::vector<NumberedFrame> by_address(const FrameTable& frames) {
    std::vector<NumberedFrame> order;
    order.reserve(frames.size());
    for (FrameId id = 0; id < frames.size(); ++id) order.push_back({frames[id], id});
    sort_by_number(std::span(order),
                   [](const NumberedFrame& each) { return each.frame.module.value; });
    for (const auto& [from, to] : modules_of(order)) {
        sort_by_number(std::span(order).subspan(from, to - from),
                       [](const NumberedFrame& each) { return each.frame.lookup_offset(); });
    }
    return order;
}

// In order, which the Symbolizer need not sort again.
void expect_all(const std::vector<NumberedFrame>& order, Symbolizer& symbolizer) {
    std::vector<Frame> frames;
    frames.reserve(order.size());
    for (const NumberedFrame& each : order) frames.push_back(each.frame);
    symbolizer.expect(frames);
}

// First one frame of each module, then the others: the first one makes its thread read the module's
// symbols, for which all other threads that come to the module have to wait.
std::vector<Batch> batches_of(const std::vector<NumberedFrame>& order) {
    std::vector<Batch> first, rest;
    for (const auto& [from, end] : modules_of(order)) {
        first.emplace_back(from, from + 1);
        for (std::size_t at = from + 1; at < end; at += frames_per_batch) {
            rest.emplace_back(at, std::min(end, at + frames_per_batch));
        }
    }
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

// Of each name, outermost first. `intern` gives a file's name a number.
template <typename Intern>
std::vector<NameDetail> details_of(const InlineChain& chain, const Intern& intern) {
    if (chain.functions.empty()) return {NameDetail{no_name, 0, false, chain.kernel}};
    std::vector<NameDetail> details;
    for (auto function = chain.functions.rbegin(); function != chain.functions.rend(); ++function) {
        const NameId file = function->file.empty() ? no_name : intern(function->file);
        details.push_back({file, function->line, function->inlined, chain.kernel});
    }
    return details;
}

// Names of some frames, one after the other, that are to become numbers.
class FoundNames {
public:
    FoundNames(Symbolizer& symbolizer, const NamingOptions& options)
        : symbolizer_(symbolizer), options_(options) {}

    struct Name {
        std::string_view text;
        bool lasting = true;  // the Symbolizer's, always at the same place; else made for a frame
    };
    struct OfFrame {
        std::size_t end = 0;  // in names()
        bool unnamed = false;
        bool as_before = false;  // the same as the one before it; has none here
        InlineChain chain;       // only if details are wanted
    };

    void clear() {
        names_.clear();
        made_.clear();
        frames_.clear();
        same_until_ = 0;
    }
    // Frames come by module and address.
    void add(const Frame& frame) {
        if (frame.module == module_ && frame.lookup_offset() < same_until_) {
            frames_.push_back({names_.size(), false, true, {}});
            return;
        }
        same_until_ = 0;
        bool unnamed = false;
        if (!is_real(frame.module)) {
            add_unreal(frame);
        } else {
            symbolizer_.symbolize(frame, chain_);
            unnamed = chain_.functions.empty();
            if (unnamed) {
                add_unresolved(frame);
            } else {
                add_functions();
                module_ = frame.module;
                if (!options_.details) same_until_ = chain_.same_until;
            }
        }
        frames_.push_back({names_.size(), unnamed, false, {}});
        if (options_.details && is_real(frame.module)) frames_.back().chain = std::move(chain_);
    }

    [[nodiscard]] const std::vector<Name>& names() const { return names_; }
    [[nodiscard]] const std::vector<OfFrame>& frames() const { return frames_; }

private:
    void add_made(std::string name) {
        names_.push_back({made_.emplace_back(std::move(name)), false});
    }

    // Of a frame whose module is none.
    void add_unreal(const Frame& frame) {
        if (frame == truncated_mark) return add_made("[truncated]");
        const bool kernel = frame.module == guest_kernel_module;
        std::string label = kernel ? "[guest.kernel]" : "[guest.user]";
        if (options_.addresses) label = label_with_address(label, frame);
        add_made(label.append(options_.marks.kernel && kernel ? "_[k]" : ""));
    }

    void add_unresolved(const Frame& frame) {
        const std::string_view mark = mark_of(chain_, options_.marks);
        if (options_.addresses) {
            add_made(label_with_address(chain_.module_label, frame).append(mark));
        } else {
            add_marked(chain_.module_label, mark);
        }
    }

    // Outermost first.
    void add_functions() {
        const std::string_view mark = mark_of(chain_, options_.marks);
        for (auto each = chain_.functions.rbegin(); each != chain_.functions.rend(); ++each) {
            const std::string_view its_mark =
                options_.marks.inlined && each->inlined ? "_[i]" : mark;
            if (options_.source && each->line != 0) {
                add_made(std::string(each->name).append(source_place(*each)).append(its_mark));
            } else {
                add_marked(each->name, its_mark);
            }
        }
    }

    void add_marked(std::string_view name, std::string_view mark) {
        if (mark.empty()) {
            names_.push_back({name, true});
        } else {
            add_made(std::string(name).append(mark));
        }
    }

    Symbolizer& symbolizer_;
    const NamingOptions& options_;
    std::vector<Name> names_;
    std::deque<std::string> made_;  // texts that are no one else's
    std::vector<OfFrame> frames_;
    InlineChain chain_;
    // Addresses of a module up to which frames have the names of the last one added.
    ModuleId module_;
    std::uint64_t same_until_ = 0;
};

// Two names that are the same bytes at the same place.
struct SameBytes {
    bool operator()(std::string_view a, std::string_view b) const {
        return a.data() == b.data() && a.size() == b.size();
    }
};
struct PlaceHash {
    std::size_t operator()(std::string_view name) const {
        // robin_map takes the low bits; those of addresses are mostly 0.
        const auto place = std::hash<const char*>{}(name.data()) + name.size();
        return (place * 0x9e3779b97f4a7c15u) >> 20;
    }
};
// Numbers of the Symbolizer's names by where these are: a function has many frames, and its name
// is escaped and hashed for the first of them only.
using KnownNames = tsl::robin_map<std::string_view, NameId, PlaceHash, SameBytes>;

}  // namespace

struct FrameNames::State {
    // Where the names of a frame are in `lists`.
    struct List {
        std::uint32_t begin = 0;
        std::uint32_t length = 0;
    };

    TextArena texts;
    std::vector<std::string_view> names;  // by NameId, in `texts`
    tsl::robin_map<std::string_view, NameId> index;
    std::vector<NameId> lists;
    std::vector<List> list_of;  // by frame
    std::vector<bool> unnamed;  // by frame; those behind its end have names
    bool any_unnamed = false;
    std::vector<NameDetail> details;            // as `lists`; empty if they are not wanted
    std::vector<std::uint64_t> symbol_offsets;  // by frame; likewise
    std::optional<Error> failure;

    NameId intern(std::string_view text) {
        if (is_ready(text)) return intern_ready(text);
        return intern_ready(escape_frame_name(text));
    }

    NameId intern_ready(std::string_view text) {
        const auto found = index.find(text);
        if (found != index.end()) return found->second;
        const auto id = static_cast<NameId>(names.size());
        names.push_back(texts.keep(text));
        index.emplace(names.back(), id);
        return id;
    }

    // What is added to `lists` next is `count` names of `frame`.
    void begin_list(FrameId frame, std::size_t count) {
        if (frame >= list_of.size()) list_of.resize(std::size_t{frame} + 1);
        list_of[frame] = {static_cast<std::uint32_t>(lists.size()),
                          static_cast<std::uint32_t>(count)};
    }

    void add(const FoundNames::Name& name, KnownNames& known) {
        if (!name.lasting) {
            lists.push_back(intern(name.text));
            return;
        }
        const auto [place, is_new] = known.try_emplace(name.text, no_name);
        if (is_new) place.value() = intern(name.text);
        lists.push_back(place->second);
    }

    // `frames`: those that `found` is of.
    void set(std::span<const NumberedFrame> frames, const FoundNames& found, bool with_details,
             KnownNames& known) {
        std::size_t name = 0;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const FoundNames::OfFrame& of_frame = found.frames()[i];
            if (of_frame.as_before) {
                list_of[frames[i].id] = list_of[frames[i - 1].id];
                continue;
            }
            begin_list(frames[i].id, of_frame.end - name);
            for (; name < of_frame.end; ++name) add(found.names()[name], known);
            if (of_frame.unnamed) set_unnamed(frames[i].id);
            if (with_details) add_details(frames[i].id, of_frame.chain);
        }
    }

    void set_unnamed(FrameId frame) {
        any_unnamed = true;
        if (frame >= unnamed.size()) unnamed.resize(std::size_t{frame} + 1, false);
        unnamed[frame] = true;
    }

    // Of the frame that was set last.
    void add_details(FrameId frame, const InlineChain& chain) {
        symbol_offsets.resize(list_of.size());
        symbol_offsets[frame] = chain.symbol_offset;
        const auto added =
            details_of(chain, [this](std::string_view file) { return intern(file); });
        details.insert(details.end(), added.begin(), added.end());
    }
};

bool FrameNames::is_unnamed(FrameId frame) const {
    return frame < state_->unnamed.size() && state_->unnamed[frame];
}

bool FrameNames::any_unnamed() const { return state_->any_unnamed; }

const std::optional<Error>& FrameNames::failure() const { return state_->failure; }

FrameNames::FrameNames() : state_(std::make_unique<State>()) {}
FrameNames::~FrameNames() = default;
FrameNames::FrameNames(FrameNames&&) noexcept = default;
FrameNames& FrameNames::operator=(FrameNames&&) noexcept = default;

std::span<const NameId> FrameNames::operator[](FrameId frame) const {
    const State::List& list = state_->list_of[frame];
    return {state_->lists.data() + list.begin, list.length};
}

std::span<const NameDetail> FrameNames::details(FrameId frame) const {
    if (state_->details.empty()) return {};
    const State::List& list = state_->list_of[frame];
    return {state_->details.data() + list.begin, list.length};
}

std::uint64_t FrameNames::symbol_offset(FrameId frame) const {
    return state_->symbol_offsets.empty() ? 0 : state_->symbol_offsets[frame];
}

std::string_view FrameNames::name(NameId id) const { return state_->names[id]; }

std::size_t FrameNames::name_count() const { return state_->names.size(); }

NameId FrameNames::intern(std::string_view text) { return state_->intern(text); }

void FrameNames::set(FrameId frame, const std::vector<std::string>& names) {
    state_->begin_list(frame, names.size());
    for (const std::string& name : names) state_->lists.push_back(state_->intern(name));
}

FrameNames name_frames(const FrameTable& frames, Symbolizer& symbolizer,
                       const NamingOptions& options) {
    const std::vector<NumberedFrame> order = by_address(frames);
    expect_all(order, symbolizer);
    FrameNames result;
    result.state_->list_of.resize(frames.size());
    result.state_->unnamed.resize(frames.size(), false);
    result.state_->index.reserve(frames.size() / frames_of_a_name);
    const std::vector<Batch> batches = batches_of(order);
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    ProgressCounter progress(options.progress, ProgressStage::naming, frames.size());
    KnownNames known;
    known.reserve(frames.size() / frames_of_a_name);
    const auto work = [&] {
        FoundNames names(symbolizer, options);
        while (true) {
            const std::size_t batch = next.fetch_add(1);
            if (batch >= batches.size()) return;
            const auto [from, to] = batches[batch];
            names.clear();
            for (std::size_t i = from; i < to; ++i) names.add(order[i].frame);
            progress.advance(to - from, 0);
            std::optional<Error> exceeded = options.max_memory.exceeded("while naming the frames");
            const auto lock = lock_briefly(mutex);
            if (exceeded) {
                result.state_->failure = std::move(exceeded);
                next = batches.size();
                return;
            }
            result.state_->set(std::span(order).subspan(from, to - from), names, options.details,
                               known);
        }
    };

    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const std::size_t workers =
        std::min<std::size_t>(options.jobs != 0 ? options.jobs : cores, batches.size());
    std::vector<std::thread> threads;
    for (std::size_t number = 1; number < workers; ++number) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    return result;
}

std::string escape_control_bytes(std::string_view text) {
    if (std::none_of(text.begin(), text.end(), is_control)) return std::string(text);
    std::string out;
    for (const char c : text) {
        if (is_control(c))
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    return out;
}

std::string escape_frame_name(std::string_view name) {
    std::string out = escape_control_bytes(name);
    std::replace(out.begin(), out.end(), ';', ':');
    return out;
}

}  // namespace fgread
