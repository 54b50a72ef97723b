#include "io/attributes.hpp"

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/dataset_check.hpp"
#include "io/dataset_writer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

Attribute department() {
  return {"department", AttributeKind::category, {"food", "toys"}, {0, 1, 1, 2}, {1, 0}, {}};
}
Attribute genres() {
  return {"genres", AttributeKind::tags, {"a", "bc", "d"}, {0, 2, 2, 3}, {0, 2, 1}, {}};
}
Attribute price() { return {"price", AttributeKind::number, {}, {}, {}, {1.5F, kUnknown, -2.0F}}; }

/// 2 users and 3 items, one interaction of each user.
DatasetContents bare() {
  DatasetContents contents;
  contents.user_ids = IdTable::of_integers({10, 11});
  contents.item_ids = IdTable::of_integers({1, 2, 3});
  contents.grid = {{0, 2}, {0, 3}};
  for (std::uint32_t user = 0; user < 2; ++user) {
    contents.interactions.users.push_back(user);
    contents.interactions.items.push_back(user);
    contents.interactions.values.push_back(1);
    contents.interactions.parts.push_back(Part::train);
  }
  return contents;
}

DatasetContents with_attributes() {
  DatasetContents contents = bare();
  contents.item_attributes = {price(), department(), genres()};
  contents.user_attributes = {{"age", AttributeKind::number, {}, {}, {}, {30, 40}}};
  return contents;
}

