#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "folded_text.h"
#include "render/html_writer.h"

using namespace fgread;

namespace {

std::string html(std::string_view text, const PictureOptions& options = {}) {
    return text_of(write_html, tree_of(text), options);
}

nlohmann::json profile(const std::string& page) {
    const std::string begin = "id=\"profile\">";
    const std::size_t at = page.find(begin) + begin.size();
    return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

}  // namespace

TEST_CASE("the page holds the frames, parents before children") {
    const nlohmann::json data = profile(html("main;read 1\nmain;write 3\nmain 4\n"));
    CHECK(data["total"] == 8);
    CHECK(data["names"] == nlohmann::json({"main", "read", "write"}));
    CHECK(data["frames"] == nlohmann::json({-1, 0, 1, 2}));
    CHECK(data["parents"] == nlohmann::json({0, 0, 1, 1}));
    CHECK(data["values"] == nlohmann::json({8, 8, 1, 3}));
    CHECK(data["selves"] == nlohmann::json({0, 4, 1, 3}));
    CHECK(data["colors"].size() == 3);
    CHECK(data["functions"][0] == nlohmann::json({0, 4, 8}));
}

TEST_CASE("a function that calls itself counts once in the table") {
    const nlohmann::json data = profile(html("f;g;f 3\n"));
    for (const auto& row : data["functions"]) CHECK(row[2] == 3);
}

TEST_CASE("no name leaves the data, whatever it is") {
    PictureOptions options;
    options.title = "</title><script>alert(1)</script>";
    const std::string page =
        html("</script><script>alert(1);<!--;\xe2\x80\xa8;\"\\;\xff 1\n", options);
    CHECK(page.find("alert(1)</script>") == std::string::npos);
    CHECK(page.find("<!--") == std::string::npos);
    CHECK(page.find("\xe2\x80\xa8") == std::string::npos);
    const nlohmann::json data = profile(page);
    CHECK(data["names"][0] == "</script><script>alert(1)");
    CHECK(data["names"][3] == "\"\\");
    CHECK(data["title"] == options.title);
}

TEST_CASE("the page asks for nothing from elsewhere") {
    const std::string page = html("a 1\n");
    for (const char* asking : {"src=", "<link", "@import", "fetch(", "XMLHttpRequest"}) {
        CAPTURE(asking);
        CHECK(page.find(asking) == std::string::npos);
    }
}

TEST_CASE("a comparison brings its changes") {
    const nlohmann::json data = profile(html("a;b 1 4\na;c 3 0\n"));
    CHECK(data["differential"] == true);
    CHECK(data["changes"] == nlohmann::json({0, 0, 3}));
    CHECK(data["fills"].size() == 3);
    CHECK(data["colors"].empty());
    // What has vanished is in no picture, but in the table.
    bool vanished = false;
    for (const auto& row : data["functions"]) {
        vanished |= data["names"][row[0].get<std::size_t>()] == "c" && row[3] == -3;
    }
    CHECK(vanished);
}

TEST_CASE("an empty profile is a page, too") {
    std::string page;
    const Picture picture = write_html(FrameTree(), {}, [&](std::string_view piece) {
        page += piece;
        return true;
    });
    CHECK(picture.empty);
    CHECK(profile(page)["parents"].empty());
}
