#include <doctest/doctest.h>

#include <string>

#include "folded_text.h"
#include "render/html_writer.h"
#include "support/json.h"

using namespace fgread;
using fgread::test::Json;

namespace {

std::string html(std::string_view text, const PictureOptions& options = {}) {
    return text_of(write_html, tree_of(text), options);
}

Json profile(const std::string& page) {
    const std::string begin = "id=\"profile\">";
    const std::size_t at = page.find(begin) + begin.size();
    return Json::parse(page.substr(at, page.find("</script>", at) - at));
}

}  // namespace

TEST_CASE("the page holds the frames, parents before children") {
    const Json data = profile(html("main;read 1\nmain;write 3\nmain 4\n"));
    CHECK(data["total"] == 8);
    CHECK(data["names"].text() == "[\"main\",\"read\",\"write\"]");
    CHECK(data["frames"].text() == "[-1,0,1,2]");
    CHECK(data["parents"].text() == "[0,0,1,1]");
    CHECK(data["values"].text() == "[8,8,1,3]");
    CHECK(data["selves"].text() == "[0,4,1,3]");
    CHECK(data["colors"].size() == 3);
    CHECK(data["functions"][0].text() == "[0,4,8]");
}

TEST_CASE("a function that calls itself counts once in the table") {
    const Json data = profile(html("f;g;f 3\n"));
    const Json rows = data["functions"];
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i][2] == 3);
}

TEST_CASE("no name leaves the data, whatever it is") {
    PictureOptions options;
    options.title = "</title><script>alert(1)</script>";
    const std::string page =
        html("</script><script>alert(1);<!--;\xe2\x80\xa8;\"\\;\xff 1\n", options);
    CHECK(page.find("alert(1)</script>") == std::string::npos);
    CHECK(page.find("<!--") == std::string::npos);
    CHECK(page.find("\xe2\x80\xa8") == std::string::npos);
    const Json data = profile(page);
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
    const Json data = profile(html("a;b 1 4\na;c 3 0\n"));
    CHECK(data["differential"] == true);
    CHECK(data["changes"].text() == "[0,0,3]");
    CHECK(data["fills"].size() == 3);
    CHECK(data["colors"].size() == 0);
    // What has vanished is in no picture, but in the table.
    bool vanished = false;
    for (std::size_t i = 0; i < data["functions"].size(); ++i) {
        const Json row = data["functions"][i];
        vanished |= data["names"][row[0].number()] == "c" && row[3] == -3;
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
    CHECK(profile(page)["parents"].size() == 0);
}
