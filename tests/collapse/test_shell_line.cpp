#include <doctest/doctest.h>

#include "collapse/shell_line.h"

using namespace fgread;

TEST_CASE("words that mean nothing to a shell stay as they are, all others are quoted") {
    for (const char* plain : {"perf", "-F", "dwarf,16384", "cpu-clock:u", "/usr/bin/a_b.c-1.2",
                              "name=value", "user@host", "50%", "--debuginfod=https://x.org"}) {
        CHECK(shell_word(plain) == plain);
    }
    CHECK(shell_word("") == "''");
    CHECK(shell_word("a b") == "'a b'");
    CHECK(shell_word("it's") == "'it'\\''s'");
    for (const char* special : {"$HOME", "`id`", "a;b", "a&b", "a|b", "*.c", "a\\b", "~", "!1",
                                "#x", "(x)", "{a,b}", "<in", ">out", "a\"b", "[ab]", "a?"}) {
        CHECK(shell_word(special) == "'" + std::string(special) + "'");
    }
}

TEST_CASE("control bytes reach neither the terminal nor a second line") {
    CHECK(shell_word("a\nb") == "$'a\\x0ab'");
    CHECK(shell_word("\x1b[31mit's\\") == "$'\\x1b[31mit\\'s\\\\'");
    CHECK(shell_word("\x7f") == "$'\\x7f'");
}

TEST_CASE("a line has its words with blanks between") {
    CHECK(shell_line({"perf", "record", "--", "sh", "-c", "echo $1; ls"}) ==
          "perf record -- sh -c 'echo $1; ls'");
    CHECK(shell_line({}).empty());
}
