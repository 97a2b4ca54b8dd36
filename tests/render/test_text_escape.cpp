#include <doctest/doctest.h>

#include <string>

#include "render/text_escape.h"

using namespace fgread;

namespace {

std::string xml(std::string_view text) {
    std::string escaped;
    append_xml(escaped, text);
    return escaped;
}

std::string json(std::string_view text) {
    std::string escaped;
    append_json(escaped, text);
    return escaped;
}

constexpr const char* replacement = "\xef\xbf\xbd";

}  // namespace

TEST_CASE("control bytes become visible") {
    CHECK(printable("a\x1b[31m\n\tb\x7f") == "a\\x1b[31m\\x0a\\x09b\\x7f");
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("valid UTF-8 stays, and what is none is replaced byte by byte") {
    for (const char* good : {"naïve", "日本", "🔥", "\xf4\x8f\xbf\xbd"})
        CHECK(printable(good) == good);
    CHECK(printable("a\xff"
                    "b") == std::string("a") + replacement + "b");
    CHECK(printable("\xc3") == replacement);  // cut
    CHECK(printable("\xe2\x82") == std::string(replacement) + replacement);
    CHECK(printable("\xc0\xaf") == std::string(replacement) + replacement);      // overlong '/'
    CHECK(printable("\xed\xa0\x80").find('\xed') == std::string::npos);          // surrogate
    CHECK(printable("\xef\xbf\xbe").find("\xef\xbf\xbe") == std::string::npos);  // U+FFFE
    CHECK(printable("\xf4\x90\x80\x80").find('\xf4') == std::string::npos);      // beyond U+10FFFF
    CHECK(printable("\xc2\x85").find('\xc2') == std::string::npos);              // NEL
}

TEST_CASE("long names end with dots, at the end of a character") {
    CHECK(printable("abcdef", 3) == "abc…");
    CHECK(printable("abc", 3) == "abc");
    CHECK(printable("äöü", 3) == "äö…");
}

TEST_CASE("nothing ends an XML text or attribute") {
    CHECK(xml("a<b>&\"c\"'") == "a&lt;b&gt;&amp;&quot;c&quot;&#39;");
    CHECK(xml("]]>") == "]]&gt;");
}

TEST_CASE("nothing in JSON ends a script") {
    CHECK(json("</script><!--") == "\"\\u003c/script\\u003e\\u003c!--\"");
    CHECK(json("\"\\") == "\"\\\"\\\\\"");
    CHECK(json("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa") == "\"\\u2028\\u2029\xe2\x80\xaa\"");
    CHECK(json("a&b'") == "\"a\\u0026b\\u0027\"");
}

TEST_CASE("characters are counted and cut, not bytes") {
    CHECK(character_count("aé🔥") == 3);
    CHECK(first_characters("aé🔥x", 2) == "aé");
    CHECK(first_characters("aé", 9) == "aé");
    CHECK(first_characters("aé", 0).empty());
}
