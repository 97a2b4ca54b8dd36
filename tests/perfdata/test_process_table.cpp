#include "perfdata/process_table.h"

#include <doctest/doctest.h>

#include <string>

using namespace fgread;

namespace {

EventTime at(std::uint64_t time) { return {time, time}; }

// A table that is told things in few words.
struct World {
    ProcessTable table;

    World& map(std::uint64_t time, int pid, std::uint64_t start, const char* path) {
        MmapView view;
        view.pid.value = view.tid.value = pid;
        view.start.value = start;
        view.length = 0x1000;
        view.executable = true;
        view.path = path;
        view.mode = pid == -1 ? CpuMode::kernel : CpuMode::user;
        table.apply(at(time), view);
        return *this;
    }
    World& map_range(std::uint64_t time, int pid, std::uint64_t start, std::uint64_t end,
                     const char* path) {
        MmapView view;
        view.pid.value = view.tid.value = pid;
        view.start.value = start;
        view.length = end - start;
        view.executable = true;
        view.path = path;
        table.apply(at(time), view);
        return *this;
    }
    World& comm(std::uint64_t time, int pid, int tid, const char* name, bool exec = false) {
        CommView view;
        view.pid.value = pid;
        view.tid.value = tid;
        view.comm = name;
        view.from_exec = exec;
        table.apply(at(time), view);
        return *this;
    }
    World& fork(std::uint64_t time, int pid, int tid, int parent_pid, int parent_tid,
                bool synthesised = false) {
        TaskView view;
        view.pid.value = pid;
        view.tid.value = tid;
        view.parent_pid.value = parent_pid;
        view.parent_tid.value = parent_tid;
        view.synthesised = synthesised;
        table.apply_fork(at(time), view);
        return *this;
    }
    World& exit(std::uint64_t time, int pid, int tid) {
        TaskView view;
        view.pid.value = pid;
        view.tid.value = tid;
        table.apply_exit(at(time), view);
        return *this;
    }

    // The path mapped there, "" for nothing.
    std::string path(std::uint64_t time, int pid, std::uint64_t address) const {
        const ProcessAt process = table.process_at(Pid{pid}, at(time));
        const MappingId id = process.user->find(Avma{address}, at(time));
        if (!id) return "";
        return table.mappings().image(table.mappings().mapping(id).image).path;
    }
    std::string name(std::uint64_t time, int pid, int tid) const {
        return std::string(table.comm(table.comm_at(Pid{pid}, Tid{tid}, at(time))));
    }
    std::uint32_t process(std::uint64_t time, int pid) const {
        return table.process_at(Pid{pid}, at(time)).id.value;
    }
};

}  // namespace

TEST_CASE("a pid nobody announced is process 0, without mappings") {
    const World world;
    CHECK(world.process(5, 42) == 0);
    CHECK(world.path(5, 42, 0x1000).empty());
    CHECK(world.name(5, 42, 43) == ":43");
    CHECK(world.name(5, -1, -1) == ":-1");
    CHECK(world.table.pid_of(ProcessId{0}).value == -1);
}

TEST_CASE("a mapping announces its process, from the beginning") {
    World world;
    world.map(10, 42, 0x1000, "/bin/a");
    CHECK(world.process(0, 42) == world.process(99, 42));
    CHECK(world.process(0, 42) != 0);
    CHECK(world.path(9, 42, 0x1000).empty());
    CHECK(world.path(10, 42, 0x1800) == "/bin/a");
    CHECK(world.table.pid_of(ProcessId{world.process(0, 42)}).value == 42);
}

TEST_CASE("functions that the kernel makes at run time are mapped from then on") {
    ProcessTable table;
    KsymbolView view;
    view.start.value = 0xffffffffc0001000;
    view.length = 0x40;
    view.kind = 1;
    view.name = "bpf_prog_00_a";
    table.apply(at(10), view);
    const auto name = [&table](std::uint64_t time, std::uint64_t address) -> std::string {
        const MappingId id = table.kernel().find(Avma{address}, at(time));
        if (!id) return "";
        const Image& image = table.mappings().image(table.mappings().mapping(id).image);
        CHECK(image.is_function);
        CHECK(image.mode == CpuMode::kernel);
        return image.path;
    };
    CHECK(name(9, 0xffffffffc0001000).empty());
    CHECK(name(10, 0xffffffffc000103f) == "bpf_prog_00_a");
    CHECK(name(10, 0xffffffffc0001040).empty());
    view.unregistered = true;
    table.apply(at(20), view);
    CHECK(name(21, 0xffffffffc0001000) == "bpf_prog_00_a");
    view.unregistered = false;
    view.name = "bpf_prog_01_b";
    table.apply(at(30), view);
    CHECK(name(29, 0xffffffffc0001000) == "bpf_prog_00_a");
    CHECK(name(30, 0xffffffffc0001000) == "bpf_prog_01_b");
    view.name = "";
    CHECK_FALSE(table.digest(view));
    view.name = "x";
    view.length = 0;
    CHECK_FALSE(table.digest(view));
    view.length = 0xffffffff;
    view.start.value = ~std::uint64_t{0} - 1;
    CHECK(table.digest(view));
}

