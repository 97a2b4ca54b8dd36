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

// Distinct CIEs whose initial rules (1 KiB each) are kept.
constexpr std::size_t max_initial_rules = 256;

}  // namespace

// Lays pieces over one another: of those that overlap the later one wins, and where it ends the
// earlier one shows again.
class RuleBlocks::Painter {
public:
    Painter(const std::vector<Row>& source, std::vector<Row>& rows)
        : source_(source), rows_(rows) {}

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
                append(cursor_, 0);
                cursor_ = limit;
                return;
            }
            const std::uint32_t stop = std::min(limit, open_.back().end);
            copy_rows(open_.back(), stop);
            cursor_ = stop;
        }
    }

    void copy_rows(const Piece& piece, std::uint32_t stop) {
        const auto begin = source_.begin() + piece.first_row;
        const auto end = source_.begin() + piece.last_row;
        auto at = std::upper_bound(begin, end, cursor_, [](std::uint32_t offset, const Row& row) {
            return offset < row.offset;
        });
        append(cursor_, at == begin ? std::uint16_t{0} : std::prev(at)->rule);
        for (; at != end && at->offset < stop; ++at) append(at->offset, at->rule);
    }

    void append(std::uint32_t offset, std::uint16_t rule) {
        if (!rows_.empty() && rows_.back().rule == rule) return;
        rows_.push_back({static_cast<std::uint16_t>(offset), rule});
    }

    const std::vector<Row>& source_;
    std::vector<Row>& rows_;
    std::vector<Piece> open_;
    std::uint32_t cursor_ = 0;
};

std::uint16_t RuleBlocks::Block::find(unsigned offset) const {
    const unsigned part = offset >> part_bits;
    // The last row at or before the offset lies between the rows in effect at the part's ends.
    unsigned low = row_of_part[part];
    unsigned count = row_of_part[part + 1] - low + 1u;
    while (count > 1) {
        const unsigned half = count / 2;
        low = rows[low + half].offset <= offset ? low + half : low;
        count -= half;
    }
    return rows[low].rule;
}

RuleBlocks::RuleBlocks(const CfiSection& section, std::unique_ptr<FdeIndex> index, RuleStore& rules,
                       std::mutex& mutex)
    : section_(section),
      index_(std::move(index)),
      rules_(rules),
      mutex_(mutex),
      span_(index_->span()),
      cies_(section) {
    if (span_.first > span_.last || span_.last - span_.first >= max_array_span) return;
    first_block_ = span_.first >> block_bits;
    block_count_ = (span_.last >> block_bits) - first_block_ + 1;
    blocks_ = std::make_unique<std::atomic<const Block*>[]>(block_count_);
}

RuleBlocks::~RuleBlocks() {
    for (std::uint64_t i = 0; i < block_count_; ++i) delete blocks_[i].load();
}

std::uint16_t RuleBlocks::find(std::uint64_t pc) {
    if (pc < span_.first || pc > span_.last) return 0;
    return block(pc >> block_bits).find(pc & (block_size - 1));
}

const RuleBlocks::Block& RuleBlocks::block(std::uint64_t number) {
    if (block_count_ == 0) return far_block(number);
    std::atomic<const Block*>& slot = blocks_[number - first_block_];
    if (const Block* known = slot.load(std::memory_order_acquire)) return *known;
    const auto lock = lock_briefly(mutex_);
    const Block* known = slot.load(std::memory_order_relaxed);
    if (!known) {
        known = compile(number).release();
        slot.store(known, std::memory_order_release);
    }
    return *known;
}

const RuleBlocks::Block& RuleBlocks::far_block(std::uint64_t number) {
    const auto lock = lock_briefly(mutex_);
    std::unique_ptr<Block>& slot = far_blocks_[number];
    if (!slot) slot = compile(number);
    return *slot;
}

std::optional<Fde> RuleBlocks::find_fde(std::uint64_t pc) {
    const auto lock = lock_briefly(mutex_);
    index_->collect({pc, pc}, cies_, scratch_fdes_);
    if (scratch_fdes_.empty()) return std::nullopt;
    return scratch_fdes_.back();
}

std::unique_ptr<RuleBlocks::Block> RuleBlocks::compile(std::uint64_t number) {
    const std::uint64_t first = number << block_bits;
    const AddressRange range{first, first + (block_size - 1)};
    index_->collect(range, cies_, scratch_fdes_);

    scratch_pieces_.clear();
    scratch_rows_.clear();
    std::uint32_t budget = max_block_instructions;
    for (const Fde& fde : scratch_fdes_) compile_fde(fde, range, budget);

    auto block = std::make_unique<Block>();
    Painter painter(scratch_rows_, block->rows);
    for (const Piece& piece : scratch_pieces_) painter.add(piece);
    painter.finish();
    block->rows.shrink_to_fit();

    std::uint16_t row = 0;
    for (unsigned part = 0; part <= Block::parts; ++part) {
        const std::uint32_t begin = part << Block::part_bits;
        while (row + 1u < block->rows.size() && block->rows[row + 1u].offset <= begin) ++row;
        block->row_of_part[part] = row;
    }
    counts_.rows += block->rows.size();
    return block;
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
        const auto& initial = initial_rules(*cie);
        if (initial) {
            append_rows(fde, *cie, *initial, range, budget);
        } else {
            ++counts_.malformed;
        }
    }
    piece.last_row = static_cast<std::uint32_t>(scratch_rows_.size());
    scratch_pieces_.push_back(piece);
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

const std::optional<CfaRow>& RuleBlocks::initial_rules(const Cie& cie) {
    const auto known = initial_rules_.find(cie.offset);
    if (known != initial_rules_.end()) return known->second;
    if (initial_rules_.size() == max_initial_rules) initial_rules_.clear();
    return initial_rules_.emplace(cie.offset, run_initial_instructions(section_, cie))
        .first->second;
}

}  // namespace fgread
