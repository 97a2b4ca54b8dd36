// RuleBlocks: compiled rows of one CFI section, on first use: of a function that is met the rows
// in one block of text. Of 34,000 functions in blocks of which a GB of samples met a place, it met
// 10,000, and of the rows in these blocks 8 %.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "unwind/cfi.h"
#include "unwind/fde_index.h"
#include "unwind/row_steps.h"
#include "unwind/rule_store.h"

namespace fgread {

struct CompileCounts {
    std::uint64_t fdes = 0;
    std::uint64_t rows = 0;
    std::uint64_t malformed = 0;
};

// Lookups take no lock once a function's rows are compiled, except where FDEs overlap or none is.
// `mutex` guards everything that compiles; it is shared by all sections of a module, as the rule
// store is.
class RuleBlocks {
public:
    static constexpr unsigned block_bits = 10;  // 1 KiB: some 20 rows, if all were compiled

    RuleBlocks(const CfiSection& section, std::unique_ptr<FdeIndex> index, RuleStore& rules,
               std::mutex& mutex);

    // Number of the rule at `pc`, 0 if none.
    [[nodiscard]] std::uint16_t find(std::uint64_t pc);

    // The FDE that covers pc and has the largest start.
    [[nodiscard]] std::optional<Fde> find_fde(std::uint64_t pc);

    // Call with `mutex` held.
    [[nodiscard]] const CompileCounts& counts() const { return counts_; }
    [[nodiscard]] const FdeIndex& index() const { return *index_; }

private:
    struct Row {
        std::uint16_t offset;  // in the block; holds up to the next row
        std::uint16_t rule;
    };
    // A block is a row that says by its offset how many follow, and these, the first at offset 0.
    // It begins a cache line, which most fit in.
    using Block = const Row*;
    static std::uint16_t find_in(Block block, unsigned offset);
    // In place of a rule, where nothing was compiled yet.
    static constexpr std::uint16_t unknown = RuleStore::never_used;
    // Rows of one FDE inside the block under construction.
    struct Piece {
        std::uint32_t start, end;           // offsets in the block
        std::uint32_t first_row, last_row;  // in scratch_rows_
    };
    class Painter;
    static void append(std::vector<Row>& rows, Row row);

    std::uint16_t find_slowly(std::uint64_t pc);
    bool add_function(std::uint64_t pc, std::atomic<Block>& slot);
    Block with_piece(Block known, const Piece& piece);
    Block compile(std::uint64_t number);
    Block keep(const std::vector<Row>& rows);
    Row* make_room(std::size_t count);
    void compile_fde(const Fde& fde, AddressRange range, std::uint32_t& budget);
    bool append_known_rows(const Fde& fde, const Cie& cie, RowSteps::Start& start,
                           AddressRange range, std::uint32_t& budget);
    void append_rows(const Fde& fde, const Cie& cie, const CfaRow& initial, AddressRange range,
                     std::uint32_t& budget);

    const CfiSection& section_;
    std::unique_ptr<FdeIndex> index_;
    RuleStore& rules_;
    std::mutex& mutex_;

    AddressRange span_;
    std::uint64_t first_block_ = 0;
    std::uint64_t block_count_ = 0;                 // 0: the span is too wide for an array
    std::unique_ptr<std::atomic<Block>[]> blocks_;  // with what was met
    // Compiled as a whole: those with an address that more or less than one FDE covers, and all if
    // there is no array.
    std::unordered_map<std::uint64_t, Block> whole_blocks_;
    std::vector<std::unique_ptr<Row[]>> slabs_;  // of blocks
    Row* free_ = nullptr;                        // of the last slab
    std::size_t free_count_ = 0;

    CieCache cies_;
    RowSteps steps_;
    std::vector<Fde> scratch_fdes_;
    std::vector<Piece> scratch_pieces_;
    std::vector<Row> scratch_rows_;
    std::vector<Piece> scratch_open_;
    std::vector<Row> scratch_painted_;
    CompileCounts counts_;
};

}  // namespace fgread
