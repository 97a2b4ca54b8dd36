// StreamBatches: what a stream brings, in batches whose samples can be walked in any order.
//
// A sample needs the processes and mappings of its time, and a stream has them only nearly in
// order (round_sorter.h says why). So blocks of records wait until their side-band is known to be
// complete, by the FINISHED_ROUND marks:
//
//      stream   [block][block]  |  [block][block]  |  [block] ...      | = FINISHED_ROUND
//               at the second mark all that came before the first one may go: the blocks, and with
//               them, sorted, all side-band up to the latest time in them
//
// Where marks are missing or far apart, the older blocks go when too many bytes wait; side-band
// that belongs before them and comes after them is late, and counted. Nothing is dropped.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "perfdata/diagnostics.h"
#include "perfdata/event_table.h"
#include "perfdata/lost_events.h"
#include "perfdata/record_blocks.h"

namespace fgread {

// A record copied out of its block.
struct KeptRecord {
    EventTime when;
    std::vector<std::byte> body;
    RecordView view;  // of that body
};

struct StreamBatch {
    std::vector<RecordBlock> blocks;
    std::vector<KeptRecord> header;     // of a pipe: attrs, features, in their order
    std::vector<KeptRecord> side_band;  // in the order of their times
    std::vector<std::uint64_t> records_by_type;
    LostEvents lost;
    std::uint64_t input_bytes = 0;  // of the stream, read so far
    Diagnostics diagnostics;
};

struct StreamOptions {
    // Bytes of blocks and side-band that wait; a round of a busy machine is half a MiB for each
    // CPU. With the batch that is ready and the one that is worked on, a stream takes twice as much
    // at the most. What a few KB unpack to may wait for less: see StreamBatches::max_waiting.
    std::size_t max_held = std::size_t{48} << 20;
    bool pipe = false;            // the header comes in records
    bool side_band_only = false;  // no blocks in the batches, and no waiting
    bool samples_only = false;    // no side-band, which is known already: nothing to wait for
};

class StreamBatches {
public:
    // `first`: blocks that were read ahead; `events` knows the attrs in them.
    StreamBatches(RecordBlocks blocks, std::vector<RecordBlock> first, EventTable events,
                  StreamOptions options = {});

    // Depends on the stream's contents alone. Nothing at its end, or where damage ends it.
    std::optional<StreamBatch> next();
    [[nodiscard]] const RecordBlocks& blocks() const { return blocks_; }
    [[nodiscard]] RecordBlocks& blocks() { return blocks_; }

private:
    struct Held {
        RecordBlock block;
        std::uint64_t latest = 0;  // time of its samples
    };

    std::optional<RecordBlock> read_block();
    void index(RecordBlock block);
    void note(const RecordView& record, Held& held);
    void note_side_band(const RecordView& record, EventTime when);
    void finish_round();
    [[nodiscard]] std::size_t max_waiting() const;
    [[nodiscard]] std::size_t batch_bytes() const;
    [[nodiscard]] std::size_t ready_bytes() const;
    void release_side_band();
    StreamBatch release(std::size_t bytes);

    RecordBlocks blocks_;
    std::deque<RecordBlock> first_;
    bool header_known_ = false;  // of the block being indexed
    EventTable events_;
    StreamOptions options_;

    std::deque<Held> held_;
    std::size_t held_bytes_ = 0;
    std::vector<KeptRecord> waiting_;  // side-band
    std::size_t waiting_bytes_ = 0;    // of these
    StreamBatch open_;                 // what goes with the next batch, whatever its times

    std::uint64_t latest_ = 0;
    std::uint64_t latest_at_mark_ = 0;
    std::uint64_t may_go_ = 0;    // times up to this
    std::uint64_t released_ = 0;  // side-band up to this time has gone
    std::uint64_t compressed_records_ = 0;
    bool at_end_ = false;
};

}  // namespace fgread
