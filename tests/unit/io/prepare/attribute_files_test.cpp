#include "io/prepare/attribute_files.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/dataset_check.hpp"
#include "io/prepare/attribute_columns.hpp"
#include "io/prepare/prepare.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

/// The values of each row as text, in order: "a b", "1.5", "-".
std::vector<std::string> shown(const Attribute& attribute) {
  std::vector<std::string> rows;
  for (std::uint64_t row = 0; row < attribute.rows(); ++row) {
    std::string text;
    if (attribute.kind == AttributeKind::number) {
      text = attribute.known(row) ? fmt::format("{}", attribute.numbers[row]) : "";
    } else {
      for (const std::uint32_t code : attribute.codes_of(row))
        text += (text.empty() ? "" : " ") + attribute.values[code];
    }
    rows.push_back(text.empty() ? "-" : text);
  }
  return rows;
}

class AttributeFiles : public testing::Test {
 protected:
  AttributeTable read(std::string_view text) {
    files_.source = {directory_.write("items.csv", text)};
    return read_attribute_files(files_, "items", ids_);
  }
  std::string error(std::string_view text) {
    try {
      static_cast<void>(read(text));
    } catch (const DataError& error) {
      std::string message = error.what();
      const std::string prefix = directory_.path().string() + '/';
      for (auto at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
        message.erase(at, prefix.size());
      return message;
    }
    return "no error";
  }

  test::TemporaryDirectory directory_;
  AttributeFilesConfig files_;
  IdTable ids_ = IdTable::of_integers({30, 10, 20});
};

TEST_F(AttributeFiles, BecomeColumnsInTheOrderOfRows) {
  files_.id = "sku";
  files_.categories = {"brand"};
  files_.tags = {"tags"};
  files_.numbers = {"price"};
  files_.flags = {"new", "sale"};
  files_.flags_as = "labels";
  files_.missing = {"NA"};
  const AttributeTable table = read(
      "brand,sku,price,tags,new,sale\n"
      "\"B, Inc.\",10,-0,x| y ||x,1,0\n"
      "NA,20,,|,0,\n"
      "A,99,bad?,z,7,0\n"
      "A,30,2.5,NA,1,1\n");
  ASSERT_EQ(table.attributes.size(), 4U);  // of 99 nothing but the id is looked at
  EXPECT_EQ(table.attributes[0].name, "brand");
  EXPECT_EQ(shown(table.attributes[0]), (std::vector<std::string>{"A", "B, Inc.", "-"}));
  EXPECT_EQ(table.attributes[1].name, "labels");
  EXPECT_EQ(shown(table.attributes[1]), (std::vector<std::string>{"new sale", "new", "-"}));
  EXPECT_EQ(table.attributes[2].name, "price");
  EXPECT_EQ(shown(table.attributes[2]), (std::vector<std::string>{"2.5", "0", "-"}));
  EXPECT_EQ(table.attributes[3].name, "tags");
  EXPECT_EQ(shown(table.attributes[3]), (std::vector<std::string>{"-", "x y", "-"}));
  EXPECT_EQ(table.counts.lines, 4U);
  EXPECT_EQ(table.counts.strangers, 1U);
  EXPECT_EQ(table.counts.rows_without, 0U);
}

TEST_F(AttributeFiles, MayHaveNoHeader) {
  files_.columns = {"id", "genre"};
  files_.delimiter = "|";
  files_.categories = {"genre"};
  EXPECT_EQ(shown(read("20|b\n10|a, \"c\n").attributes[0]),
            (std::vector<std::string>{"-", "a, \"c", "b"}));
  files_.header = "yes";  // which is passed over
  EXPECT_EQ(shown(read("a|b/c\n10|a\n").attributes[0]), (std::vector<std::string>{"-", "a", "-"}));
}

TEST_F(AttributeFiles, DoNotDependOnTheOrderOfLines) {
  std::vector<std::int64_t> ids(200);
  std::iota(ids.begin(), ids.end(), 0);
  ids_ = IdTable::of_integers(ids);
  files_.categories = {"c"};
  files_.tags = {"t"};
  std::vector<std::string> lines;
  for (int n = 0; n < 250; ++n)
    lines.push_back(fmt::format("{},c{},t{}|t{}\n", n, n * 7 % 13, n % 5, n * 3 % 11));
  std::mt19937 random{3};
  std::vector<Attribute> first;
  for (int trial = 0; trial < 5; ++trial) {
    std::string text = "id,c,t\n";
    for (const std::string& line : lines) text += line;
    const AttributeTable table = read(text);
    if (first.empty()) first = table.attributes;
    for (std::size_t n = 0; n < 2; ++n) {
      EXPECT_EQ(table.attributes[n].values, first[n].values);
      EXPECT_EQ(table.attributes[n].offsets, first[n].offsets);
      EXPECT_EQ(table.attributes[n].codes, first[n].codes);
    }
    std::shuffle(lines.begin(), lines.end(), random);
  }
  EXPECT_EQ(first[0].values.size(), 13U);
}

TEST_F(AttributeFiles, MayRepeatALineButNotContradictIt) {
  files_.categories = {"c"};
  const AttributeTable table = read("id,c,other\n10,a,1\n99,a,1\n10,a,2\n99,b,1\n");
  EXPECT_EQ(table.counts.repeated, 1U);
  EXPECT_EQ(table.counts.strangers, 2U);
  EXPECT_EQ(table.counts.rows_without, 2U);
  EXPECT_EQ(error("id,c\n10,a\n\n10,b\n"),
            "items.csv:4: says something else of \"10\" than items.csv:2, expected one line for "
            "each id");
}

TEST_F(AttributeFiles, SayWhatIsWrongAndWhere) {
  files_.categories = {"c"};
  files_.numbers = {"n"};
  files_.flags = {"f"};
  EXPECT_EQ(
      error("id,c,m,f\n"),
      "items.csv:1: no column \"n\" (attributes.items.numbers); the columns are: id, c, m, f");
  EXPECT_EQ(error("id,c,n,f\n10,a,1,0\n20,a,1\n"), "items.csv:3: found 3 fields, expected 4");
  EXPECT_EQ(error("id,c,n,f\n,a,1,0\n"), "items.csv:2: the id (field 1) is empty");
  EXPECT_EQ(error("id,c,n,f\n10,a,1x,0\n"), "items.csv:2: field 3 is \"1x\", expected a number");
  EXPECT_EQ(error("id,c,n,f\n10,a,1e99,0\n"),
            "items.csv:2: field 3 is \"1e99\", expected a number");
  EXPECT_EQ(error("id,c,n,f\n10,a,1,yes\n"), "items.csv:2: field 4 is \"yes\", expected 0 or 1");
  EXPECT_EQ(error(""), "items.csv: is empty, expected a line with the names of the columns");
  files_.id = "sku";
  EXPECT_EQ(error("id,c,n,f\n"),
            "items.csv:1: no column \"sku\" (attributes.items.id); the columns are: id, c, n, f");
  files_.columns = {"id", "c"};
  EXPECT_EQ(error("1,2\n"),
            "items.csv: no column \"sku\" (attributes.items.id); the columns are: id, c");
}

TEST_F(AttributeFiles, AreTakenIntoTheDatasetByPrepare) {
  Config config;
  config.data.dataset = directory_ / "dataset.h5";
  config.split.method = "none";
  config.split.validation_method = "none";
  config.data.source = {directory_.write("data", "ann,tea,1\nbob,rum,2\nann,gin,3\nbob,tea,2\n")};
  const auto bare = prepare(config);
  EXPECT_EQ(to_json(bare->summary).find("attributes"), std::string::npos);

  config.attributes.items.source = {
      directory_.write("i.csv", "id,kind\ntea,hot\nice,cold\nrum,strong\n")};
  config.attributes.items.categories = {"kind"};
  config.attributes.users.source = {directory_.write("u.csv", "id,age\nann,30\n")};
  config.attributes.users.numbers = {"age"};
  const auto result = prepare(config);
  EXPECT_EQ(result->fingerprint, bare->fingerprint);
  EXPECT_NE(to_text(result->summary).find("items attributes"), std::string::npos);
  const Dataset data{config.data.dataset};
  EXPECT_NO_THROW(verify_all(data));
  const IdTable items = data.item_ids();
  const Attribute kind = *data.item_attribute("kind");
  std::map<std::string, std::string> kinds;
  for (std::uint64_t row = 0; row < 3; ++row) kinds[items.text(row)] = shown(kind)[row];
  EXPECT_EQ(kinds,
            (std::map<std::string, std::string>{{"gin", "-"}, {"rum", "strong"}, {"tea", "hot"}}));
  EXPECT_EQ(data.user_attribute("age")->known_rows(), 1U);

  config.attributes.users.numbers = {"agee"};
  config.data.source = {directory_.write("broken", "ann\n")};
  try {  // before any interaction is read
    prepare(config);
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_NE(std::string{error.what()}.find("no column \"agee\""), std::string::npos);
  }
}

TEST(Tags, AreCutAndTrimmed) {
  const auto tags = [](std::string_view field, std::string_view separator) {
    std::vector<std::string> found;
    for_each_tag(field, separator, [&](std::string_view tag) { found.emplace_back(tag); });
    return found;
  };
  EXPECT_EQ(tags(" a b, ,c,", ","), (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(tags("a::b", "::"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(tags("", "|").empty());
  EXPECT_TRUE(tags(" \t", "|").empty());
}

}  // namespace
}  // namespace factorps
