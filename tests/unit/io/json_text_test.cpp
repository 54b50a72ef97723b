#include "io/json_text.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace factorps {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonText, IsReadAsDeepAsAnyoneWrites) {
  EXPECT_EQ(parse_json(R"({"a": [1, {"b": null}]})").at("a").size(), 2U);
  EXPECT_FALSE(parse_json(nested(64)).is_discarded());
  EXPECT_TRUE(parse_json("{").is_discarded());
}

TEST(JsonText, IsRefusedWhereCopyingItWouldEndTheProcess) {
  EXPECT_TRUE(parse_json(nested(66)).is_discarded());
  EXPECT_TRUE(parse_ordered_json(nested(1 << 20)).is_discarded());
  EXPECT_TRUE(parse_json(R"({"state": )" + nested(1 << 20) + '}').is_discarded());
}

TEST(JsonText, ObjectsKeepTheirOrderIfWanted) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": 2})").dump(), R"({"b":1,"a":2})");
}

TEST(JsonText, WholeNumbersAreWhole) {
  const auto json = parse_json(R"({"n": 7, "big": 18446744073709551615, "float": 7.0,
                                   "huge": 1e300, "minus": -1, "text": "7"})");
  EXPECT_EQ(natural_at(json, "n"), 7U);
  EXPECT_EQ(natural_at(json, "big"), ~std::uint64_t{0});
  EXPECT_EQ(natural_at<int>(json, "n"), 7);
  for (const char* key : {"float", "huge", "minus", "text"})
    EXPECT_THROW(static_cast<void>(natural_at(json, key)), DataError) << key;
  EXPECT_THROW(static_cast<void>(natural_at<std::uint32_t>(json, "big")), DataError);
}

}  // namespace
}  // namespace factorps
