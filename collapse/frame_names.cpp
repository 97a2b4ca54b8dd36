#include "collapse/frame_names.h"

#include <tsl/robin_map.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "perfdata/brief_lock.h"

namespace fgread {

namespace {

// Frames a thread takes at a time: neighbours in one module share symbol table and debug unit.
constexpr std::size_t frames_per_batch = 256;

std::string unresolved_label(const InlineChain& chain, const Frame& frame, bool addresses) {
    if (!addresses) return chain.module_label;
    std::string_view label = chain.module_label;
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

// First one frame of each module, then the others: the first one makes its thread read the module's
// symbols, for which all other threads that come to the module have to wait.
std::vector<Batch> batches_of(const std::vector<FrameId>& order, const FrameTable& frames) {
    std::vector<Batch> first, rest;
    for (std::size_t from = 0; from < order.size();) {
        const ModuleId module = frames[order[from]].module;
        std::size_t end = from + 1;
        while (end < order.size() && frames[order[end]].module == module) ++end;
        first.emplace_back(from, from + 1);
        for (std::size_t at = from + 1; at < end; at += frames_per_batch) {
            rest.emplace_back(at, std::min(end, at + frames_per_batch));
        }
        from = end;
    }
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
}

struct NamesOfFrame {
    std::vector<std::string> texts;
    bool unnamed = false;
    InlineChain chain;  // only if details are wanted
};

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

// Of frames whose module is none.
std::string label_of_unreal(const Frame& frame, const NamingOptions& options) {
    if (frame == truncated_mark) return "[truncated]";
    const bool kernel = frame.module == guest_kernel_module;
    InlineChain chain;
    chain.module_label = kernel ? "[guest.kernel]" : "[guest.user]";
    return unresolved_label(chain, frame, options.addresses)
        .append(options.marks.kernel && kernel ? "_[k]" : "");
}

NamesOfFrame names_of(const Frame& frame, Symbolizer& symbolizer, const NamingOptions& options) {
    if (!is_real(frame.module)) return {{label_of_unreal(frame, options)}, false, {}};
    InlineChain chain = symbolizer.symbolize(frame);
    const std::string_view mark = mark_of(chain, options.marks);
    if (chain.functions.empty()) {
        return {{unresolved_label(chain, frame, options.addresses).append(mark)},
                true,
                options.details ? std::move(chain) : InlineChain{}};
    }
    std::vector<std::string> names;
    for (auto function = chain.functions.rbegin(); function != chain.functions.rend(); ++function) {
        std::string name = function->name;
        if (options.source && function->line != 0) name += source_place(*function);
        name += options.marks.inlined && function->inlined ? "_[i]" : mark;
        names.push_back(std::move(name));
    }
    return {std::move(names), false, options.details ? std::move(chain) : InlineChain{}};
}

}  // namespace

struct FrameNames::State {
    std::deque<std::string> names;  // stable: the index refers to them
    tsl::robin_map<std::string_view, NameId> index;
    std::vector<NameId> lists;          // of all frames, one after the other
    std::vector<std::uint32_t> begin;   // by frame: where its list starts
    std::vector<std::uint32_t> length;  // by frame
    std::unordered_set<FrameId> unnamed;
    std::vector<NameDetail> details;            // as `lists`; empty if they are not wanted
    std::vector<std::uint64_t> symbol_offsets;  // by frame; likewise
    std::optional<Error> failure;

    NameId intern(std::string_view text) {
        std::string escaped = escape_frame_name(text);
        const auto found = index.find(std::string_view(escaped));
        if (found != index.end()) return found->second;
        const auto id = static_cast<NameId>(names.size());
        names.push_back(std::move(escaped));
        index.emplace(names.back(), id);
        return id;
    }

    void set(FrameId frame, const std::vector<std::string>& texts) {
        if (frame >= begin.size()) {
            begin.resize(std::size_t{frame} + 1);
            length.resize(std::size_t{frame} + 1);
        }
        begin[frame] = static_cast<std::uint32_t>(lists.size());
        length[frame] = static_cast<std::uint32_t>(texts.size());
        for (const std::string& text : texts) lists.push_back(intern(text));
    }

    // Of the frame that was set last.
    void add_details(FrameId frame, const InlineChain& chain) {
        symbol_offsets.resize(begin.size());
        symbol_offsets[frame] = chain.symbol_offset;
        const auto added =
            details_of(chain, [this](std::string_view file) { return intern(file); });
        details.insert(details.end(), added.begin(), added.end());
    }
};

bool FrameNames::is_unnamed(FrameId frame) const { return state_->unnamed.contains(frame); }

bool FrameNames::any_unnamed() const { return !state_->unnamed.empty(); }

const std::optional<Error>& FrameNames::failure() const { return state_->failure; }

FrameNames::FrameNames() : state_(std::make_unique<State>()) {}
FrameNames::~FrameNames() = default;
FrameNames::FrameNames(FrameNames&&) noexcept = default;
FrameNames& FrameNames::operator=(FrameNames&&) noexcept = default;

std::span<const NameId> FrameNames::operator[](FrameId frame) const {
    return {state_->lists.data() + state_->begin[frame], state_->length[frame]};
}

std::span<const NameDetail> FrameNames::details(FrameId frame) const {
    if (state_->details.empty()) return {};
    return {state_->details.data() + state_->begin[frame], state_->length[frame]};
}

std::uint64_t FrameNames::symbol_offset(FrameId frame) const {
    return state_->symbol_offsets.empty() ? 0 : state_->symbol_offsets[frame];
}

std::string_view FrameNames::name(NameId id) const { return state_->names[id]; }

std::size_t FrameNames::name_count() const { return state_->names.size(); }

NameId FrameNames::intern(std::string_view text) { return state_->intern(text); }

void FrameNames::set(FrameId frame, const std::vector<std::string>& names) {
    state_->set(frame, names);
}

FrameNames name_frames(const FrameTable& frames, Symbolizer& symbolizer,
                       const NamingOptions& options) {
    std::vector<FrameId> order(frames.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](FrameId a, FrameId b) { return frames[a] < frames[b]; });

    symbolizer.expect(frames.frames());
    FrameNames result;
    result.state_->begin.resize(frames.size());
    result.state_->length.resize(frames.size());
    const std::vector<Batch> batches = batches_of(order, frames);
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    ProgressCounter progress(options.progress, ProgressStage::naming, frames.size());
    const auto work = [&] {
        std::vector<NamesOfFrame> names;
        while (true) {
            const std::size_t batch = next.fetch_add(1);
            if (batch >= batches.size()) return;
            const auto [from, to] = batches[batch];
            names.clear();
            for (std::size_t i = from; i < to; ++i) {
                names.push_back(names_of(frames[order[i]], symbolizer, options));
            }
            progress.advance(to - from, 0);
            std::optional<Error> exceeded = options.max_memory.exceeded("while naming the frames");
            const auto lock = lock_briefly(mutex);
            if (exceeded) {
                result.state_->failure = std::move(exceeded);
                next = batches.size();
                return;
            }
            for (std::size_t i = from; i < to; ++i) {
                const NamesOfFrame& found = names[i - from];
                result.state_->set(order[i], found.texts);
                if (found.unnamed) result.state_->unnamed.insert(order[i]);
                if (options.details) result.state_->add_details(order[i], found.chain);
            }
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

namespace {

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 32 || byte == 127;
}

}  // namespace

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
