// Perf maps and jitdumps, from the recording's processes to the names of frames.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "symbols/perf_map.h"
#include "symbols/symbolizer.h"
#include "tests/symbols/jitdump_builder.h"
#include "tests/symbols/temporary_directory.h"
#include "unwind/walker.h"

using namespace fgread;
using namespace fgread::test;

namespace {

// No process has it: Linux stops at 2^22.
constexpr std::int32_t pid = 4'194'305;
constexpr std::int32_t child = 4'194'306;

struct World {
    World() {
        sources.debug_directory.clear();
        sources.build_id_cache = "/nonexistent";
        sources.temporary_directory = tmp.path();
    }

    void map(std::int32_t process, std::uint64_t time, std::uint64_t start, std::uint64_t length,
             const std::string& path) {
        MmapView record;
        record.pid = {process};
        record.tid = {process};
        record.start = {start};
        record.length = length;
        record.executable = true;
        record.path = path;
        processes.apply({time, ++sequence}, record);
    }
    void fork(std::int32_t parent, std::int32_t of, std::uint64_t time) {
        TaskView record;
        record.pid = {of};
        record.tid = {of};
        record.parent_pid = {parent};
        record.parent_tid = {parent};
        processes.apply_fork({time, ++sequence}, record);
    }
    void exec(std::int32_t process, std::uint64_t time) {
        CommView record;
        record.pid = {process};
        record.tid = {process};
        record.from_exec = true;
        record.comm = "new";
        processes.apply({time, ++sequence}, record);
    }

    // Call after the process table is complete.
    void open(bool monotonic = true) {
        cache = std::make_unique<ModuleCache>(processes.mappings(), sources);
        cache->use_processes(processes, monotonic);
        walker = std::make_unique<StackWalker>(*cache);
        symbolizer = std::make_unique<Symbolizer>(*cache, SymbolizerOptions{.lines = true});
    }
    Frame frame(std::int32_t process, std::uint64_t time, std::uint64_t address) {
        const EventTime when{time, 1'000'000};
        return walker->resolve(*processes.process_at({process}, when).user, when, {address},
                               FrameKind::exact);
    }
    std::string name(std::int32_t process, std::uint64_t time, std::uint64_t address) {
        if (!cache) open();
        const InlineChain chain = symbolizer->symbolize(frame(process, time, address));
        return std::string(chain.functions.empty() ? chain.module_label : chain.functions[0].name);
    }

    TemporaryDirectory tmp;
    ModuleSources sources;
    ProcessTable processes;
    std::uint64_t sequence = 0;
    std::unique_ptr<ModuleCache> cache;
    std::unique_ptr<StackWalker> walker;
    std::unique_ptr<Symbolizer> symbolizer;
};

std::string map_name(std::int32_t number) { return "perf-" + std::to_string(number) + ".map"; }

}  // namespace

TEST_CASE("a perf map names all kinds of memory without a file, and no file's") {
    World world;
    world.tmp.write(map_name(pid), std::string("0 ffffffffffff everywhere\n"));
    const std::vector<std::string> paths = {"//anon",
                                            "[heap]",
                                            "[stack]",
                                            "/memfd:jit (deleted)",
                                            "/dev/zero (deleted)",
                                            "[anon:v8]",
                                            "/SYSV00000000 (deleted)",
                                            "/anon_hugepage (deleted)"};
    for (std::size_t i = 0; i < paths.size(); ++i) {
        world.map(pid, 1, 0x10000 * (i + 1), 0x1000, paths[i]);
    }
    world.map(pid, 1, 0x900000, 0x1000, "/nonexistent/lib.so");
    for (std::size_t i = 0; i < paths.size(); ++i) {
        CAPTURE(paths[i]);
        CHECK(world.name(pid, 5, 0x10000 * (i + 1) + 8) == "everywhere");
    }
    CHECK(world.name(pid, 5, 0x900008) == "[lib.so]");
    CHECK(world.name(pid, 5, 0xa00008) == "everywhere");      // its mapping was not recorded
    CHECK(world.name(4'194'400, 5, 0x10008) == "[unknown]");  // a pid nobody announced
}

