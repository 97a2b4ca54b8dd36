// JitDump: functions that a program compiled while it ran, as its jit-PID.dump tells of them.
//
// A JIT appends a record for each function it makes or moves: where it is, when it got there, its
// code, and if it likes, its source lines and unwind information. Addresses are used again and
// again, so a look-up needs the time. Format: tools/perf/Documentation/jitdump-specification.txt.
//
// Within fgread the address (SVMA) of such code is the offset of its bytes in the file: another
// number for every function that ever was, whatever address it ran at.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perfdata/address_space.h"
#include "perfdata/byte_reader.h"
#include "perfdata/result.h"
#include "symbols/regular_file.h"
#include "unwind/module_provider.h"
#include "unwind/unwind_table.h"

namespace fgread {

struct JitDumpHeader {
    Endian endian = Endian::little;
    std::uint32_t version = 0;
    std::uint16_t machine = 0;     // ELF's e_machine
    std::int32_t pid = 0;          // in the namespace of the process
    bool processor_clock = false;  // times count cycles, not CLOCK_MONOTONIC's nanoseconds
    bool by_v8 = false;            // V8's mark in the padding
};

// Const calls are safe from several threads.
class JitDump {
public:
    // Whole files are read: a function costs its name and code, 1 KB with V8.
    static constexpr std::size_t max_size = std::size_t{512} << 20;
    // Loads and moves kept, 1 KB of memory each. A wasm runtime has been seen to write 175,000.
    static constexpr std::size_t max_loads = std::size_t{1} << 18;

    // Parses `content` and keeps it. With `timed`, a function is there from the time of its record
    // until another one takes its place; without (the recording's clock is another one) the last
    // record of a place holds for ever. An error if it is no jitdump of a known version.
    static Result<JitDump> read(OwnedBytes content, bool timed);

    [[nodiscard]] const JitDumpHeader& header() const { return header_; }

    // A function at a place: loaded there, or moved there.
    struct Placed {
        Avma start;              // where it ran
        std::uint64_t svma = 0;  // of its first byte
        std::uint64_t size = 0;  // bytes
        std::uint32_t function = 0;
    };
    // What was at `address` at `when`: the number of a Placed plus 1, or 0, with the range and the
    // time for which that holds.
    [[nodiscard]] AddressSpace::Found find(Avma address, EventTime when) const {
        return places_by_time_.find_span(address, when);
    }
    [[nodiscard]] const Placed& placed(MappingId id) const { return placed_[id.value - 1]; }

    struct Function {
        std::string_view name;      // lives as long as the dump
        std::uint32_t name_id = 0;  // equal for equal functions: a key to cache by
        Svma start;                 // of the function
    };
    [[nodiscard]] std::optional<Function> function_at(Svma address) const;

    // Where the function that covers `address` begins and ends; nothing of other code than x86-64.
    [[nodiscard]] std::optional<FunctionRange> range_at(Svma address) const;

    // Source position of the code at `address`; nothing if the dump has none.
    struct Line {
        std::string_view file;
        std::uint32_t line = 0;
    };
    [[nodiscard]] std::optional<Line> line_at(Svma address) const;

    // The rules of a function; null if it came without. Made on the first call.
    [[nodiscard]] const UnwindTable* unwind_table(std::uint32_t function) const;
    // Eight bytes of code.
    [[nodiscard]] std::optional<std::uint64_t> read_word(Svma address) const;

    [[nodiscard]] std::size_t function_count() const;
    // Records that made no sense (a size beyond the end, of code or of debug information), loads
    // over the limit. The rest of a file after a record of impossible size counts as one.
    [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

    ~JitDump();
    JitDump(JitDump&&) noexcept;
    JitDump& operator=(JitDump&&) noexcept;

private:
    struct Known;
    struct Parser;
    JitDump();

    OwnedBytes content_;
    JitDumpHeader header_;
    std::unique_ptr<Known> known_;
    std::vector<Placed> placed_;
    AddressSpace places_by_time_;  // its MappingIds are numbers of placed_
    std::uint64_t malformed_ = 0;
};

}  // namespace fgread
