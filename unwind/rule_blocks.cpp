#include "unwind/rule_blocks.h"

#include <algorithm>

#include "perfdata/brief_lock.h"

namespace fgread {
namespace {

constexpr std::uint32_t block_size = 1u << RuleBlocks::block_bits;

// The widest text a block array is kept for: 2 GiB is the reach of x86-64's small code model.
// Wider spans come only from damaged or hostile files; their blocks are found by hash.
constexpr std::uint64_t max_array_span = std::uint64_t{2} << 30;

// Instructions run for one block, whatever the number of FDEs that claim to overlap it. Real
// blocks need a few thousand.
constexpr std::uint32_t max_block_instructions = 8 * max_cfa_instructions;

// A block that has more is compiled as a whole: each further function would copy all of it, and
// copies live as long as their readers may, so that 64 KiB of functions of one byte took 135 MB.
// Real blocks have some dozen.
constexpr unsigned max_copied_rows = 256;

constexpr std::size_t cache_line = 64;  // bytes
constexpr std::size_t rows_per_line = 16;
// Some hundred blocks; one has at most a row for each of its bytes.
constexpr std::size_t slab_rows = 8 * block_size;

}  // namespace

// Unless it goes on as the last one.
void RuleBlocks::append(std::vector<Row>& rows, Row row) {
    if (rows.empty() || rows.back().rule != row.rule) rows.push_back(row);
}

// Lays pieces over one another: of those that overlap the later one wins, and where it ends the
// earlier one shows again.
class RuleBlocks::Painter {
public:
    // `rows` and `open` are cleared; the latter is room for pieces that have not ended.
    Painter(const std::vector<Row>& source, std::vector<Row>& rows, std::vector<Piece>& open)
        : source_(source), rows_(rows), open_(open) {
        rows_.clear();
        open_.clear();
    }

    void add(const Piece& piece) {
        paint_until(piece.start);
        open_.push_back(piece);
    }
    void finish() { paint_until(block_size); }

private:
    void paint_until(std::uint32_t limit) {
        while (cursor_ < limit) {
            while (!open_.empty() && open_.back().end <= cursor_) open_.pop_back();
            if (open_.empty()) {
                append_row(cursor_, 0);
                cursor_ = limit;
                return;
            }
            const std::uint32_t stop = std::min(limit, open_.back().end);
            copy_rows(open_.back(), stop);
            cursor_ = stop;
        }
    }

    // From the cursor on; leaves in the piece what the next call needs.
    void copy_rows(Piece& piece, std::uint32_t stop) {
        std::uint32_t at = piece.first_row;
        while (at < piece.last_row && source_[at].offset <= cursor_) ++at;
        const bool is_covered = at != piece.first_row;
        append_row(cursor_, is_covered ? source_[at - 1].rule : std::uint16_t{0});
        for (; at < piece.last_row && source_[at].offset < stop; ++at) {
            append(rows_, source_[at]);
        }
        if (at != piece.first_row) piece.first_row = at - 1;
    }

    void append_row(std::uint32_t offset, std::uint16_t rule) {
        append(rows_, {static_cast<std::uint16_t>(offset), rule});
    }

