#include "collapse/sample_survey.h"

#include <algorithm>

#include "perfdata/format.h"

namespace fgread {
namespace {

void add(const PerfFile& file, const RecordView& record, SampleSurvey& survey,
         Diagnostics& diagnostics) {
    const auto attr = file.attr_of_sample(record);
    if (!attr) return diagnostics.add(Problem::record_unknown_id, record.file_offset);
    if (survey.samples.size() <= *attr) survey.samples.resize(*attr + 1);
    ++survey.samples[*attr];
    const std::uint64_t time = file.event_time(record).time;
    if (!file.has_times() || time == 0 || time >= format::off_cpu_first_time) return;
    if (!survey.times) survey.times = NumberRange{time, time};
    survey.times->first = std::min(survey.times->first, time);
    survey.times->last = std::max(survey.times->last, time);
}

}  // namespace

Result<SampleSurvey> survey_samples(const PerfFile& file, Scan& scan, Diagnostics& diagnostics) {
    SampleSurvey survey;
    std::vector<std::byte> buffer;
    do {
        for (const Chunk& chunk : scan.chunks) {
            const Result<ByteView> bytes = file.read_chunk(chunk, buffer);
            if (!bytes) return bytes.error();
            RecordCursor cursor = file.records(chunk, *bytes);
            while (const auto record = cursor.next()) {
                if (record->type == format::record_sample) add(file, *record, survey, diagnostics);
            }
        }
    } while (file.next_batch(scan, diagnostics));
    survey.samples.resize(file.attrs().size());
    return survey;
}

}  // namespace fgread
