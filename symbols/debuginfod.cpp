#include "symbols/debuginfod.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "perfdata/shared_library.h"

namespace fgread {
namespace {

constexpr const char* library_name = "libdebuginfod.so.1";
// Failures in a row after which no server is asked any more.
constexpr unsigned max_failures = 2;

// elfutils/debuginfod.h, since elfutils 0.179.
struct Client;
using ProgressFunction = int (*)(Client*, long, long);
using FindFunction = int (*)(Client*, const unsigned char*, int, char**);

struct Library {
    Client* (*begin)() = nullptr;
    void (*end)(Client*) = nullptr;
    FindFunction find_debug_info = nullptr;
    FindFunction find_executable = nullptr;
    void (*set_progress)(Client*, ProgressFunction) = nullptr;
    void (*set_user_data)(Client*, void*) = nullptr;
    void* (*get_user_data)(Client*) = nullptr;
};

std::optional<Library> load_library() {
    void* const handle = open_library(library_name);
    if (handle == nullptr) return std::nullopt;
    Library found;
    const bool complete = look_up(handle, "debuginfod_begin", found.begin) &&
                          look_up(handle, "debuginfod_end", found.end) &&
                          look_up(handle, "debuginfod_find_debuginfo", found.find_debug_info) &&
                          look_up(handle, "debuginfod_find_executable", found.find_executable) &&
                          look_up(handle, "debuginfod_set_progressfn", found.set_progress) &&
                          look_up(handle, "debuginfod_set_user_data", found.set_user_data) &&
                          look_up(handle, "debuginfod_get_user_data", found.get_user_data);
    return complete ? std::optional(found) : std::nullopt;
}

bool servers_are_known() {
    const char* urls = std::getenv("DEBUGINFOD_URLS");  // NOLINT(concurrency-mt-unsafe): only read
    return urls != nullptr &&
           std::string_view(urls).find_first_not_of(' ') != std::string_view::npos;
}

}  // namespace

struct Debuginfod::State {
    // What the progress function of a C library may reach.
    struct Request {
        State* state = nullptr;
        std::chrono::steady_clock::time_point deadline;
        DebuginfodOptions::Progress progress;
        const char* why_stopped = nullptr;
    };

    static int on_progress(Client* client, long done, long total);
    std::optional<std::string> ask(const BuildId& id, File file);
    void finish(Request& request, int result);

    // on_progress has no other way to the library.
    static inline void* (*get_user_data)(Client*) = nullptr;

    Library library;
    Client* client = nullptr;
    DebuginfodOptions options;
    mutable std::mutex mutex;
    std::map<std::pair<BuildId, File>, std::optional<std::string>> answers;
    unsigned failures = 0;  // in a row
    Diagnostics diagnostics;
};

// Called several times a second. Any result but 0 ends the request.
int Debuginfod::State::on_progress(Client* client, long done, long total) {
    auto* request = static_cast<Request*>(get_user_data(client));
    if (request == nullptr) return 0;
    const DebuginfodOptions& options = request->state->options;
    const auto at_least_0 = [](long value) {
        return static_cast<std::uint64_t>(value < 0 ? 0 : value);
    };
    request->progress.bytes = at_least_0(done);
    request->progress.total = at_least_0(total);
    if (std::chrono::steady_clock::now() > request->deadline) {
        request->why_stopped = "time limit reached";
        return 1;
    }
    if (request->progress.bytes > options.max_bytes ||
        request->progress.total > options.max_bytes) {
        request->why_stopped = "size limit reached";
        return 1;
    }
    if (options.progress) options.progress(request->progress);
    return 0;
}

void Debuginfod::State::finish(Request& request, int result) {
    request.progress.done = true;
    if (options.progress) options.progress(request.progress);
    if (result >= 0 || (result == -ENOENT && request.why_stopped == nullptr)) {
        failures = 0;
        return;
    }
    ++failures;
    const std::string why = request.why_stopped != nullptr
                                ? std::string(request.why_stopped)
                                : std::error_code(-result, std::generic_category()).message();
    diagnostics.add(Problem::debuginfod_failed, 0,
                    "build-id " + request.progress.build_id + ": " + why);
}

std::optional<std::string> Debuginfod::State::ask(const BuildId& id, File file) {
    if (client == nullptr || failures >= max_failures) return std::nullopt;
    Request request;
    request.state = this;
    request.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.max_seconds);
    request.progress.build_id = id.hex();
    library.set_user_data(client, &request);
    const FindFunction find =
        file == File::debug_info ? library.find_debug_info : library.find_executable;
    char* path = nullptr;
    const int descriptor = find(client, id.bytes.data(), static_cast<int>(id.bytes.size()), &path);
    library.set_user_data(client, nullptr);
    finish(request, descriptor);
    std::optional<std::string> found;
    if (descriptor >= 0) {
        ::close(descriptor);
        if (path != nullptr) found = path;
    }
    std::free(path);  // by the library's contract
    return found;
}

Debuginfod::Debuginfod(std::unique_ptr<State> state) : state_(std::move(state)) {}

Debuginfod::~Debuginfod() {
    if (state_->client != nullptr) state_->library.end(state_->client);
}

Result<std::shared_ptr<Debuginfod>> Debuginfod::load(DebuginfodOptions options) {
    if (!servers_are_known()) {
        return Error{ErrorKind::unsupported,
                     "debuginfod: no servers; name them in the environment's DEBUGINFOD_URLS"};
    }
    std::optional<Library> library = load_library();
    if (!library) {
        return Error{ErrorKind::unsupported,
                     "debuginfod: libdebuginfod.so.1 is not installed (Debian: libdebuginfod1)"};
    }
    auto state = std::make_unique<State>();
    state->library = *library;
    State::get_user_data = library->get_user_data;
    state->options = std::move(options);
    state->client = library->begin();
    if (state->client != nullptr) library->set_progress(state->client, &State::on_progress);
    return std::shared_ptr<Debuginfod>(new Debuginfod(std::move(state)));
}

std::optional<std::string> Debuginfod::fetch(const BuildId& id, File file) {
    const std::lock_guard lock(state_->mutex);
    const auto [entry, is_new] = state_->answers.try_emplace({id, file});
    if (is_new) entry->second = state_->ask(id, file);
    return entry->second;
}

Diagnostics Debuginfod::diagnostics() const {
    const std::lock_guard lock(state_->mutex);
    return state_->diagnostics;
}

}  // namespace fgread
