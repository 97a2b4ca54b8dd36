// OrderedReader: a recording's records in the order of their times, one after the other.
//
// The simple way to read a recording. While it goes along it applies the side-band to a
// ProcessTable, so that each record is seen with the processes and mappings of its moment:
//
//      Diagnostics diagnostics;
//      auto file = PerfFile::open("perf.data", diagnostics);
//      OrderedReader reader(*file, diagnostics);
//      while (auto item = reader.next()) {
//          if (item->record.type != format::record_sample) continue;
//          auto sample = file->decode_sample(item->record, diagnostics);
//          if (!sample) continue;
//          ProcessAt process = reader.processes().process_at(sample->sample.pid, item->when);
//          ...
//      }
//
// To use several threads, see PerfFile::scan instead.
#pragma once

#include <memory>
#include <optional>

#include "perfdata/diagnostics.h"
#include "perfdata/reader.h"

namespace fgread {

class OrderedReader {
public:
    // Both must outlive the reader. What is wrong with the recording is counted in `diagnostics`.
    OrderedReader(const PerfFile& file, Diagnostics& diagnostics);

    struct Item {
        RecordView record;
        EventTime when;
    };
    // The next record of any type; nothing at the end, or where damage ends the recording. The
    // record's bytes are valid until the next call. Records perf itself wrote (types from 64 on)
    // and its start-up state come as they stand in the file, everything else by time.
    // Of a pipe or a compressed recording, the records of each batch (PerfFile::next_batch) come by
    // time, and processes() knows the whole batch. The file must not have been scanned then.
    // Of a file: about 1 us, and two reads of the file, for a sample with a copy of the stack.
    // Memory: 40 bytes for each record of the last two rounds (round_sorter.h), not the records
    // themselves.
    std::optional<Item> next();

    // As of the last record that next() gave (which is already applied). Valid as long as the
    // reader; its answers change with next().
    [[nodiscard]] const ProcessTable& processes() const;

    ~OrderedReader();
    OrderedReader(OrderedReader&&) noexcept;
    OrderedReader& operator=(OrderedReader&&) noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace fgread
