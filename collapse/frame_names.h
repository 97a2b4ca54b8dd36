// FrameNames: what each distinct frame is called, inlined functions included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collapse/memory_limit.h"
#include "collapse/progress.h"
#include "symbols/symbolizer.h"
#include "unwind/frame_table.h"

namespace fgread {

// Number of a distinct name, dense from 0. The numbers differ from run to run, the names do not.
using NameId = std::uint32_t;

inline constexpr NameId no_name = 0xffffffff;

// What is known of one name of a frame besides the name.
struct NameDetail {
    NameId file = no_name;   // of the source, if SymbolizerOptions::lines asked and it is known
    std::uint32_t line = 0;  // 0: unknown
    bool inlined = false;    // into the name before it
    bool kernel = false;
};

// Which names end with a mark that says what they are, as stackcollapse-perf.pl's do.
struct FrameMarks {
    bool kernel = false;   // "_[k]"
    bool jit = false;      // "_[j]"
    bool inlined = false;  // "_[i]"
};

struct NamingOptions {
    FrameMarks marks;
    // Unresolved: "[libc.so.6 <28ab0>]", the address that was looked up, instead of "[libc.so.6]".
    bool addresses = false;
    bool source = false;        // "name (file.cpp:12)"; needs SymbolizerOptions::lines
    bool details = false;       // keep FrameNames::details()
    unsigned jobs = 0;          // threads; 0: as many as the machine has cores
    ProgressObserver progress;  // may be empty
    MemoryLimit max_memory;
};

// Const calls are thread-safe.
class FrameNames {
public:
    FrameNames();

    // The names a frame stands for, outermost first: its physical function, then what was inlined
    // into it. At least one. Valid until the next intern().
    [[nodiscard]] std::span<const NameId> operator[](FrameId frame) const;
    // Of each of them, in the same order; empty unless NamingOptions::details asked.
    [[nodiscard]] std::span<const NameDetail> details(FrameId frame) const;
    // From the start of the frame's symbol to the address that was looked up, see InlineChain; 0
    // unless NamingOptions::details asked.
    [[nodiscard]] std::uint64_t symbol_offset(FrameId frame) const;
    // Ready for output: ';' is ':', control bytes are escaped. Lives as long as this object.
    [[nodiscard]] std::string_view name(NameId id) const;
    [[nodiscard]] std::size_t name_count() const;
    // True if the frame has no name of its own: its names are those of its module.
    [[nodiscard]] bool is_unnamed(FrameId frame) const;
    [[nodiscard]] bool any_unnamed() const;
    // Why name_frames() stopped before all frames were named: NamingOptions::max_memory. Such names
    // are of no use.
    [[nodiscard]] const std::optional<Error>& failure() const;

    // The id of `text`, which is made ready for output; for root frames and the like.
    NameId intern(std::string_view text);

    // What `frame` stands for, outermost first, at least one name: for callers with names of their
    // own. name_frames() does this for all frames of a recording.
    void set(FrameId frame, const std::vector<std::string>& names);

    ~FrameNames();
    FrameNames(FrameNames&&) noexcept;
    FrameNames& operator=(FrameNames&&) noexcept;

private:
    friend FrameNames name_frames(const FrameTable&, Symbolizer&, const NamingOptions&);
    struct State;
    std::unique_ptr<State> state_;
};

// Names all frames, module by module and in parallel. Cost: one symbol lookup per distinct frame,
// one demangling per distinct function.
FrameNames name_frames(const FrameTable& frames, Symbolizer& symbolizer,
                       const NamingOptions& options);

// `name` as it may stand between two semicolons of a folded line: ';' becomes ':', and control
// bytes are escaped.
[[nodiscard]] std::string escape_frame_name(std::string_view name);

// Bytes below 32 and 127 become "\xNN", so that no name or path of a recording can end a line or
// reach the terminal as a command.
[[nodiscard]] std::string escape_control_bytes(std::string_view text);

}  // namespace fgread
