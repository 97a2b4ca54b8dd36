#include "support/json.h"

#include <nlohmann/json.hpp>
#include <ostream>

namespace fgread::test {

namespace {

nlohmann::json value_of(const Json& json) { return nlohmann::json::parse(json.text()); }

}  // namespace

Json Json::parse(const std::string& text) { return Json(nlohmann::json::parse(text).dump()); }

Json Json::operator[](const std::string& key) const { return Json(value_of(*this).at(key).dump()); }

Json Json::operator[](std::size_t index) const { return Json(value_of(*this).at(index).dump()); }

std::size_t Json::size() const { return value_of(*this).size(); }

bool Json::contains(const std::string& key) const { return value_of(*this).contains(key); }

std::size_t Json::number() const { return value_of(*this).get<std::size_t>(); }

std::string Json::string() const { return value_of(*this).get<std::string>(); }

std::ostream& operator<<(std::ostream& out, const Json& json) { return out << json.text(); }

}  // namespace fgread::test
