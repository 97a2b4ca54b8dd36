#include "collapse/writers/firefox.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "collapse/off_cpu.h"
#include "collapse/writers/shown_stacks.h"
#include "collapse/writers/thread_samples.h"
#include "perfdata/format.h"
#include "render/append_format.h"

namespace fgread {

namespace {

constexpr std::uint32_t no_resource = 0xffffffff;
constexpr std::uint32_t no_source = 0xffffffff;
constexpr std::uint64_t ns_per_ms = 1'000'000;

// Indices of meta.categories. The format wants a grey one.
enum Category : unsigned { other, user, kernel };
constexpr std::string_view categories =
    "[{\"name\":\"Other\",\"color\":\"grey\",\"subcategories\":[\"Other\"]},"
    "{\"name\":\"User\",\"color\":\"yellow\",\"subcategories\":[\"Other\"]},"
    "{\"name\":\"Kernel\",\"color\":\"orange\",\"subcategories\":[\"Other\"]}]";

std::string milliseconds(std::uint64_t ns) {
    return fmt::format("{}.{:06}", ns / ns_per_ms, ns % ns_per_ms);
}

// A function of a binary; the frames in it differ by line.
struct Function {
    NameId name = 0;
    std::uint32_t resource = no_resource;
    std::uint32_t source = no_source;
};

class FirefoxWriter {
public:
    FirefoxWriter(const FoldedProfile& folded, const TextSink& sink)
        : folded_(folded),
          stacks_(shown_stacks(folded)),
          threads_(thread_samples(folded)),
          out_(sink) {
        const auto& events = folded.weights.events;
        several_events_ = std::count(events.begin(), events.end(), true) > 1;
        if (!folded.profile.timeline.empty()) start_ = folded.profile.timeline.front().when.time;
        number_functions();
        number_stacks();
    }

    bool write() {
        put_meta();
        out_.text += ",\n\"libs\":";
        put_libs();
        out_.text += ",\n\"shared\":{";
        if (!put_stacks() || !put_frames() || !put_functions() || !put_texts()) return false;
        out_.text += "},\n\"threads\":[";
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            out_.text += i == 0 ? "\n" : ",\n";
            if (!put_thread(threads_[i])) return false;
        }
        out_.text += "]}\n";
        return out_.flush();
    }

private:
    template <typename... Values>
    void put(fmt::format_string<Values...> format, Values&&... values) {
        append_format(out_.text, format, std::forward<Values>(values)...);
    }

    // "key":[...], of what `put_element` writes for 0 .. count-1.
    template <typename PutElement>
    bool put_column(std::string_view key, std::size_t count, PutElement put_element) {
        put("\"{}\":[", key);
        for (std::size_t i = 0; i < count; ++i) {
            if (i != 0) out_.text += ',';
            put_element(i);
            if (!out_.flush_if_large()) return false;
        }
        out_.text += "],\n";
        return true;
    }
    bool put_same(std::string_view key, std::size_t count, std::string_view value) {
        return put_column(key, count, [&](std::size_t) { out_.text += value; });
    }

    std::uint32_t text_id(const std::string& text) {
        const auto [entry, added] =
            text_ids_.try_emplace(text, static_cast<std::uint32_t>(texts_.size()));
        if (added) texts_.push_back(text);
        return entry->second;
    }
    std::uint32_t text_id(NameId name) { return text_id(std::string(folded_.names.name(name))); }

    std::uint32_t resource_of(ModuleId module) {
        if (module.value == 0) return no_resource;
        const auto [entry, added] =
            resource_ids_.try_emplace(module, static_cast<std::uint32_t>(resources_.size()));
        if (added) resources_.push_back(module);
        return entry->second;
    }
    std::uint32_t source_of(NameId file) {
        if (file == no_name) return no_source;
        const auto [entry, added] =
            source_ids_.try_emplace(file, static_cast<std::uint32_t>(sources_.size()));
        if (added) sources_.push_back(file);
        return entry->second;
    }

