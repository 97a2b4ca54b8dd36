#include <doctest/doctest.h>

#include "collapse/repeated_commands.h"

using namespace fgread;

namespace {

using Words = std::vector<std::string>;

RepeatedCommands recorded(Words words) {
    words.insert(words.begin(), {"/usr/bin/perf", "record"});
    return {{"fgread"}, std::move(words)};
}

std::string larger_dump(Words words) {
    return recorded(std::move(words)).record_with("--call-graph", "dwarf,16384");
}

}  // namespace

TEST_CASE("the recorded command comes again with another call graph instead of its own") {
    const std::string wanted =
        "perf record -F 999 -o 'my data' --call-graph dwarf,16384 -- ./prog 'a b' -g";
    for (const Words& own :
         {Words{"-g"}, Words{"--call-graph", "dwarf"}, Words{"--call-graph=dwarf,8192"}, Words{}}) {
        Words words = {"-F", "999"};
        words.insert(words.end(), own.begin(), own.end());
        for (const char* word : {"-o", "my data", "--", "./prog", "a b", "-g"}) {
            words.emplace_back(word);
        }
        CHECK(larger_dump(words) == wanted);
    }
}

TEST_CASE("the program begins at the first word that is no option or its value") {
    CHECK(larger_dump({"-F", "99", "./prog", "--", "-g", "-m"}) ==
          "perf record -F 99 --call-graph dwarf,16384 -- ./prog -- -g -m");
    CHECK(larger_dump({"--event", "cpu-clock", "--switch-events", "-z", "-F99", "./prog"}) ==
          "perf record --event cpu-clock --switch-events -z -F99 --call-graph dwarf,16384 -- "
          "./prog");
    CHECK(larger_dump({"--compression-level=3", "-I", "ls"}) ==
          "perf record --compression-level=3 -I --call-graph dwarf,16384 -- ls");
}

TEST_CASE("options that share a word are taken apart") {
    CHECK(larger_dump({"-agF", "999"}) == "perf record -a -F 999 --call-graph dwarf,16384");
    CHECK(larger_dump({"-gaF999", "-p", "12"}) ==
          "perf record -a -F999 -p 12 --call-graph dwarf,16384");
}

TEST_CASE("what is not understood is not guessed at: the option, and COMMAND for the program") {
    const std::string general = "perf record --call-graph dwarf,16384 -- COMMAND";
    CHECK(RepeatedCommands{}.record_with("--call-graph", "dwarf,16384") == general);
    for (const Words& words :
         {Words{"--no-such", "x"}, Words{"--fre", "99", "ls"}, Words{"-Q", "ls"}, Words{"-F"},
          Words{"-e", "cycles/call-graph=dwarf/", "ls"}, Words{"-e", "cycles/stack-size=4096/"}}) {
        CHECK(larger_dump(words) == general);
    }
    for (const Words& words : {Words{"/usr/bin/perf", "sched", "record"}, Words{"perf"},
                               Words{"simpleperf", "record", "ls"}}) {
        CHECK(RepeatedCommands{{}, words}.record_with("--call-graph", "dwarf,16384") == general);
    }
}

TEST_CASE("a recording that went through a pipe is piped again") {
    CHECK(larger_dump({"-o", "-", "ls"}) ==
          "perf record -o - --call-graph dwarf,16384 -- ls | fgread -");
    CHECK(larger_dump({"--output=-", "ls"}).ends_with(" | fgread -"));
}

TEST_CASE("larger buffers and another frequency take the place of the recorded ones") {
    const RepeatedCommands commands = recorded({"--mmap-pages=128", "-F", "999", "-g", "ls"});
    CHECK(commands.record_with("-m", "64M") == "perf record -F 999 -g -m 64M -- ls");
    CHECK(commands.recorded_value("-m") == "128");
    CHECK(commands.recorded_value("-F") == "999");
    CHECK(commands.recorded_value("-o").empty());
    CHECK(RepeatedCommands{}.recorded_value("-F").empty());
    CHECK(commands.record_with("-F", "499") == "perf record --mmap-pages=128 -g -F 499 -- ls");
}

TEST_CASE("a runtime is told to say what code it makes, other programs are left alone") {
    using enum RepeatedCommands::JitFile;
    CHECK(recorded({"-g", "--", "/usr/bin/node", "x.js"}).record_jit(perf_map) ==
          "perf record -g -- /usr/bin/node --perf-basic-prof x.js");
    CHECK(recorded({"-g", "--", "node", "x.js"}).record_jit(jitdump) ==
          "perf record -g -k mono -- node --perf-prof x.js");
    CHECK(recorded({"-k", "raw", "--", "node", "x.js"}).record_jit(jitdump) ==
          "perf record -k mono -- node --perf-prof x.js");
    CHECK(recorded({"--", "python3.12", "x.py"}).record_jit(perf_map) ==
          "perf record -- python3.12 -X perf x.py");
    CHECK(recorded({"--", "java", "-jar", "x.jar"}).record_jit(perf_map) ==
          "perf record -- java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit -jar x.jar");
    CHECK(recorded({"--", "python3", "x.py"}).record_jit(jitdump).empty());
    CHECK(recorded({"--", "./prog"}).record_jit(perf_map).empty());
    CHECK(recorded({"-p", "12"}).record_jit(perf_map).empty());
    CHECK(RepeatedCommands{}.record_jit(perf_map).empty());
}

TEST_CASE("the user's own command comes again with an option more") {
    const RepeatedCommands commands{{"./fgread", "--report", "my data", "--symfs", "/old"}, {}};
    CHECK(commands.fold_again() == "./fgread --report 'my data' --symfs /old");
    CHECK(commands.fold_with("--trust-frame-pointers", "") ==
          "./fgread --report 'my data' --symfs /old --trust-frame-pointers");
    CHECK(commands.fold_with("--debug-dir", "DIR") ==
          "./fgread --report 'my data' --symfs /old --debug-dir=DIR");
    CHECK(commands.fold_with("--symfs", "DIR") == "./fgread --report 'my data' --symfs=DIR");
    CHECK(RepeatedCommands{{"fgread", "--kallsyms=/old", "x"}, {}}.fold_with(
              "--kallsyms", "FILE") == "fgread x --kallsyms=FILE");
    CHECK(commands.fold_has("--symfs"));
    CHECK_FALSE(commands.fold_has("--sym"));
    CHECK(RepeatedCommands{{"fgread", "--debuginfod=x"}, {}}.fold_has("--debuginfod"));
}