    const std::vector<Row>& source_;
    std::vector<Row>& rows_;
    std::vector<Piece>& open_;
    std::uint32_t cursor_ = 0;
};

// The last row at or before the offset.
std::uint16_t RuleBlocks::find_in(Block block, unsigned offset) {
    const Row* low = block + 1;
    unsigned count = block->offset;
    while (count > 1) {
        const unsigned half = count / 2;
        low = low[half].offset <= offset ? low + half : low;
        count -= half;
    }
    return low->rule;
}

RuleBlocks::RuleBlocks(const CfiSection& section, std::unique_ptr<FdeIndex> index, RuleStore& rules,
                       std::mutex& mutex)
    : section_(section),
      index_(std::move(index)),
      rules_(rules),
      mutex_(mutex),
      span_(index_->span()),
      cies_(section),
      steps_(section, rules) {
    if (span_.first > span_.last || span_.last - span_.first >= max_array_span) return;
    first_block_ = span_.first >> block_bits;
    block_count_ = (span_.last >> block_bits) - first_block_ + 1;
    blocks_ = std::make_unique<std::atomic<Block>[]>(block_count_);
}

std::uint16_t RuleBlocks::find(std::uint64_t pc) {
    if (pc < span_.first || pc > span_.last) return 0;
    if (block_count_ != 0) {
        const Block known =
            blocks_[(pc >> block_bits) - first_block_].load(std::memory_order_acquire);
        const std::uint16_t rule = known ? find_in(known, pc & (block_size - 1)) : unknown;
        if (rule != unknown) return rule;
    }
    const auto lock = lock_briefly(mutex_);
    return find_slowly(pc);
}

// With the mutex held. What is found depends on `pc` alone, not on what was asked for before, as
// long as a block needs no more than max_block_instructions.
std::uint16_t RuleBlocks::find_slowly(std::uint64_t pc) {
    const std::uint64_t number = pc >> block_bits;
    const unsigned offset = pc & (block_size - 1);
    if (block_count_ != 0) {
        std::atomic<Block>& slot = blocks_[number - first_block_];
        const Block known = slot.load(std::memory_order_relaxed);
        const bool is_known = known && find_in(known, offset) != unknown;
        if (is_known || add_function(pc, slot)) {
            return find_in(slot.load(std::memory_order_relaxed), offset);
        }
    }
    Block& whole = whole_blocks_[number];
    if (!whole) whole = compile(number);
    return find_in(whole, offset);
}

// To the block in `slot` the rows that the function at `pc` has there. False if no FDE is alone, or
// the block is large.
bool RuleBlocks::add_function(std::uint64_t pc, std::atomic<Block>& slot) {
    const Block known = slot.load(std::memory_order_relaxed);
    if (known && known->offset > max_copied_rows) return false;
    const auto fde = index_->find_alone(pc, cies_);
    if (!fde) return false;
    const std::uint64_t first = pc >> block_bits << block_bits;
    std::uint32_t budget = max_block_instructions;
    scratch_pieces_.clear();
    scratch_rows_.clear();
    compile_fde(*fde, {first, first + (block_size - 1)}, budget);
    counts_.rows += scratch_rows_.size();
    slot.store(with_piece(known, scratch_pieces_.front()), std::memory_order_release);
    return true;
}

// A copy of a block (null: nothing is known of it) with the rows of one more function, which none
// of the others overlaps.
RuleBlocks::Block RuleBlocks::with_piece(Block known, const Piece& piece) {
    static constexpr Row nothing[] = {{1, 0}, {0, unknown}};
    const Row* row = known ? known : nothing;
    const Row* const end = row + 1 + row->offset;
    std::vector<Row>& rows = scratch_painted_;
    rows.clear();
    for (++row; row != end && row->offset < piece.start; ++row) append(rows, *row);
    if (row != end && row->offset == piece.start) ++row;

    const auto offset_of = [](std::uint32_t offset) { return static_cast<std::uint16_t>(offset); };
    if (piece.first_row == piece.last_row) append(rows, {offset_of(piece.start), 0});
    for (std::uint32_t i = piece.first_row; i < piece.last_row; ++i) append(rows, scratch_rows_[i]);
    const bool is_followed = row != end && row->offset == piece.end;
    if (piece.end != block_size && !is_followed) append(rows, {offset_of(piece.end), unknown});
    for (; row != end; ++row) append(rows, *row);
    return keep(rows);
}

std::optional<Fde> RuleBlocks::find_fde(std::uint64_t pc) {
    const auto lock = lock_briefly(mutex_);
    index_->collect({pc, pc}, cies_, scratch_fdes_);
    if (scratch_fdes_.empty()) return std::nullopt;
    return scratch_fdes_.back();
}

RuleBlocks::Block RuleBlocks::compile(std::uint64_t number) {
    const std::uint64_t first = number << block_bits;
    const AddressRange range{first, first + (block_size - 1)};
    index_->collect(range, cies_, scratch_fdes_);

    scratch_pieces_.clear();
    scratch_rows_.clear();
    std::uint32_t budget = max_block_instructions;
    for (const Fde& fde : scratch_fdes_) compile_fde(fde, range, budget);

    Painter painter(scratch_rows_, scratch_painted_, scratch_open_);
    for (const Piece& piece : scratch_pieces_) painter.add(piece);
    painter.finish();
    counts_.rows += scratch_painted_.size();
    return keep(scratch_painted_);
}

RuleBlocks::Block RuleBlocks::keep(const std::vector<Row>& rows) {
    Row* block = make_room(rows.size() + 1);
    block->offset = static_cast<std::uint16_t>(rows.size());
    block->rule = 0;
    std::copy(rows.begin(), rows.end(), block + 1);
    return block;
}

// Whole cache lines.
RuleBlocks::Row* RuleBlocks::make_room(std::size_t count) {
    count = (count + rows_per_line - 1) / rows_per_line * rows_per_line;
    if (count > free_count_) {
        slabs_.push_back(std::make_unique_for_overwrite<Row[]>(slab_rows));
        void* start = slabs_.back().get();
        std::size_t bytes = slab_rows * sizeof(Row);
        free_ = static_cast<Row*>(std::align(cache_line, block_size, start, bytes));
        free_count_ = bytes / sizeof(Row);
    }
    Row* room = free_;
    free_ += count;
    free_count_ -= count;
    return room;
}

void RuleBlocks::compile_fde(const Fde& fde, AddressRange range, std::uint32_t& budget) {
    ++counts_.fdes;
    Piece piece;
    piece.start =
        fde.start <= range.first ? 0 : static_cast<std::uint32_t>(fde.start - range.first);
    piece.end =
        fde.end > range.last ? block_size : static_cast<std::uint32_t>(fde.end - range.first);
    piece.first_row = static_cast<std::uint32_t>(scratch_rows_.size());
    const Cie* cie = cies_.find(fde.cie_offset);
    if (cie) {
        RowSteps::Start& start = steps_.start_of(*cie);
        if (!start.row) {
            ++counts_.malformed;
        } else if (!append_known_rows(fde, *cie, start, range, budget)) {
            scratch_rows_.resize(piece.first_row);
            append_rows(fde, *cie, *start.row, range, budget);
        }
    }
    piece.last_row = static_cast<std::uint32_t>(scratch_rows_.size());
    scratch_pieces_.push_back(piece);
}

// False if something in the FDE is unusual: then append_rows() does it all.
bool RuleBlocks::append_known_rows(const Fde& fde, const Cie& cie, RowSteps::Start& start,
                                   AddressRange range, std::uint32_t& budget) {
    NumberedRows rows(steps_, start, cie, fde);
    while (rows.row_end() <= range.last) {
        const NumberedRows::Status status = rows.next_row();
        if (status == NumberedRows::Status::done) break;
        if (status == NumberedRows::Status::unusual || rows.instruction_count() > budget)
            return false;
        if (rows.row_end() <= range.first) continue;
        const std::uint64_t first = std::max(rows.row_start(), range.first);
        scratch_rows_.push_back({static_cast<std::uint16_t>(first - range.first), rows.rule()});
    }
    budget -= rows.instruction_count();
    return true;
}

void RuleBlocks::append_rows(const Fde& fde, const Cie& cie, const CfaRow& initial,
                             AddressRange range, std::uint32_t& budget) {
    CfaProgram program(section_, cie, fde, initial);
    for (;;) {
        const CfaProgram::Status status = program.next_row();
        if (status == CfaProgram::Status::done || program.row_start() > range.last) break;
        const bool usable =
            status == CfaProgram::Status::row && program.instruction_count() <= budget;
        if (usable && program.row_end() <= range.first) continue;
        const std::uint64_t start = std::max(program.row_start(), range.first);
        scratch_rows_.push_back({static_cast<std::uint16_t>(start - range.first),
                                 usable ? rules_.intern(program.row(), cie) : std::uint16_t{0}});
        if (!usable) {
            ++counts_.malformed;
            break;
        }
    }
    budget -= std::min(budget, program.instruction_count());
}

}  // namespace fgread
