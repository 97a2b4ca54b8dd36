#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "render/text_sink.h"

using namespace fgread;

namespace {

constexpr std::size_t large = 64 * 1024;

}  // namespace

TEST_CASE("text is handed over in large pieces, and the rest at the end") {
    std::vector<std::size_t> sizes;
    const TextSink sink = [&](std::string_view text) {
        sizes.push_back(text.size());
        return true;
    };
    PendingText out(sink);
    out.text.assign(large - 1, 'x');
    CHECK(out.flush_if_large());
    CHECK(sizes.empty());
    out.text += "xy";
    CHECK(out.flush_if_large());
    CHECK(out.text.empty());
    out.text = "end";
    CHECK(out.flush());
    CHECK(sizes == std::vector<std::size_t>{large + 1, 3});
    CHECK(out.flush());
    CHECK(sizes.size() == 2);  // nothing is no piece
}

TEST_CASE("a sink that wants no more is asked no more") {
    int asked = 0;
    const TextSink sink = [&](std::string_view) {
        ++asked;
        return false;
    };
    PendingText out(sink);
    out.text = "some";
    CHECK_FALSE(out.flush());
    out.text = "more";
    CHECK_FALSE(out.flush_if_large());
    CHECK_FALSE(out.flush());
    CHECK(asked == 1);
}