TEST_CASE("exec empties the address space, and past samples still see the old one") {
    World world;
    world.map(1, 7, 0x1000, "/bin/sh").comm(1, 7, 7, "sh");
    world.comm(10, 7, 7, "ls", true).map(11, 7, 0x1000, "/bin/ls");
    CHECK(world.path(5, 7, 0x1000) == "/bin/sh");
    CHECK(world.path(10, 7, 0x1000).empty());
    CHECK(world.path(11, 7, 0x1000) == "/bin/ls");
    CHECK(world.process(5, 7) != world.process(10, 7));
    CHECK(world.name(5, 7, 7) == "sh");
    CHECK(world.name(10, 7, 7) == "ls");
}

TEST_CASE("a thread that renames itself changes neither the process nor the others") {
    World world;
    world.comm(1, 7, 7, "main").fork(2, 7, 8, 7, 7).comm(3, 7, 8, "worker");
    CHECK(world.name(2, 7, 8) == "main");
    CHECK(world.name(3, 7, 8) == "worker");
    CHECK(world.name(3, 7, 7) == "main");
    CHECK(world.process(1, 7) == world.process(9, 7));
    world.comm(4, 7, 7, "renamed");
    CHECK(world.name(4, 7, 8) == "worker");
    CHECK(world.name(4, 7, 7) == "renamed");
}

TEST_CASE("a child process inherits mappings and name as they were at the fork") {
    World world;
    world.comm(1, 7, 7, "make").map(1, 7, 0x1000, "/bin/make");
    world.fork(5, 8, 8, 7, 7);
    world.map(6, 7, 0x2000, "/lib/late.so").comm(6, 7, 7, "other");
    CHECK(world.path(5, 8, 0x1000) == "/bin/make");
    CHECK(world.path(9, 8, 0x2000).empty());
    CHECK(world.path(9, 7, 0x2000) == "/lib/late.so");
    CHECK(world.name(9, 8, 8) == "make");
    CHECK(world.process(9, 8) != world.process(9, 7));
}

TEST_CASE("a child's mappings do not reach its parent") {
    World world;
    world.map(1, 7, 0x1000, "/a").fork(2, 8, 8, 7, 7).map(3, 8, 0x1000, "/b");
    CHECK(world.path(9, 7, 0x1000) == "/a");
    CHECK(world.path(9, 8, 0x1000) == "/b");
}

TEST_CASE("threads share their process's mappings") {
    World world;
    world.map(1, 7, 0x1000, "/a").fork(2, 7, 8, 7, 7).map(3, 7, 0x2000, "/b");
    CHECK(world.process(9, 7) == world.process(0, 7));
    CHECK(world.path(9, 7, 0x2000) == "/b");
}

TEST_CASE("a fork that perf made up inherits no mappings: they are listed one by one") {
    World world;
    world.map(0, 1, 0x1000, "/sbin/init").fork(0, 7, 7, 1, 1, true);
    CHECK(world.path(9, 7, 0x1000).empty());
}

TEST_CASE("a reused pid is another process") {
    World world;
    world.comm(1, 7, 7, "first").map(1, 7, 0x1000, "/first").exit(5, 7, 7);
    world.comm(1, 1, 1, "init").fork(10, 7, 7, 1, 1).map(11, 7, 0x1000, "/second");
    CHECK(world.process(4, 7) != world.process(12, 7));
    CHECK(world.path(4, 7, 0x1000) == "/first");
    CHECK(world.path(8, 7, 0x1000) == "/first");  // a late sample of the dead one
    CHECK(world.path(10, 7, 0x1000).empty());
    CHECK(world.path(12, 7, 0x1000) == "/second");
    CHECK(world.name(4, 7, 7) == "first");
    CHECK(world.name(10, 7, 7) == "init");
}

