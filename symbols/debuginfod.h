// Debuginfod: fetches binaries and debug files by build-id, for those who asked for it.
//
// libdebuginfod of elfutils does the work. It is loaded when a Debuginfod is made, so that fgread
// runs where it is not installed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "perfdata/address_space.h"
#include "perfdata/diagnostics.h"
#include "perfdata/result.h"

namespace fgread {

struct DebuginfodOptions {
    // For one file, from the question to its last byte. A distribution's largest debug files have
    // 1 GB, and come at 10 MB/s.
    std::uint32_t max_seconds = 120;
    std::uint64_t max_bytes = std::uint64_t{2} << 30;
    // Called now and then while something is fetched, with what is known so far (total 0: not
    // known), and at the end with `done`. From one thread at a time. May be empty.
    struct Progress {
        std::string build_id;
        std::uint64_t bytes = 0, total = 0;
        bool done = false;
    };
    std::function<void(const Progress&)> progress;
};

// Thread-safe: one file is fetched at a time, the others wait.
class Debuginfod {
public:
    // Servers are those of the environment's DEBUGINFOD_URLS, which must be set before. Fails if
    // that is empty, or the library is not installed.
    static Result<std::shared_ptr<Debuginfod>> load(DebuginfodOptions options);

    enum class File : std::uint8_t { debug_info, executable };
    // Path of the file in debuginfod's cache (~/.cache/debuginfod_client), fetched if it is not
    // there yet. Nothing if no server has it. Each question is asked once. Servers that fail
    // several times in a row are not asked again: a dead one must not cost its time limit for each
    // of hundreds of files. The file is as untrusted as any: the caller compares its build-id.
    [[nodiscard]] std::optional<std::string> fetch(const BuildId& id, File file);

    // One debuginfod_failed for each failure but "no server has it".
    [[nodiscard]] Diagnostics diagnostics() const;

    ~Debuginfod();
    Debuginfod(const Debuginfod&) = delete;
    Debuginfod& operator=(const Debuginfod&) = delete;

private:
    struct State;
    explicit Debuginfod(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace fgread
