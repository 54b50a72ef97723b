/// Types of events and what they count.
#include "io/event_weight.hpp"
#include "tests/unit/io/prepare/prepare_fixture.hpp"

namespace factorps {
namespace {

using test::contents_of;

class Events : public test::Prepare {
 protected:
  Events() {
    config_.split.method = "none";
    config_.clean.duplicates = "sum";
    config_.data.event_weights = {"view=1", "cart=3", "buy=2.5", "scroll=0"};
  }
  /// "user:item=value" of what is left to train on.
  std::string train() {
    const test::Contents contents = contents_of(run());
    std::string text;
    for (const auto& [pair, value] : contents.at(Part::train))
      text += fmt::format("{}{}:{}={}", text.empty() ? "" : " ", pair.first, pair.second, value);
    return text;
  }
  std::string train_of(const std::string& rows) {
    config_.data.source = {directory_.write("rows", rows)};
    return train();
  }
  std::string error_of(const std::string& rows) {
    config_.data.source = {directory_.write("rows", rows)};
    std::string what = error();
    const auto directory = what.find(directory_.path().string());
    if (directory != std::string::npos)
      what.erase(directory, directory_.path().string().size() + 1);
    return what;
  }
};

TEST(EventWeight, IsReadFromText) {
  EXPECT_EQ(parse_event_weight("buy=2.5")->name, "buy");
  EXPECT_EQ(parse_event_weight("buy=2.5")->weight, 2.5F);
  EXPECT_EQ(parse_event_weight("a=b=-1")->name, "a=b");
  for (const char* text : {"buy", "=1", "buy=", "buy=x", "buy=inf", "buy=1 "})
    EXPECT_FALSE(parse_event_weight(text)) << text;
}

TEST_F(Events, MultiplyTheValue) {
  config_.data.event = "type";
  EXPECT_EQ(train_of("user,item,type,value\n1,7,view,1\n1,7,buy,2\n2,7,cart,0.5\n2,8,scroll,9\n"),
            "1:7=6 2:7=1.5");
}

TEST_F(Events, CountOneWithoutAValue) {
  config_.data.event = "3";  // which is where a value or a header would be looked for
  EXPECT_EQ(train_of("1,7,view\n1,7,buy\n2,7,cart\n"), "1:7=3.5 2:7=3");
  EXPECT_EQ(train_of("1\t7\tview\n1\t7\tbuy\n2\t7\tcart\n"), "1:7=3.5 2:7=3");
  config_.data.event = "4";  // where a time would be
  EXPECT_EQ(train_of("1,7,2,view\n1,7,2,buy\n"), "1:7=7");
}

TEST_F(Events, AreReadFromEveryFormatWithColumns) {
  config_.data.event = "type";
  const std::string expected = "1:7=4 2:7=2.5";
  EXPECT_EQ(train_of("user,item,type\n\"1\",7,\"view\"\n1,7,cart\n2,7,buy\n"), expected);
  EXPECT_EQ(
      train_of("user_id:token\titem_id:token\ttype:token\n1\t7\tview\n1\t7\tcart\n2\t7\tbuy\n"),
      expected);
  EXPECT_EQ(train_of("type user item\nview 1 7\ncart 1 7\nbuy 2 7\n"), expected);
  config_.data.format = "lists";
  config_.data.source = {directory_.write("rows", "1 7 8\n")};
  EXPECT_THROW(prepare(config_), ConfigError);
}

TEST_F(Events, OfWeightZeroAreCounted) {
  config_.data.event = "3";
  config_.data.source = {directory_.write("rows", "1,7,view\n1,7,scroll\n2,9,scroll\n")};
  const auto result = prepare(config_);
  EXPECT_EQ(result->summary.skipped.weight_0, 2U);
  EXPECT_EQ(result->summary.all.users, 1U);
  EXPECT_NE(to_text(result->summary).find(" 2 rows of events of weight 0 left out\n"),
            std::string::npos);
  EXPECT_NE(Dataset{config_.data.dataset}.summary().find(R"("weight_0": 2)"), std::string::npos);
  EXPECT_EQ(error_of("1,7,scroll\n"),
            "the files hold no interaction that counts: 1 rows are events of weight 0, 0 have "
            "no user");
}

TEST_F(Events, ThatAreNotListedAreBadRows) {
  config_.data.event = "3";
  EXPECT_EQ(error_of("1,7,view\n1,7,vie\n"),
            "rows:2: event \"vie\", expected one of view, cart, buy, scroll (data.event_weights)");
  EXPECT_EQ(error_of("1,7,view\n1,7,\n"), "rows:2: the event (field 3) is empty");
  EXPECT_EQ(error_of("1,7,view\n1,7\n"), "rows:2: found 2 fields, expected the event in field 3");
  config_.data.value = "4";
  EXPECT_EQ(error_of("1,7,cart,3e38\n"), "rows:1: value 3e+38 exceeds the range of float, times 3");
}

TEST_F(Events, AreTheSameOnAnyNumberOfRanks) {
  std::string rows = "type,user,item\n";
  for (int n = 0; n < 500; ++n)
    rows += fmt::format("{},{},{}\n",
                        n % 3 == 0   ? "view"
                        : n % 3 == 1 ? "cart"
                                     : "scroll",
                        n * 7 % 53, n * 11 % 31);
  config_.data.event = "type";
  config_.data.source = {directory_.write("rows", rows)};
  prepare(config_);
  const std::string expected = test::read_text(config_.data.dataset);
  for (const std::uint32_t size : {2U, 3U})
    EXPECT_EQ(test::file_of_ranks(config_, size, 1, {}), expected) << size;
}

}  // namespace
}  // namespace factorps