TEST_CASE("a reused tid does not keep the name of the thread before it") {
    World world;
    world.comm(1, 7, 8, "old").fork(5, 9, 8, 9, 9);
    CHECK(world.name(4, 7, 8) == "old");
    CHECK(world.name(5, 9, 8) == ":8");
    world.comm(6, 9, 9, "nine");
    CHECK(world.name(7, 9, 8) == "nine");  // nobody named it: its process's
}

TEST_CASE("samples before the first life of a pid resolve to that") {
    World world;
    world.map(1, 1, 0x1000, "/sbin/init").fork(10, 7, 7, 1, 1);
    CHECK(world.process(3, 7) == world.process(10, 7));
    CHECK(world.path(3, 7, 0x1000) == "/sbin/init");
}

TEST_CASE("the idle task is called swapper") {
    const World world;
    CHECK(world.name(5, 0, 0) == "swapper");
}

TEST_CASE("the kernel's mappings are in one space for all") {
    World world;
    world.map(0, -1, 0xffffffff81000000, "[kernel.kallsyms]_text");
    const MappingId id = world.table.kernel().find(Avma{0xffffffff81000010}, at(5));
    REQUIRE(id);
    const MappingTable& mappings = world.table.mappings();
    CHECK(mappings.image(mappings.mapping(id).image).mode == CpuMode::kernel);
    CHECK(world.process(5, -1) == 0);
}

TEST_CASE("the kernel's image goes on behind its recorded end, up to what else is mapped") {
    World world;
    const auto image_at = [&](std::uint64_t address) {
        const MappingTable& mappings = world.table.mappings();
        const MappingId id = world.table.kernel().find(Avma{address}, at(5));
        return id ? mappings.image(mappings.mapping(id).image).path : std::string();
    };
    world.map(0, -1, 0xffffffff82000000, "[early]");
    world.map(0, -1, 0xffffffff81000000, "[kernel.kallsyms]_text");
    CHECK(image_at(0xffffffff81ffffff) == "[kernel.kallsyms]_text");
    CHECK(image_at(0xffffffff82000000) == "[early]");
    CHECK(image_at(0xffffffff80ffffff).empty());
    world.map(0, -1, 0xffffffff81800000, "[later]");
    CHECK(image_at(0xffffffff817fffff) == "[kernel.kallsyms]_text");
    CHECK(image_at(0xffffffff81800000) == "[later]");

    World alone;
    alone.map(0, -1, 0xffffffff81000000, "[kernel.kallsyms]_text");
    CHECK(alone.table.kernel().find(Avma{0xffffffff84000000}, at(5)));
    CHECK_FALSE(alone.table.kernel().find(Avma{0xffffffff86000000}, at(5)));
}

TEST_CASE("a kernel mapping as long as the address space is cut at its end") {
    World world;
    MmapView view;
    view.executable = true;
    view.mode = CpuMode::kernel;
    view.start.value = 0xffffffff81000000;
    view.length = ~0ULL;
    view.path = "[kernel.kallsyms]_text";
    world.table.apply(at(1), view);
    CHECK(world.table.kernel().find(Avma{0xffffffffffff0000}, at(1)));
    CHECK_FALSE(world.table.kernel().find(Avma{0x1000}, at(1)));
}

TEST_CASE("data mappings, empty ones and guests' are ignored") {
    ProcessTable table;
    MmapView view;
    view.pid.value = 7;
    view.start.value = 0x1000;
    view.length = 0x1000;
    view.executable = false;
    CHECK_FALSE(table.digest(view).has_value());
    view.executable = true;
    view.length = 0;
    CHECK_FALSE(table.digest(view).has_value());
    view.length = 0x1000;
    view.mode = CpuMode::guest_user;
    CHECK_FALSE(table.digest(view).has_value());
    CHECK(table.mappings().mapping_count() == 0);
    view.mode = CpuMode::user;
    CHECK(table.digest(view).has_value());
}

TEST_CASE("an event with an earlier time counts as happening now") {
    World world;
    world.comm(10, 7, 7, "ten").comm(5, 7, 7, "late");
    CHECK(world.name(9, 7, 7) == ":7");
    CHECK(world.name(10, 7, 7) == "late");
}

