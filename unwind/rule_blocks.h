// RuleBlocks: compiled rows of one CFI section, block by block of text, on first use.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "unwind/cfi.h"
#include "unwind/fde_index.h"
#include "unwind/rule_store.h"

namespace fgread {

struct CompileCounts {
    std::uint64_t fdes = 0;
    std::uint64_t rows = 0;
    std::uint64_t malformed = 0;
};

// Lookups take no lock once a block is compiled. `mutex` guards everything that compiles; it is
// shared by all sections of a module, as the rule store is.
class RuleBlocks {
public:
    static constexpr unsigned block_bits = 10;  // 1 KiB: some 20 rows, compiled in 1 to 2 us

    RuleBlocks(const CfiSection& section, std::unique_ptr<FdeIndex> index, RuleStore& rules,
               std::mutex& mutex);
    ~RuleBlocks();

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
    struct Block {
        static constexpr unsigned part_bits = 9;  // 512 bytes: about ten rows to search
        static constexpr unsigned parts = 1u << (block_bits - part_bits);
        std::array<std::uint16_t, parts + 1> row_of_part;  // the row in effect where a part begins
        std::vector<Row> rows;                             // the first at offset 0
        [[nodiscard]] std::uint16_t find(unsigned offset) const;
    };
    // Rows of one FDE inside the block under construction.
    struct Piece {
        std::uint32_t start, end;           // offsets in the block
        std::uint32_t first_row, last_row;  // in scratch_rows_
    };
    class Painter;

    const Block& block(std::uint64_t number);
    const Block& far_block(std::uint64_t number);
    std::unique_ptr<Block> compile(std::uint64_t number);
    void compile_fde(const Fde& fde, AddressRange range, std::uint32_t& budget);
    void append_rows(const Fde& fde, const Cie& cie, const CfaRow& initial, AddressRange range,
                     std::uint32_t& budget);
    const std::optional<CfaRow>& initial_rules(const Cie& cie);

    const CfiSection& section_;
    std::unique_ptr<FdeIndex> index_;
    RuleStore& rules_;
    std::mutex& mutex_;

    AddressRange span_;
    std::uint64_t first_block_ = 0;
    std::uint64_t block_count_ = 0;  // 0: the span is too wide for an array
    std::unique_ptr<std::atomic<const Block*>[]> blocks_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Block>> far_blocks_;

    CieCache cies_;
    std::unordered_map<std::uint64_t, std::optional<CfaRow>> initial_rules_;  // by CIE offset
    std::vector<Fde> scratch_fdes_;
    std::vector<Piece> scratch_pieces_;
    std::vector<Row> scratch_rows_;
    CompileCounts counts_;
};

}  // namespace fgread
