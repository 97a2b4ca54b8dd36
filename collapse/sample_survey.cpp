#include "collapse/sample_survey.h"

#include <algorithm>
#include <map>
#include <utility>

#include "perfdata/counter_values.h"
#include "perfdata/format.h"

namespace fgread {
namespace {

// What each counter had reached, by the event's id and, where threads count for themselves, thread.
using Readings = std::map<std::pair<std::uint64_t, Tid>, std::uint64_t>;

// A sample of a group is one of each member that counted something (ProfileMerger::add_reading).
void add_members(const PerfFile& file, std::size_t attr, const SampleView& sample,
                 Readings& readings, SampleSurvey& survey) {
    const CounterValues values(file.attrs()[attr], sample);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const CounterValues::Value value = values[i];
        const auto member = file.attr_of_id(value.id);
        if (!member) continue;
        const bool by_thread = file.attrs()[*member].has_flag(format::attr_inherit);
        std::uint64_t& last = readings[{value.id, by_thread ? sample.tid : Tid{}}];
        if (value.value > last) ++survey.samples[*member];
        last = value.value;
    }
}

void add(const PerfFile& file, const RecordView& record, Readings& readings, SampleSurvey& survey,
         Diagnostics& diagnostics) {
    const auto attr = file.attr_of_sample(record);
    if (!attr) return diagnostics.add(Problem::record_unknown_id, record.file_offset);
    survey.samples.resize(file.attrs().size());  // a pipe brings more
    if ((file.attrs()[*attr].sample_type & format::sample_read) == 0) {
        ++survey.samples[*attr];
    } else if (const auto sample = file.layout(*attr).decode(record)) {
        add_members(file, *attr, *sample, readings, survey);
    }
    const std::uint64_t time = file.event_time(record).time;
    if (!file.has_times() || time == 0 || time >= format::off_cpu_first_time) return;
    if (!survey.times) survey.times = NumberRange{time, time};
    survey.times->first = std::min(survey.times->first, time);
    survey.times->last = std::max(survey.times->last, time);
}

}  // namespace

Result<SampleSurvey> survey_samples(const PerfFile& file, Scan& scan, Diagnostics& diagnostics) {
    SampleSurvey survey;
    Readings readings;
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan.chunks) {
            const Result<ByteView> bytes = file.read_chunk(chunk, buffer);
            if (!bytes) return bytes.error();
            RecordCursor cursor = file.records(chunk, *bytes);
            while (const auto record = cursor.next()) {
                if (record->type != format::record_sample) continue;
                add(file, *record, readings, survey, diagnostics);
            }
        }
    } while (file.next_batch(scan, diagnostics));
    survey.samples.resize(file.attrs().size());
    return survey;
}

}  // namespace fgread
