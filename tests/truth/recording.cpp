#include "recording.h"

#include <utility>

namespace truth {
namespace {

constexpr std::uint32_t type_sample = 9;
// enum perf_callchain_context: markers are the last 4095 values, USER is -512.
constexpr std::uint64_t context_max = static_cast<std::uint64_t>(-4095);
constexpr std::uint64_t context_user = static_cast<std::uint64_t>(-512);

std::vector<std::uint64_t> user_part(const fgread::U64View& chain) {
    std::vector<std::uint64_t> pcs;
    bool user = false;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const std::uint64_t pc = chain[i];
        if (pc >= context_max) {
            user = pc == context_user;
        } else if (user) {
            pcs.push_back(pc);
        }
    }
    return pcs;
}

}  // namespace

fgread::Result<Recording> Recording::open(const std::string& path) {
    fgread::Diagnostics diagnostics;
    auto file = fgread::PerfFile::open(path, diagnostics);
    if (!file) return file.error();
    auto scan = file->scan(diagnostics);
    if (!scan) return scan.error();
    if (diagnostics.input_damaged()) {
        return fgread::Error{fgread::ErrorKind::damaged, path + ": damaged recording"};
    }
    return Recording(std::move(file).value(), std::move(scan).value());
}

fgread::Result<void> Recording::for_each_sample(const std::function<void(const Sample&)>& judge,
                                                const std::function<void()>& end_chunk) const {
    std::vector<std::byte> buffer;
    for (const fgread::Chunk& chunk : scan_.chunks) {
        const auto bytes = file_.read_chunk(chunk, buffer);
        if (!bytes) return bytes.error();
        fgread::RecordCursor records = file_.records(chunk, *bytes);
        while (const auto record = records.next()) {
            if (record->type != type_sample) continue;
            const auto attr = file_.attr_of_sample(*record);
            if (!attr) continue;
            const auto view = file_.layout(*attr).decode(*record);
            if (!view || view->user_regs.abi != 2 || view->user_stack.empty()) continue;
            const fgread::EventTime when = file_.event_time(*record);
            const fgread::ProcessAt process = scan_.processes.process_at(view->pid, when);
            judge({*view, when, *process.user, record->file_offset, user_part(view->callchain)});
        }
        end_chunk();
    }
    return {};
}

std::size_t Recording::max_stack() const {
    constexpr std::size_t kernel_default = 127;
    const std::size_t asked = file_.attrs().empty() ? 0 : file_.attrs()[0].sample_max_stack;
    return asked == 0 ? kernel_default : asked;
}

}  // namespace truth
