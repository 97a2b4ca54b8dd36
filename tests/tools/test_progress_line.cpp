#include <doctest/doctest.h>

#include "tools/progress_line.h"

using namespace fgread;
using fgread::tools::progress_text;
using std::chrono::seconds;

TEST_CASE("progress: bytes, speed and time left, by what was done since the first was seen") {
    const Progress first{ProgressStage::reading, 100'000'000, 1'000'000'000, 10'000};
    const Progress now{ProgressStage::reading, 400'000'000, 1'000'000'000, 70'000};
    CHECK(progress_text(now, first, seconds(3)) == "400 of 1000 MB, 20 k samples/s, 6 s left");
    Progress slower = now;
    slower.samples = 10'300;
    CHECK(progress_text(slower, first, seconds(300)) == "400 of 1000 MB, 1 samples/s, 10 min left");
    Progress faster = now;
    faster.samples = 10'010'000;
    CHECK(progress_text(faster, first, seconds(3)) == "400 of 1000 MB, 3.3 M samples/s, 6 s left");
}

TEST_CASE("progress: no speed before there is one, no time left where the size is not known") {
    const Progress first{ProgressStage::reading, 50'000'000, 0, 7};
    CHECK(progress_text(first, first, seconds(0)) == "50 MB");
    CHECK(progress_text(first, first, seconds(1)) == "50 MB");
    const Progress now{ProgressStage::reading, 70'000'000, 0, 5007};
    CHECK(progress_text(now, first, seconds(1)) == "70 MB, 5000 samples/s");
    // More than the file had at first: it grows, or a part is read twice.
    const Progress beyond{ProgressStage::reading, 70'000'000, 60'000'000, 5007};
    CHECK(progress_text(beyond, first, seconds(1)) == "70 of 60 MB, 5000 samples/s");
}

TEST_CASE("progress: names are counted in frames") {
    const Progress first{ProgressStage::naming, 256, 10'000, 0};
    const Progress now{ProgressStage::naming, 5'256, 10'000, 0};
    CHECK(progress_text(now, first, seconds(1)) == "naming 5256 of 10000 frames, 1 s left");
}