    void number_functions() {
        std::map<std::tuple<NameId, std::uint32_t, std::uint32_t>, std::uint32_t> known;
        for (const ShownFrame& frame : stacks_.frames) {
            const Function function{frame.name, resource_of(frame.module),
                                    source_of(frame.detail.file)};
            const auto [entry, added] =
                known.try_emplace({function.name, function.resource, function.source},
                                  static_cast<std::uint32_t>(functions_.size()));
            if (added) functions_.push_back(function);
            function_of_.push_back(entry->second);
        }
    }

    // The format's roots are frames, not groups.
    void number_stacks() {
        const StackTrie& trie = stacks_.trie;
        number_of_.assign(trie.size(), no_stack);
        for (StackId node = 0; node < trie.size(); ++node) {
            if (trie[node].parent == no_stack) continue;
            number_of_[node] = static_cast<StackId>(nodes_.size());
            nodes_.push_back(node);
        }
    }

    // In ms, of the first event; the program wants to know how wide a sample is.
    [[nodiscard]] double interval() const {
        if (threads_.empty()) return 1;
        const EventAttr& attr = folded_.attrs[threads_.front().event];
        const auto every = static_cast<double>(attr.sample_period_or_freq);
        const bool is_clock = cpu_unit(threads_.front().event) == "ns";
        if (every > 0 && attr.has_flag(format::attr_freq)) return 1000 / every;
        return every > 0 && is_clock ? every / ns_per_ms : 1;
    }

    [[nodiscard]] std::string product() const {
        const auto most = std::max_element(
            threads_.begin(), threads_.end(),
            [](const ThreadSamples& a, const ThreadSamples& b) { return a.weight < b.weight; });
        return most == threads_.end() ? "perf" : std::string(folded_.processes.comm(most->comm));
    }

    // The unit of processor use that an event's periods are in; empty if they are none.
    [[nodiscard]] std::string_view cpu_unit(std::uint32_t event) const {
        const EventAttr& attr = folded_.attrs[event];
        if (attr.name.starts_with(off_cpu_event)) return "";
        if (period_unit(attr) == "nanoseconds") return "ns";
        return attr.name.find("cycles") == std::string::npos ? "" : "variable CPU cycles";
    }

    void put_meta() {
        put("{{\"meta\":{{\"interval\":{:.6f},\"startTime\":0,\"processType\":0,\"product\":",
            interval());
        append_json_text(out_.text, product());
        out_.text += ",\"stackwalk\":1,\"debug\":false,\"version\":24,";
        out_.text += "\"preprocessedProfileVersion\":60,\"importedFrom\":\"perf, by fgread\",";
        out_.text += "\"symbolicated\":true,\"usesOnlyOneStackType\":true,";
        out_.text +=
            "\"sourceCodeIsNotOnSearchfox\":true,\"oscpu\":\"Linux\",\"platform\":\"Linux\",";
        out_.text += "\"markerSchema\":[],\"extensions\":{\"id\":[],\"name\":[],\"baseURL\":[],";
        out_.text += "\"length\":0},";
        const std::string_view unit = threads_.empty() ? "" : cpu_unit(threads_.front().event);
        if (!unit.empty()) {
            put("\"sampleUnits\":{{\"time\":\"ms\",\"eventDelay\":\"ms\",\"threadCPUDelta\":"
                "\"{}\"}},",
                unit);
        }
        put("\"categories\":{}}}", categories);
    }

    void put_libs() {
        out_.text += '[';
        for (std::size_t i = 0; i < resources_.size(); ++i) {
            const ModuleInfo info = folded_.modules.info(resources_[i]);
            const BuildId& build_id =
                info.recorded_build_id.empty() ? info.file_build_id : info.recorded_build_id;
            out_.text += i == 0 ? "\n{\"arch\":\"\"" : ",\n{\"arch\":\"\"";
            for (const std::string_view key : {"name", "debugName"}) {
                put(",\"{}\":", key);
                append_json_text(out_.text, info.short_name);
            }
            for (const std::string_view key : {"path", "debugPath"}) {
                put(",\"{}\":", key);
                append_json_text(out_.text, info.path);
            }
            put(",\"breakpadId\":\"\",\"codeId\":");
            if (build_id.empty()) {
                out_.text += "null}";
            } else {
                put("\"{}\"}}", build_id.hex());
            }
        }
        out_.text += ']';
    }