TEST_CASE("the vsyscall page has its name in every process, recorded or not") {
    World world;
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    world.map(child, 1, 0xffffffffff600000, 0x1000, "[vsyscall]");
    CHECK(world.name(pid, 5, 0xffffffffff600400) == "[vsyscall]");
    CHECK(world.name(child, 5, 0xffffffffff600400) == "[vsyscall]");
    CHECK(world.frame(pid, 5, 0xffffffffff600400) == world.frame(child, 5, 0xffffffffff600400));
    CHECK(world.name(pid, 5, 0xffffffffff601000) == "[unknown]");
    CHECK(world.name(pid, 5, 0xffffffffff5fffff) == "[unknown]");
}

TEST_CASE("addresses that no map names keep the name of their memory") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 f\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    world.map(child, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10008) == "f");
    CHECK(world.name(pid, 5, 0x10018) == "[anon]");
    CHECK(world.name(child, 5, 0x10008) == "[anon]");
    CHECK(world.cache->info(world.frame(pid, 5, 0x10018).module).state == ModuleState::generated);
    CHECK(world.cache->info(world.frame(pid, 5, 0x10018).module).file ==
          world.tmp.path(map_name(pid)));
    CHECK(world.cache->info(world.frame(child, 5, 0x10008).module).state == ModuleState::anonymous);
    CHECK(world.name(pid, 5, 0x90000) == "[unknown]");
}

TEST_CASE("a forked child is named by its own map first, then by its parent's") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 f of parent\n10010 10 g of parent\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    world.fork(pid, child, 10);
    CHECK(world.name(child, 20, 0x10000) == "f of parent");
    CHECK(world.frame(child, 20, 0x10000) == world.frame(pid, 20, 0x10000));  // one module
    world.tmp.write(map_name(child), std::string("10000 10 f of child\n"));
    world.open();
    CHECK(world.name(child, 20, 0x10000) == "f of child");
    CHECK(world.name(child, 20, 0x10010) == "g of parent");
    CHECK(world.name(pid, 20, 0x10000) == "f of parent");
}

TEST_CASE("a program started by exec has nothing of its parent's code") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 f of parent\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    world.fork(pid, child, 10);
    world.exec(child, 20);
    world.map(child, 30, 0x10000, 0x1000, "//anon");
    CHECK(world.name(child, 15, 0x10000) == "f of parent");
    CHECK(world.name(child, 40, 0x10000) == "[anon]");
}

TEST_CASE("names of perf maps are demangled like others") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 _ZN3foo3barEv\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10000) == "foo::bar");
}

TEST_CASE("a map in --perf-map-dir comes first, and serves recordings of other machines") {
    World world;
    const TemporaryDirectory given;
    world.tmp.write(map_name(pid), std::string("10000 10 local\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10000) == "local");
    given.write(map_name(pid), std::string("10000 10 given\n"));
    world.sources.perf_map_directory = given.path();
    world.open();
    CHECK(world.name(pid, 5, 0x10000) == "given");
    world.sources.hostname = "elsewhere";
    world.open();
    CHECK(world.name(pid, 5, 0x10000) == "given");
}

TEST_CASE("another machine's or an earlier boot's recording finds nothing in /tmp") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 local\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    SUBCASE("machine") { world.sources.hostname = "elsewhere"; }
    SUBCASE("kernel") { world.sources.os_release = "3.14.15"; }
    SUBCASE("boot") { world.sources.recorded_at_ns = 1; }
    CHECK(world.name(pid, 5, 0x10000) == "[anon]");
    CHECK(world.cache->diagnostics()[Problem::jit_file_refused].count == 0);
}

TEST_CASE("a map under symfs is that of the machine whose files lie there") {
    World world;
    const TemporaryDirectory root;
    root.write("tmp/" + map_name(pid), std::string("10000 10 of the target\n"));
    world.sources.symfs = root.path();
    world.sources.hostname = "elsewhere";
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10000) == "of the target");
}

