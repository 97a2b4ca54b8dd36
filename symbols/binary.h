// Binary: one opened file (or the vdso), shared by all modules that are mappings of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "symbols/debug_file.h"
#include "symbols/dwarf_index.h"
#include "symbols/elf_image.h"
#include "symbols/file_finder.h"
#include "symbols/function_ranges.h"
#include "symbols/function_search.h"
#include "symbols/segments.h"
#include "symbols/swept_functions.h"
#include "symbols/symbol_table.h"
#include "symbols/unwind_sections.h"
#include "unwind/unwind_table.h"

namespace fgread {

// Keeps no file open: thousands of modules would exhaust the descriptors of a process. What is
// needed later is read after opening the file again, if it is still the same one.
// Thread-safe.
class Binary {
public:
    // `found` must be loaded. `directories` is where its debug file is looked for.
    Binary(FoundFile found, DebugDirectories directories, DwarfLines lines);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
    // As ElfImage::entry().
    [[nodiscard]] Svma entry() const { return entry_; }

    // Reads the unwind sections on the first call, about 1 ms per 5 MB. Never null.
    const UnwindTable* unwind_table();
    // Says which addresses find_symbol() will be asked for, so that it reads what they need and no
    // more. Before the first find_symbol(); later calls are ignored.
    void expect(std::vector<std::uint64_t> addresses);
    // A symbol and the table its number counts in.
    struct FoundSymbol {
        const SymbolTable* table;
        SymbolTable::Match match;
    };
    // The function at `address`, by the symbols of the debug file if there is one. They are read on
    // the first call, and once more, all of them, on the first one for an unexpected address.
    std::optional<FoundSymbol> find_symbol(Svma address);
    // The debug information, of the debug file if there is one; its sections are read on the first
    // call. Null if there is none.
    const DwarfIndex* dwarf();
    // Bytes of memory its sections would take; reads headers.
    [[nodiscard]] std::uint64_t debug_info_bytes();
    // Makes dwarf() null. Before the first dwarf().
    void leave_out_debug_info() { debug_info_left_out_ = true; }
    [[nodiscard]] bool debug_info_left_out() const { return debug_info_left_out_; }
    // What is there to name functions by, in the file or in its debug file. Reads their headers.
    struct Contents {
        bool symbols = false;     // a full symbol table; without, only what is exported has a name
        bool debug_info = false;  // DWARF: inlined functions and lines
    };
    [[nodiscard]] Contents contents();
    // Entries of the symbol table that were skipped; 0 before find_symbol().
    [[nodiscard]] std::uint64_t malformed_symbols() const;
    // What was met in the debug information so far; nothing before dwarf().
    [[nodiscard]] DwarfStats dwarf_stats() const;
    // The debug file in use; empty if there is none, or nothing was read yet.
    [[nodiscard]] std::string debug_path() const;

    // The function whose code is at `address`, by its symbols, which are read on the first call,
    // or, if there are none for it, by what the code calls.
    std::optional<FunctionRange> function_at(Svma address);
    // Where stacks end in a Go program; none in others.
    std::span<const StackBottom> stack_bottoms();

    // Eight bytes of read-only file data at `svma`.
    std::optional<std::uint64_t> read_word(Svma svma);

private:
    struct Opened {
        ElfImage image;
        std::optional<DebugFile> debug;
    };
    // Bytes of the file, for read_word().
    struct Piece {
        std::uint64_t offset = 0;  // in the file
        OwnedBytes bytes;
    };
    const FunctionRanges& functions();
    std::optional<FunctionRange> symbol_function_at(Svma address);
    FoundFunction searched_function_at(Svma address);
    [[nodiscard]] DebugDirectories local_directories() const;
    [[nodiscard]] std::optional<RegularFile> reopen_file() const;
    [[nodiscard]] std::optional<ElfImage> reopen() const;
    std::optional<Opened> reopen_with_debug_file(const DebugDirectories& directories);
    [[nodiscard]] SymbolTable read_symbols(const WantedAddresses* wanted);
    ByteView bytes_from(const Segment& segment, std::uint64_t offset);
    [[nodiscard]] Piece read_piece(const Segment& segment, std::uint64_t offset) const;

    std::string path_;  // in root_
    std::string root_;  // empty: of this machine
    DebugDirectories directories_;
    DwarfLines lines_;
    FileIdentity identity_;
    OwnedBytes memory_;  // the image itself, if it is not a file
    std::vector<Segment> segments_;
    Endian endian_ = Endian::little;
    Svma entry_;
    bool is_go_ = false;
    bool debug_info_left_out_ = false;

    std::once_flag unwind_once_, functions_once_, swept_once_, symbols_once_, all_symbols_once_,
        dwarf_once_;
    UnwindBytes unwind_bytes_;
    std::optional<UnwindTable> unwind_table_;
    std::mutex function_searches_mutex_;
    std::map<std::uint64_t, FoundFunction> function_searches_;  // the first few
    FunctionRanges functions_;
    SweptFunctions swept_;
    SymbolTable symbols_;      // for expected_, if anything is expected
    SymbolTable all_symbols_;  // where symbols_ has no answer
    std::optional<DwarfIndex> dwarf_;

    mutable std::mutex mutex_;  // of what follows
    std::optional<WantedAddresses> expected_;
    std::uint64_t malformed_symbols_ = 0;
    const DwarfIndex* opened_dwarf_ = nullptr;  // dwarf_, once it is there
    std::string debug_path_;
    std::vector<Piece> pieces_;
};

}  // namespace fgread
