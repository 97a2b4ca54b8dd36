// What a JSON text holds, for tests:
//
//      const Json json = Json::parse(stats_json(stats));
//      CHECK(json["events"][1]["folded"] == false);
//
// nlohmann's header takes three seconds in each file that includes it: json.cpp is the only one.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <utility>

namespace fgread::test {

class Json {
public:
    // Throws if it is none, as the functions below do for what is not there.
    static Json parse(const std::string& text);

    Json operator[](const std::string& key) const;
    Json operator[](std::size_t index) const;
    Json operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool contains(const std::string& key) const;
    [[nodiscard]] std::size_t number() const;
    [[nodiscard]] std::string string() const;
    // As JSON, without blanks: "[0,4,8]".
    [[nodiscard]] const std::string& text() const { return text_; }

    bool operator==(int value) const { return text_ == std::to_string(value); }
    bool operator==(std::size_t value) const { return text_ == std::to_string(value); }
    bool operator==(bool value) const { return text_ == (value ? "true" : "false"); }
    bool operator==(const char* value) const { return string() == value; }
    bool operator==(const std::string& value) const { return string() == value; }

private:
    explicit Json(std::string text) : text_(std::move(text)) {}

    std::string text_;
};

std::ostream& operator<<(std::ostream& out, const Json& json);

}  // namespace fgread::test