    bool put_stacks() {
        const StackTrie& trie = stacks_.trie;
        out_.text += "\n\"stackTable\":{";
        const std::size_t count = nodes_.size();
        const bool whole =
            put_column("frame", count, [&](std::size_t i) { put("{}", trie[nodes_[i]].label); }) &&
            put_column("prefix", count, [&](std::size_t i) {
                const StackId parent = number_of_[trie[nodes_[i]].parent];
                put_index(parent, no_stack, "null");
            });
        put("\"length\":{}}},", count);
        return whole;
    }

    void put_index(std::uint32_t index, std::uint32_t none, std::string_view nothing) {
        if (index == none) {
            out_.text += nothing;
        } else {
            put("{}", index);
        }
    }

    // How many functions of the same call stand outside of an inlined one is not known here; the
    // program uses it to look names up, which it does not do.
    bool put_frames() {
        const std::vector<ShownFrame>& frames = stacks_.frames;
        const std::size_t count = frames.size();
        out_.text += "\n\"frameTable\":{";
        const bool whole =
            put_same("address", count, "-1") &&
            put_column("inlineDepth", count,
                       [&](std::size_t i) { out_.text += frames[i].detail.inlined ? '1' : '0'; }) &&
            put_column("category", count,
                       [&](std::size_t i) {
                           put("{}", unsigned{frames[i].detail.kernel ? kernel : user});
                       }) &&
            put_same("subcategory", count, "0") &&
            put_column("func", count, [&](std::size_t i) { put("{}", function_of_[i]); }) &&
            put_same("nativeSymbol", count, "null") && put_same("innerWindowID", count, "null") &&
            put_column("line", count,
                       [&](std::size_t i) { put_index(frames[i].detail.line, 0, "null"); }) &&
            put_same("column", count, "null");
        put("\"length\":{}}},", count);
        return whole;
    }

    bool put_functions() {
        const std::size_t count = functions_.size();
        out_.text += "\n\"funcTable\":{";
        bool whole =
            put_column("name", count,
                       [&](std::size_t i) { put("{}", text_id(functions_[i].name)); }) &&
            put_same("isJS", count, "false") && put_same("relevantForJS", count, "false") &&
            put_column(
                "resource", count,
                [&](std::size_t i) { put_index(functions_[i].resource, no_resource, "-1"); }) &&
            put_column(
                "source", count,
                [&](std::size_t i) { put_index(functions_[i].source, no_source, "null"); }) &&
            put_same("lineNumber", count, "null") && put_same("columnNumber", count, "null");
        put("\"length\":{}}},", count);
        out_.text += "\n\"resourceTable\":{";
        constexpr std::string_view library = "1";
        whole = whole &&
                put_column("lib", resources_.size(), [&](std::size_t i) { put("{}", i); }) &&
                put_column("name", resources_.size(),
                           [&](std::size_t i) {
                               const ModuleInfo info = folded_.modules.info(resources_[i]);
                               put("{}", text_id(info.short_name));
                           }) &&
                put_same("host", resources_.size(), "null") &&
                put_same("type", resources_.size(), library);
        put("\"length\":{}}},", resources_.size());
        out_.text += "\n\"nativeSymbols\":{\"libIndex\":[],\"address\":[],\"name\":[],";
        out_.text += "\"functionSize\":[],\"length\":0},";
        return whole;
    }

    // Last, when all texts are known.
    bool put_texts() {
        out_.text += "\n\"sources\":{";
        const bool whole = put_same("uuid", sources_.size(), "null") &&
                           put_column("filename", sources_.size(),
                                      [&](std::size_t i) { put("{}", text_id(sources_[i])); });
        put("\"length\":{}}},\n", sources_.size());
        if (!whole || !put_column("stringArray", texts_.size(),
                                  [&](std::size_t i) { append_json_text(out_.text, texts_[i]); })) {
            return false;
        }
        out_.text.resize(out_.text.size() - 2);  // the last column's comma and line end
        return true;
    }