TEST_CASE("what is no regular file of a trusted owner is refused, and said") {
    World world;
    const std::string path = world.tmp.path(map_name(pid));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    std::string reason;
    SUBCASE("FIFO") {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        reason = "it is not a regular file";
    }
    SUBCASE("link") {
        const std::string target = world.tmp.write("target", std::string("10000 10 secret\n"));
        REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
        reason = "it is a link, or belongs neither to root nor to you nor to the process";
    }
    SUBCASE("owner") {
        world.tmp.write(map_name(pid), std::string("10000 10 theirs\n"));
        if (::chown(path.c_str(), 4242, 4242) != 0) {
            MESSAGE("not root: another owner's file cannot be made here");
            return;
        }
        reason = "it is a link, or belongs neither to root nor to you nor to the process";
    }
    SUBCASE("size") {
        world.tmp.write(map_name(pid), std::string("10000 10 f\n"));
        REQUIRE(::truncate(path.c_str(), PerfMap::max_size + 1) == 0);
        reason = "it is too large";
    }
    CHECK(world.name(pid, 5, 0x10000) == "[anon]");
    const Diagnostics problems = world.cache->diagnostics();
    CHECK(problems[Problem::jit_file_refused].count == 1);
    CHECK(problems[Problem::jit_file_refused].first_detail == path + ": " + reason);
    CHECK_FALSE(problems.input_damaged());
}

TEST_CASE("the owner of the recording is trusted, and any owner in --perf-map-dir") {
    World world;
    const std::string path = world.tmp.write(map_name(pid), std::string("10000 10 f\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    if (::chown(path.c_str(), 4242, 4242) != 0) {
        MESSAGE("not root: another owner's file cannot be made here");
        return;
    }
    SUBCASE("recording") { world.sources.recording_owner = 4242; }
    SUBCASE("directory") { world.sources.perf_map_directory = world.tmp.path(); }
    CHECK(world.name(pid, 5, 0x10000) == "f");
}

TEST_CASE("a process that still runs is found by its own root and its innermost pid") {
    World world;
    const std::int32_t own = ::getpid();
    const std::string path = "/tmp/" + map_name(own);
    if (std::filesystem::exists(path)) {
        MESSAGE("in the way: " << path);
        return;
    }
    std::ofstream(path) << "10000 10 f\n";
    world.map(own, 1, 0x10000, 0x1000, "//anon");
    SUBCASE("it was there when the recording ended") {
        CHECK(world.name(own, 5, 0x10000) == "f");
        CHECK(world.cache->info(world.frame(own, 5, 0x10000).module).file ==
              "/proc/" + std::to_string(own) + "/root" + path);
    }
    SUBCASE("its pid was another's then") {
        timespec now{};
        timespec up{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        ::clock_gettime(CLOCK_BOOTTIME, &up);
        const auto boot = static_cast<std::uint64_t>(now.tv_sec - up.tv_sec);
        world.sources.recorded_at_ns = (boot + 1) * 1'000'000'000;  // long before this process
        CHECK(world.name(own, 5, 0x10000) == "[anon]");
    }
    std::filesystem::remove(path);
}

TEST_CASE("lines that were skipped are counted by file") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 10 f\nx\ny\n"));
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10000) == "f");
    const Diagnostics problems = world.cache->diagnostics();
    CHECK(problems[Problem::jit_file_malformed].count == 2);
    CHECK(problems[Problem::jit_file_malformed].first_detail == world.tmp.path(map_name(pid)));
}

namespace {

// A process that JITs at 0x10000, and has told perf so by mapping its dump.
std::string write_dump(World& world, const JitDumpBuilder& file) {
    const std::string path = world.tmp.write("jit-4711.dump", file.bytes);
    world.map(pid, 1, 0x70000, 0x1000, path);
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    return path;
}

}  // namespace

