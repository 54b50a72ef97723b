#include "io/prepare/hash_ids.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/io/prepare/prepare_fixture.hpp"

namespace factorps {
namespace {

using test::contents_of;

/// Ids that would be seen in a file.
class PrepareHashed : public test::Prepare {
 protected:
  PrepareHashed() {
    std::string rows;
    for (int n = 0; n < 200; ++n)
      rows += fmt::format("customer{},article{},{}\n", n * 7 % 23, n * 11 % 17, n % 5 + 1);
    config_.data.source = {directory_.write("ratings", rows)};
    config_.data.id_key_file = directory_.write("key", "0123456789abcdef");
    std::filesystem::permissions(config_.data.id_key_file, std::filesystem::perms::owner_read);
  }
  [[nodiscard]] bool file_holds(const std::string& text) const {
    return test::read_text(config_.data.dataset).find(text) != std::string::npos;
  }
};

TEST_F(PrepareHashed, NoIdOfAUserIsInTheFile) {
  const Dataset data = run();
  EXPECT_FALSE(file_holds("customer"));
  EXPECT_TRUE(file_holds("article"));
  EXPECT_EQ(form_of(data.user_ids()).kind, IdKind::hashed);
  EXPECT_EQ(form_of(data.item_ids()).kind, IdKind::raw);
}

TEST_F(PrepareHashed, NorOfAnItemIfWanted) {
  config_.data.hash_item_ids = true;
  EXPECT_EQ(form_of(run().item_ids()).kind, IdKind::hashed);
  EXPECT_FALSE(file_holds("article"));
  EXPECT_FALSE(file_holds("0123456789abcdef"));  // nor the key
}

TEST_F(PrepareHashed, EveryInteractionIsStillThatOfItsUser) {
  config_.split.method = "none";
  const auto hashed = contents_of(run()).at(Part::train);
  const IdKey key = IdKey::read(config_.data.id_key_file);
  config_.data.id_key_file.clear();
  std::map<std::pair<std::string, std::string>, float> expected;
  const auto raw = contents_of(run()).at(Part::train);
  for (const auto& [pair, value] : raw)
    expected[{key.hash(IdSide::user, pair.first), pair.second}] = value;
  EXPECT_EQ(hashed, expected);
}

TEST_F(PrepareHashed, BadRowsAreCountedAndNotQuoted) {
  const auto bad = directory_.write("bad", "customer1,article1,3\ncustomer1,article2,good\n");
  config_.data.source.push_back(bad);
  config_.clean.strict = false;
  config_.clean.max_bad_rows = 5;
  const auto summary = nlohmann::json::parse(run().summary());
  EXPECT_EQ(summary.at("bad_rows").at("count"), 1);
  EXPECT_TRUE(summary.at("bad_rows").at("first").empty());
}

TEST_F(PrepareHashed, AttributesFindTheirUsers) {
  config_.attributes.users.source = {
      directory_.write("users", "id,age\ncustomer0,30\ncustomer1,40\nstranger,50\n")};
  config_.attributes.users.numbers = {"age"};
  const Dataset data = run();
  const auto age = data.user_attribute("age");
  ASSERT_TRUE(age);
  EXPECT_EQ(age->known_rows(), 2U);
  const IdFinder users{data.user_ids(), IdKey::read(config_.data.id_key_file), IdSide::user};
  EXPECT_EQ(age->numbers[users.find("customer1").value()], 40.0F);
  EXPECT_FALSE(file_holds("customer"));
}

TEST_F(PrepareHashed, TheFileDoesNotDependOnTheRanks) {
  const std::string alone = test::file_of_ranks(config_, 1, 1, {});
  EXPECT_EQ(test::file_of_ranks(config_, 3, 2, {}), alone);
  EXPECT_FALSE(alone.empty());
}

}  // namespace
}  // namespace factorps