class AttributesInDataset : public testing::Test {
 protected:
  std::filesystem::path path() const { return directory_ / "dataset.h5"; }
  void put(std::uint64_t offset, char value) const {
    std::fstream file{path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(value);
  }
  /// Writes what no program would, under good checksums. @return the complaint
  std::string complaint(const Attribute& forged) const {
    DatasetContents contents = bare();
    contents.item_attributes = {forged};
    write_dataset(path(), contents);
    try {
      static_cast<void>(Dataset{path()}.item_attribute(forged.name));
    } catch (const DataError& error) {
      return error.what();
    }
    return "none";
  }

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(AttributesInDataset, ComeBackAsTheyWere) {
  write_dataset(path(), with_attributes());
  const Dataset data{path()};
  EXPECT_EQ(data.item_attribute_names(),
            (std::vector<std::string>{"department", "genres", "price"}));
  EXPECT_EQ(data.user_attribute_names(), (std::vector<std::string>{"age"}));

  const auto category = data.item_attribute("department");
  ASSERT_TRUE(category);
  EXPECT_EQ(category->kind, AttributeKind::category);
  EXPECT_EQ(category->values, (std::vector<std::string>{"food", "toys"}));
  EXPECT_EQ(category->rows(), 3U);
  EXPECT_EQ(category->codes_of(0)[0], 1U);
  EXPECT_TRUE(category->codes_of(1).empty());
  EXPECT_FALSE(category->known(1));
  EXPECT_EQ(category->known_rows(), 2U);

  const auto tags = data.item_attribute("genres");
  ASSERT_TRUE(tags);
  const auto own = tags->codes_of(0);
  EXPECT_EQ(std::vector(own.begin(), own.end()), (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(tags->values[tags->codes_of(2)[0]], "bc");

  const auto number = data.item_attribute("price");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->numbers[0], 1.5F);
  EXPECT_TRUE(std::isnan(number->numbers[1]));
  EXPECT_EQ(number->known_rows(), 2U);
  EXPECT_EQ(data.user_attribute("age")->numbers, (std::vector<float>{30, 40}));
}

TEST_F(AttributesInDataset, AreNotThereUnderOtherNames) {
  write_dataset(path(), with_attributes());
  const Dataset data{path()};
  for (const char* name : {"age", "dep", "department/codes", "", "."}) {
    EXPECT_FALSE(data.item_attribute(name)) << name;
  }
}

TEST_F(AttributesInDataset, LeaveTheFingerprintAsItIs) {
  const std::string without = write_dataset(path(), bare());
  EXPECT_TRUE(Dataset{path()}.item_attribute_names().empty());
  EXPECT_EQ(write_dataset(path(), with_attributes()), without);
}

TEST_F(AttributesInDataset, DoNotDependOnTheirOrder) {
  write_dataset(path(), with_attributes());
  const std::string first = test::read_text(path());
  DatasetContents contents = with_attributes();
  std::swap(contents.item_attributes.front(), contents.item_attributes.back());
  write_dataset(path(), contents);
  EXPECT_EQ(test::read_text(path()), first);
}

TEST_F(AttributesInDataset, NoFlippedByteEscapes) {
  write_dataset(path(), with_attributes());
  EXPECT_NO_THROW(verify_all(Dataset{path()}));
  const std::string whole = test::read_text(path());
  const auto expect_noticed = [&](const std::string& object, std::size_t bytes) {
    const std::uint64_t offset = h5::File::open(path()).offset(object);
    for (std::uint64_t at = offset; at < offset + bytes; ++at) {
      put(at, static_cast<char>(whole[at] ^ 0x55));
      EXPECT_THROW(verify_all(Dataset{path()}), DataError) << object << ", byte " << at - offset;
      put(at, whole[at]);
    }
  };
  for (const std::string name : {"department", "genres"}) {
    const bool tags = name == "genres";
    const std::string group = "/items/attributes/" + name;
    expect_noticed(group + "/value_offsets", tags ? 32 : 24);
    expect_noticed(group + "/value_bytes", tags ? 4 : 8);
    expect_noticed(group + "/offsets", 32);
    expect_noticed(group + "/codes", tags ? 12 : 8);
  }
  expect_noticed("/items/attributes/price/numbers", 12);
  expect_noticed("/users/attributes/age/numbers", 8);
}

TEST_F(AttributesInDataset, RefuseATruncatedFileAtEveryLength) {
  write_dataset(path(), with_attributes());
  const std::string whole = test::read_text(path());
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    std::ofstream{path(), std::ios::binary | std::ios::trunc}.write(
        whole.data(), static_cast<std::streamsize>(size));
    EXPECT_THROW(verify_all(Dataset{path()}), DataError) << size;
  }
}

TEST_F(AttributesInDataset, AreCheckedEvenUnderGoodChecksums) {
  const auto changed = [&](Attribute attribute, const std::function<void(Attribute&)>& change) {
    change(attribute);
    return complaint(attribute);
  };
  EXPECT_EQ(complaint(genres()), "none");
  EXPECT_NE(changed(genres(), [](auto& a) { a.codes[1] = 3; })
                .find("/items/attributes/genres/codes: row 0: expected at most 3 ascending"),
            std::string::npos);
  EXPECT_NE(changed(genres(), [](auto& a) { a.codes[1] = 0; }).find("/codes: row 0"),
            std::string::npos);
  EXPECT_NE(changed(genres(), [](auto& a) { a.kind = AttributeKind::category; })
                .find("/codes: row 0: expected at most 1"),
            std::string::npos);
  EXPECT_NE(changed(genres(), [](auto& a) { a.offsets[1] = 4; }).find("/offsets: expected asc"),
            std::string::npos);
  EXPECT_NE(changed(genres(), [](auto& a) { a.offsets[0] = 1; }).find("/offsets: expected asc"),
            std::string::npos);
  EXPECT_NE(changed(genres(), [](auto& a) { std::swap(a.values[0], a.values[1]); })
                .find("/value_offsets: expected distinct texts"),
            std::string::npos);
  EXPECT_NE(changed(price(), [](auto& a) { a.numbers[0] = INFINITY; }).find("expected finite"),
            std::string::npos);
}

TEST_F(AttributesInDataset, MustHaveARowForEveryItem) {
  write_dataset(path(), bare());
  h5::File file = h5::File::modify(path());
  for (Attribute attribute : {genres(), price()}) {
    attribute.name += " of few";
    if (attribute.kind == AttributeKind::number) attribute.numbers.pop_back();
    if (attribute.kind == AttributeKind::tags) attribute.offsets = {0, 2, 3};
    write_attribute(file, "/items", attribute);
  }
  file.create_group("/items/attributes/odd");
  file.set("/items/attributes/odd", "kind", std::string_view{"colour"});
  file.create_group("/items/attributes/empty");
  file.close();
  const Dataset data{path()};
  for (const char* name : {"genres of few", "price of few", "odd", "empty"}) {
    EXPECT_THROW(static_cast<void>(data.item_attribute(name)), DataError) << name;
  }
}

TEST(AttributeName, MustBeAPathElement) {
  for (const char* good : {"brand", "price in EUR", "a.b", "..", "\xC3\xA4"}) {
    EXPECT_EQ(problem_of_attribute_name(good), "") << good;
  }
  for (const char* bad : {"", ".", "a/b", "a\nb"}) {
    EXPECT_NE(problem_of_attribute_name(bad), "") << bad;
  }
}

}  // namespace
}  // namespace factorps
