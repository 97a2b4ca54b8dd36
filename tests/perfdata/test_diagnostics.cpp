#include "perfdata/diagnostics.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace fgread;

TEST_CASE("only the first case of a problem is remembered, all are counted") {
    Diagnostics diagnostics;
    diagnostics.add(Problem::module_missing, 10, "first");
    diagnostics.add(Problem::module_missing, 5, "second");
    CHECK(diagnostics[Problem::module_missing].count == 2);
    CHECK(diagnostics[Problem::module_missing].first_offset == 10);
    CHECK(diagnostics[Problem::module_missing].first_detail == "first");
    CHECK(diagnostics[Problem::cfi_malformed].count == 0);
}

TEST_CASE("merging gives the same in any order") {
    Diagnostics a;
    Diagnostics b;
    a.add(Problem::sample_malformed, 100, "a");
    b.add(Problem::sample_malformed, 50, "b");
    b.add(Problem::symbol_malformed, 0, "y");
    a.add(Problem::symbol_malformed, 0, "x");
    Diagnostics ab = a;
    ab.merge(b);
    Diagnostics ba = b;
    ba.merge(a);
    for (const Diagnostics* merged : {&ab, &ba}) {
        CHECK((*merged)[Problem::sample_malformed].count == 2);
        CHECK((*merged)[Problem::sample_malformed].first_offset == 50);
        CHECK((*merged)[Problem::sample_malformed].first_detail == "b");
        CHECK((*merged)[Problem::symbol_malformed].first_detail == "x");
    }
}

TEST_CASE("merging nothing changes nothing") {
    Diagnostics a;
    a.add(Problem::late_record, 9, "a");
    a.merge({});
    CHECK(a[Problem::late_record].count == 1);
    CHECK(a[Problem::late_record].first_offset == 9);
}

TEST_CASE("lost data is damage, a missing binary is not") {
    Diagnostics diagnostics;
    CHECK_FALSE(diagnostics.input_damaged());
    diagnostics.add(Problem::module_missing);
    diagnostics.add(Problem::record_unknown_type);
    CHECK_FALSE(diagnostics.input_damaged());
    diagnostics.add(Problem::file_truncated);
    CHECK(diagnostics.input_damaged());
}

TEST_CASE("each problem has a key of its own and words") {
    std::set<std::string> keys;
    for (std::size_t i = 0; i < problem_count; ++i) {
        const auto problem = static_cast<Problem>(i);
        keys.insert(std::string(problem_key(problem)));
        CHECK_FALSE(problem_text(problem).empty());
    }
    CHECK(keys.size() == problem_count);
}