    // The thread whose number is the process's gives it its name.
    [[nodiscard]] std::string_view process_name(const ThreadSamples& thread) const {
        const auto main =
            std::find_if(threads_.begin(), threads_.end(), [&](const ThreadSamples& other) {
                return other.pid == thread.pid && other.tid.value == other.pid.value;
            });
        return folded_.processes.comm(main == threads_.end() ? thread.comm : main->comm);
    }

    bool put_thread(const ThreadSamples& thread) {
        const Timeline& timeline = folded_.profile.timeline;
        const bool is_main = thread.tid.value == thread.pid.value;
        std::string name(folded_.processes.comm(thread.comm));
        if (several_events_) name += " (" + folded_.attrs[thread.event].name + ")";
        put("{{\"processType\":\"default\",\"processStartupTime\":{},\"processShutdownTime\":null,",
            milliseconds(timeline[thread.samples.front()].when.time - start_));
        put("\"registerTime\":{},\"unregisterTime\":null,\"pausedRanges\":[],\"name\":",
            milliseconds(timeline[thread.samples.front()].when.time - start_));
        append_json_text(out_.text, name);
        out_.text += ",\"processName\":";
        append_json_text(out_.text, process_name(thread));
        put(",\"isMainThread\":{},\"pid\":\"{}\",\"tid\":{},", is_main, thread.pid.value,
            thread.tid.value);
        out_.text += "\"markers\":{\"data\":[],\"name\":[],\"startTime\":[],\"endTime\":[],";
        out_.text += "\"phase\":[],\"category\":[],\"length\":0},\n\"samples\":{";
        const bool whole = put_samples(thread);
        put("\"length\":{}}}}}", thread.samples.size());
        return whole;
    }

    bool put_samples(const ThreadSamples& thread) {
        const std::size_t count = thread.samples.size();
        const auto sample = [&](std::size_t i) -> const TimelineSample& {
            return folded_.profile.timeline[thread.samples[i]];
        };
        const auto put_stack = [&](std::size_t i) {
            put_index(number_of_[stacks_.node_of[sample(i).stack]], no_stack, "null");
        };
        const auto put_delta = [&](std::size_t i) {
            const std::uint64_t before = i == 0 ? start_ : sample(i - 1).when.time;
            out_.text += milliseconds(sample(i).when.time - before);
        };
        if (!put_column("stack", count, put_stack) || !put_column("timeDeltas", count, put_delta)) {
            return false;
        }
        const bool is_time = weighs_time(folded_, thread.event);
        put("\"weightType\":\"{}\",", is_time ? "tracing-ms" : "samples");
        const bool weighed = !is_time || put_column("weight", count, [&](std::size_t i) {
            out_.text += milliseconds(sample(i).period);
        });
        if (!is_time) out_.text += "\"weight\":null,";
        if (!weighed || cpu_unit(thread.event).empty()) return weighed;
        return put_column("threadCPUDelta", count,
                          [&](std::size_t i) { put("{}", sample(i).period); });
    }

    const FoldedProfile& folded_;
    const ShownStacks stacks_;
    const std::vector<ThreadSamples> threads_;
    PendingText out_;
    bool several_events_ = false;
    std::uint64_t start_ = 0;  // time of the first sample

    std::vector<Function> functions_;
    std::vector<std::uint32_t> function_of_;  // by ShownFrame
    std::vector<StackId> nodes_;              // of the trie, without its roots: the format's stacks
    std::vector<StackId> number_of_;          // by node; no_stack for roots
    std::vector<ModuleId> resources_;         // and libs, in the same order
    std::map<ModuleId, std::uint32_t> resource_ids_;
    std::vector<NameId> sources_;
    std::map<NameId, std::uint32_t> source_ids_;
    std::vector<std::string> texts_;
    std::map<std::string, std::uint32_t> text_ids_;
};

}  // namespace

bool write_firefox(const FoldedProfile& folded, const TextSink& sink) {
    return FirefoxWriter(folded, sink).write();
}

}  // namespace fgread