TEST_CASE("a jitdump names code by address and time, before a perf map does") {
    World world;
    world.tmp.write(map_name(pid), std::string("10000 100 by the map\n"));
    JitDumpBuilder file;
    file.debug_info(90, 0x10000, {{0x10000, 12, "/src/a.js"}});
    const std::uint64_t first = file.load(100, 0x10000, 0x20, "first", 0);
    file.load(200, 0x10000, 0x20, "second", 1);
    const std::string path = write_dump(world, file);
    CHECK(world.name(pid, 50, 0x10008) == "by the map");
    CHECK(world.name(pid, 150, 0x10008) == "first");
    CHECK(world.name(pid, 250, 0x10008) == "second");
    CHECK(world.name(pid, 150, 0x10020) == "by the map");
    CHECK(world.name(pid, 120, 0x10008) == "first");  // back in time
    const Frame frame = world.frame(pid, 150, 0x10008);
    CHECK(frame.offset == first + 8);
    CHECK(world.cache->info(frame.module).state == ModuleState::generated);
    CHECK(world.cache->info(frame.module).path == path);
    const InlineChain chain = world.symbolizer->symbolize(frame);
    CHECK(chain.functions[0].file == "/src/a.js");
    CHECK(chain.functions[0].line == 12);
}

TEST_CASE("a forked child has the code that its parent had at the fork") {
    World world;
    JitDumpBuilder file;
    file.load(100, 0x10000, 0x20, "before", 0);
    file.load(300, 0x10000, 0x20, "after", 1);
    write_dump(world, file);
    world.fork(pid, child, 200);
    CHECK(world.name(pid, 400, 0x10008) == "after");
    CHECK(world.name(child, 250, 0x10008) == "before");
    CHECK(world.name(child, 400, 0x10008) == "before");
}

TEST_CASE("without CLOCK_MONOTONIC a jitdump is used without its times, and it is said") {
    World world;
    JitDumpBuilder file;
    file.load(100, 0x10000, 0x20, "first", 0);
    file.load(200, 0x10000, 0x20, "second", 1);
    const std::string path = write_dump(world, file);
    world.open(false);
    CHECK(world.name(pid, 1, 0x10008) == "second");
    CHECK(world.cache->diagnostics()[Problem::jitdump_clock].count == 1);
    CHECK(world.cache->diagnostics()[Problem::jitdump_clock].first_detail == path);
}

TEST_CASE("a jitdump that is missed or not fit is said") {
    World world;
    std::string reason;
    std::string path = world.tmp.path("jit-4711.dump");
    SUBCASE("missing") {
        world.map(pid, 1, 0x70000, 0x1000, path + " (deleted)");
        path += " (deleted)";
        reason = "not found";
    }
    SUBCASE("no jitdump") {
        world.tmp.write("jit-4711.dump", std::string("something else"));
        world.map(pid, 1, 0x70000, 0x1000, path);
        reason = "not a jitdump file";
    }
    SUBCASE("machine") {
        world.sources.arch = "x86_64";
        JitDumpBuilder::Header header;
        header.machine = 183;
        write_dump(world, JitDumpBuilder(header));
        reason = "it is for the machine number 183, the recording was made on x86_64";
    }
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 5, 0x10008) == "[anon]");
    const ProblemEntry entry = world.cache->diagnostics()[Problem::jit_file_refused];
    CHECK(entry.count == 1);
    CHECK(entry.first_detail == path + ": " + reason);
}

TEST_CASE("jitdumps are found in --perf-map-dir by their name") {
    World world;
    const TemporaryDirectory given;
    JitDumpBuilder file;
    file.load(100, 0x10000, 0x20, "given", 0);
    given.write("jit-7.dump", file.bytes);
    world.sources.hostname = "elsewhere";
    world.sources.perf_map_directory = given.path();
    world.map(pid, 1, 0x70000, 0x1000, "/nonexistent/.debug/jit/jit-7.dump");
    world.map(pid, 1, 0x10000, 0x1000, "//anon");
    CHECK(world.name(pid, 150, 0x10008) == "given");
}
