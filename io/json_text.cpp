#include "io/json_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace factorps {
namespace {

struct TooDeep {};

template <class Json>
Json parse(std::string_view text) {
  const auto watch = [](int depth, typename Json::parse_event_t /*event*/, Json& /*value*/) {
    if (depth > kMostJsonDepth) throw TooDeep{};
    return true;
  };
  try {
    return Json::parse(text, watch, false);
  } catch (const TooDeep&) {
    return Json(Json::value_t::discarded);
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text) { return parse<nlohmann::json>(text); }

nlohmann::ordered_json parse_ordered_json(std::string_view text) {
  return parse<nlohmann::ordered_json>(text);
}

std::uint64_t natural_at(const nlohmann::json& object, const char* key, std::uint64_t most) {
  const nlohmann::json& value = object.at(key);
  if (value.is_number_unsigned() && value <= most) return value.get<std::uint64_t>();
  throw DataError{fmt::format(
      "\"{}\" is {}, expected a whole number from 0 to {}", key,
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 60), most)};
}

}  // namespace factorps