TEST_CASE("a long line of forks is no slower to look up at its end") {
    World world;
    world.map(0, 1, 0x1000, "/bin/first");
    for (int pid = 2; pid < 20'000; ++pid) {
        world.fork(static_cast<std::uint64_t>(pid), pid, pid, pid - 1, pid - 1);
    }
    CHECK(world.path(30'000, 19'999, 0x1000) == "/bin/first");
    CHECK(world.table.process_count() == 20'000);
}

TEST_CASE("text that a program remapped onto huge pages is still its file's") {
    World world;
    world.map_range(1, 7, 0x401000, 0x1a00000, "/usr/bin/node");
    SUBCASE("anonymous memory of whole huge pages") {
        world.map_range(2, 7, 0x600000, 0x1800000, "//anon");
        CHECK(world.path(3, 7, 0x700000) == "/usr/bin/node");
    }
    SUBCASE("explicit huge pages") {
        world.map_range(2, 7, 0x600000, 0x1800000, "/anon_hugepage (deleted)");
        CHECK(world.path(3, 7, 0x700000) == "/usr/bin/node");
    }
    SUBCASE("not of whole huge pages: something else lies there now") {
        world.map_range(2, 7, 0x601000, 0x1800000, "//anon");
        CHECK(world.path(3, 7, 0x700000) == "//anon");
        CHECK(world.path(3, 7, 0x500000) == "/usr/bin/node");
    }
    SUBCASE("reaching beyond the file's mapping") {
        world.map_range(2, 7, 0x600000, 0x1c00000, "//anon");
        CHECK(world.path(3, 7, 0x700000) == "//anon");
    }
    SUBCASE("over memory that was no file's") {
        world.map_range(2, 7, 0x10000000, 0x20000000, "/memfd:code (deleted)");
        world.map_range(3, 7, 0x10000000, 0x10200000, "//anon");
        CHECK(world.path(4, 7, 0x10000000) == "//anon");
    }
}

TEST_CASE("where a process came from is known until it calls exec") {
    World world;
    world.map(1, 7, 0x1000, "/bin/a").fork(10, 8, 8, 7, 7);
    const ProcessId parent = world.table.process_at({7}, at(5)).id;
    const ProcessId child = world.table.process_at({8}, at(15)).id;
    CHECK(world.table.ancestry(parent).parent == ProcessId{});
    CHECK(world.table.ancestry(child).parent == parent);
    CHECK(world.table.ancestry(child).forked_at == at(10));
    CHECK(&world.table.space_of(child) == world.table.process_at({8}, at(15)).user);
    CHECK(world.table.space_of(child).owner() == child);
    CHECK(world.table.kernel().owner() == ProcessId{});
    world.comm(20, 8, 8, "new", true);
    CHECK(world.table.ancestry(world.table.process_at({8}, at(25)).id).parent == ProcessId{});
}

TEST_CASE("the jitdumps that a process mapped are known, each once") {
    World world;
    world.map(1, 7, 0x1000, "/home/me/.debug/jit/jit-7.dump").map(2, 7, 0x9000, "/tmp/other.dump");
    world.map(3, 7, 0x5000, "/home/me/.debug/jit/jit-7.dump").map(4, 7, 0xa000, "/tmp/jit-x/y");
    const ProcessId id = world.table.process_at({7}, at(5)).id;
    REQUIRE(world.table.jitdumps(id).size() == 1);
    CHECK(world.table.mappings().image(world.table.jitdumps(id)[0]).path ==
          "/home/me/.debug/jit/jit-7.dump");
    world.fork(10, 8, 8, 7, 7);
    CHECK(world.table.jitdumps(world.table.process_at({8}, at(15)).id).empty());
}

TEST_CASE("the vdso of a 32-bit task is called as in the table of build-ids") {
    World world;
    BuildId wide, narrow;
    wide.bytes.push_back(64);
    narrow.bytes.push_back(32);
    world.table.mappings().set_build_id("[vdso]", wide, CpuMode::user);
    world.table.mappings().set_build_id("[vdso32]", narrow, CpuMode::user);
    world.map(1, 7, 0xf7f0'0000, "[vdso]").map(1, 8, 0x7fff'f7fc'1000, "[vdso]");
    const auto image = [&](int pid, std::uint64_t address) {
        const AddressSpace& space = *world.table.process_at({pid}, at(5)).user;
        const MappingTable& mappings = world.table.mappings();
        return mappings.image(mappings.mapping(space.find(Avma{address}, at(5))).image);
    };
    CHECK(image(7, 0xf7f0'0010).path == "[vdso32]");
    CHECK(image(7, 0xf7f0'0010).build_id == narrow);
    CHECK(image(8, 0x7fff'f7fc'1010).build_id == wide);
}
