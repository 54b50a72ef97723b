#include "io/model_file.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

using test::read_text;
using test::TemporaryDirectory;

// Three users, two items, dim 2. All numbers are small multiples of 1/4, so sums are exact.
const std::vector<float> kUserFactors{1, 2, 0.5F, -1, 0, 0};
const std::vector<float> kUserBias{0.25F, -0.5F, 0};
const std::vector<float> kItemFactors{2, 0.5F, -1, 1};
const std::vector<float> kItemBias{0.5F, -0.25F};
const std::vector<std::uint32_t> kUserCounts{2, 1, 0};
const std::vector<std::uint32_t> kItemCounts{2, 1};
const std::vector<std::uint64_t> kSeenOffsets{0, 2, 3, 3};
const std::vector<std::uint32_t> kSeenItems{0, 1, 0};

ModelInfo small_info() {
  ModelInfo info;
  info.users = 3;
  info.items = 2;
  info.dim = 2;
  info.mu = 3.5;
  info.value_min = 1;
  info.value_max = 5;
  info.provenance = R"({"dataset":"0123"})";
  return info;
}

void append_tables(ModelWriter& writer) {
  const std::span users{kUserFactors};
  const std::span bias{kUserBias};
  writer.append_users(users.first(2), bias.first(1));  // in two pieces
  writer.append_users(users.subspan(2), bias.subspan(1));
  writer.append_items(kItemFactors, kItemBias);
}

std::string write_small(const std::filesystem::path& path, const ModelInfo& info = small_info(),
                        bool with_seen = true) {
  ModelWriter writer{path, info};
  append_tables(writer);
  writer.write_ids(IdTable::of_integers({10, 20, 30}), IdTable::of_strings({0, 3, 7}, "teaüx1"));
  writer.write_counts(kUserCounts, kItemCounts);
  if (with_seen) {
    writer.create_seen(kSeenOffsets);
    writer.append_seen(std::span{kSeenItems}.first(2));
    writer.append_seen(std::span{kSeenItems}.subspan(2));
  }
  return writer.commit();
}

/// The message of the DataError that opening throws; "" if it does not throw.
std::string open_error(const std::filesystem::path& path) {
  try {
    const Model model{path};
    return {};
  } catch (const DataError& error) {
    return error.what();
  }
}

/// The small model as single objects, each of which a test may replace or leave out.
using Objects = std::map<std::string, std::function<void(h5::File&)>>;

template <class T>
std::function<void(h5::File&)> dataset(const std::string& name, h5::Shape shape,
                                       std::vector<T> values) {
  return [=](h5::File& file) { file.write(name, shape, std::span<const T>{values}); };
}

template <class T>
std::function<void(h5::File&)> attribute(const std::string& object, const std::string& name,
                                         T value) {
  return [=](h5::File& file) { file.set(object, name, value); };
}

Objects small_objects() {
  return {
      {"format", attribute("/", "format", std::string_view{"factorps-model"})},
      {"version", attribute("/", "version", std::uint64_t{1})},
      {"kind", attribute("/", "kind", std::string_view{"mf"})},
      {"dim", attribute("/", "dim", std::uint64_t{2})},
      {"mu", attribute("/", "mu", 3.5)},
      {"value_min", attribute("/", "value_min", 1.0)},
      {"value_max", attribute("/", "value_max", 5.0)},
      {"sha256", attribute("/", "sha256", std::string_view{"00"})},
      {"provenance", attribute("/", "provenance", std::string_view{"{}"})},
      {"users/factors", dataset<float>("/users/factors", {3, 2}, kUserFactors)},
      {"users/bias", dataset<float>("/users/bias", {3}, kUserBias)},
      {"users/train_count", dataset<std::uint32_t>("/users/train_count", {3}, kUserCounts)},
      {"users/ids", dataset<std::int64_t>("/users/ids", {3}, {10, 20, 30})},
      {"items/factors", dataset<float>("/items/factors", {2, 2}, kItemFactors)},
      {"items/bias", dataset<float>("/items/bias", {2}, kItemBias)},
      {"items/train_count", dataset<std::uint32_t>("/items/train_count", {2}, kItemCounts)},
      {"items/ids", dataset<std::int64_t>("/items/ids", {2}, {1, 2})},
      {"normalisation/offset", dataset<float>("/normalisation/offset", {1}, {0.0F})},
      {"normalisation/scale", dataset<float>("/normalisation/scale", {1}, {1.0F})},
      {"normalisation/~by", attribute("/normalisation", "by", std::string_view{"global"})},
      {"seen/offsets", dataset<std::uint64_t>("/seen/offsets", {4}, kSeenOffsets)},
      {"seen/items", dataset<std::uint32_t>("/seen/items", {3}, kSeenItems)},
  };
}

void write_objects(const std::filesystem::path& path, const Objects& objects) {
  h5::File file = h5::File::create(path);
  for (const auto& [name, write] : objects) write(file);
  file.close();
}

TEST(ModelFile, HoldsWhatWasWritten) {
  const TemporaryDirectory directory;
  const std::string digest = write_small(directory / "model.h5");
  const Model model{directory / "model.h5"};
  EXPECT_EQ(model.info().users, 3U);
  EXPECT_EQ(model.info().items, 2U);
  EXPECT_EQ(model.info().dim, 2U);
  EXPECT_EQ(model.info().mu, 3.5);
  EXPECT_EQ(model.info().provenance, R"({"dataset":"0123"})");
  EXPECT_TRUE(std::ranges::equal(model.user_factors(), kUserFactors));
  EXPECT_TRUE(std::ranges::equal(model.item_factors(), kItemFactors));
  EXPECT_TRUE(std::ranges::equal(model.user_bias(), kUserBias));
  EXPECT_TRUE(std::ranges::equal(model.item_bias(), kItemBias));
  EXPECT_TRUE(std::ranges::equal(model.user_counts(), kUserCounts));
  EXPECT_TRUE(std::ranges::equal(model.item_counts(), kItemCounts));
  EXPECT_EQ(model.user_ids().text(2), "30");
  EXPECT_EQ(model.item_ids().text(1), "üx1");
  EXPECT_EQ(model.sha256(), digest);
}

TEST(ModelFile, DigestIsOfTheDocumentedBytes) {
  const TemporaryDirectory directory;
  const std::string digest = write_small(directory / "model.h5");
  Sha256 expected;
  const std::uint64_t sizes[] = {2, 3, 2};  // dim, users, items
  const double mu = 3.5;
  expected.update(std::as_bytes(std::span{sizes}));
  expected.update(std::as_bytes(std::span{&mu, 1}));
  for (const auto& part : {kUserFactors, kUserBias, kItemFactors, kItemBias}) {
    expected.update(std::as_bytes(std::span{part}));
  }
  EXPECT_EQ(digest, expected.finish());
  EXPECT_EQ(Model{directory / "model.h5"}.computed_sha256(), digest);
}

TEST(ModelFile, SameModelGivesSameBytes) {
  const TemporaryDirectory directory;
  write_small(directory / "a.h5");
  write_small(directory / "b.h5");
  EXPECT_EQ(read_text(directory / "a.h5"), read_text(directory / "b.h5"));
}

TEST(ModelFile, AppearsOnlyWhenCommitted) {
  const TemporaryDirectory directory;
  {
    ModelWriter writer{directory / "model.h5", small_info()};
    append_tables(writer);
    EXPECT_FALSE(std::filesystem::exists(directory / "model.h5"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(ModelFile, PredictsTheSumInOriginalUnits) {
  const TemporaryDirectory directory;
  ModelInfo info = small_info();
  info.normalisation = {NormaliseBy::global, {1}, {2}};
  write_small(directory / "model.h5", info);
  const Model model{directory / "model.h5"};
  // user 0, item 1: 3.5 + 0.25 - 0.25 + (1 * -1 + 2 * 1) = 4.5, then 4.5 * 2 + 1
  EXPECT_EQ(model.predict(0, 1, false), 10.0F);
  EXPECT_EQ(model.predict(0, 1, true), 5.0F);
}

TEST(ModelFile, PredictsAbsentRowsFromWhatIsKnown) {
  const TemporaryDirectory directory;
  write_small(directory / "model.h5");
  const Model model{directory / "model.h5"};
  EXPECT_EQ(model.predict(std::nullopt, 0, false), 4.0F);
  EXPECT_EQ(model.predict(1, std::nullopt, false), 3.0F);
  EXPECT_EQ(model.predict(std::nullopt, std::nullopt, false), 3.5F);
}

TEST(ModelFile, GivesAnAbsentUserTheMeanNormalisation) {
  const TemporaryDirectory directory;
  ModelInfo info = small_info();
  info.mu = 1;
  info.normalisation = {NormaliseBy::user, {3, 0, 100}, {1, 4, 100}};
  write_small(directory / "model.h5", info);
  const Model model{directory / "model.h5"};
  // Counts are 2, 1, 0: offset (2 * 3 + 0) / 3 = 2, scale (2 * 1 + 4) / 3 = 2.
  EXPECT_EQ(model.predict(std::nullopt, std::nullopt, false), 4.0F);
  EXPECT_EQ(model.predict(1, std::nullopt, false), (1 - 0.5F) * 4 + 0);
}

TEST(ModelFile, KnowsWhatEachUserHasSeen) {
  const TemporaryDirectory directory;
  write_small(directory / "with.h5");
  write_small(directory / "without.h5", small_info(), false);
  const Model with{directory / "with.h5"};
  EXPECT_TRUE(std::ranges::equal(*with.seen(0), std::vector<std::uint32_t>{0, 1}));
  EXPECT_TRUE(std::ranges::equal(*with.seen(1), std::vector<std::uint32_t>{0}));
  EXPECT_TRUE(with.seen(2)->empty());
  EXPECT_FALSE(Model{directory / "without.h5"}.seen(0).has_value());
}

TEST(ModelFile, VersionOneLoadsForEver) {  // the file is never rewritten
  const Model model{std::filesystem::path{FACTORPS_TEST_DATA} / "model-v1.h5"};
  EXPECT_EQ(model.sha256(), "614ac70c12b359538bf077d5c52149c00b10712a69aa7202e7b2603ca5704c4e");
  EXPECT_EQ(model.computed_sha256(), model.sha256());
  EXPECT_EQ(model.user_ids().text(1), "20");
  EXPECT_EQ(model.item_ids().text(1), "üx1");
  EXPECT_EQ(model.predict(0, 1, false), 4.5F);
  EXPECT_EQ(model.seen(0)->size(), 2U);
}

TEST(ModelFile, ReadsObjectsWrittenByHand) {
  const TemporaryDirectory directory;
  write_objects(directory / "model.h5", small_objects());
  EXPECT_EQ(open_error(directory / "model.h5"), "");
}

TEST(ModelFile, NamesEveryMissingObject) {
  const TemporaryDirectory directory;
  for (const auto& [name, write] : small_objects()) {
    Objects objects = small_objects();
    objects.erase(name);
    write_objects(directory / "model.h5", objects);
    const std::string leaf = name.substr(name.find_first_not_of('~', name.rfind('/') + 1));
    // A model without ids of one kind is taken to have the other kind.
    const std::string expected = leaf == "ids" ? "id_offsets" : leaf;
    EXPECT_NE(open_error(directory / "model.h5").find(expected), std::string::npos) << name;
  }
}

TEST(ModelFile, RefusesShapesThatDoNotFit) {
  const TemporaryDirectory directory;
  const std::map<std::string, std::function<void(h5::File&)>> wrong{
      {"users/factors", dataset<float>("/users/factors", {2, 3}, kUserFactors)},
      {"users/bias", dataset<float>("/users/bias", {2}, {1, 2})},
      {"users/train_count", dataset<std::uint32_t>("/users/train_count", {2}, {1, 2})},
      {"users/ids", dataset<std::int64_t>("/users/ids", {4}, {1, 2, 3, 4})},
      {"items/factors", dataset<float>("/items/factors", {4}, kItemFactors)},
      {"items/bias", dataset<double>("/items/bias", {2}, {1, 2})},
      {"normalisation/scale", dataset<float>("/normalisation/scale", {2}, {1, 1})},
      {"seen/offsets", dataset<std::uint64_t>("/seen/offsets", {3}, {0, 1, 3})},
  };
  for (const auto& [name, write] : wrong) {
    Objects objects = small_objects();
    objects[name] = write;
    write_objects(directory / "model.h5", objects);
    EXPECT_NE(open_error(directory / "model.h5").find("/" + name), std::string::npos) << name;
  }
}

TEST(ModelFile, RefusesValuesThatCannotBe) {
  const TemporaryDirectory directory;
  const std::map<std::string, std::function<void(h5::File&)>> wrong{
      {"format", attribute("/", "format", std::string_view{"factorps-dataset"})},
      {"version", attribute("/", "version", std::uint64_t{3})},
      {"kind", attribute("/", "kind", std::string_view{"tree"})},
      {"mu", attribute("/", "mu", std::numeric_limits<double>::quiet_NaN())},
      {"value_min", attribute("/", "value_min", 6.0)},
      {"normalisation/~by", attribute("/normalisation", "by", std::string_view{"planet"})},
      {"normalisation/scale", dataset<float>("/normalisation/scale", {1}, {0})},
      {"seen/offsets", dataset<std::uint64_t>("/seen/offsets", {4}, {0, 3, 2, 3})},
      {"seen/items", dataset<std::uint32_t>("/seen/items", {4}, {0, 1, 0, 1})},
  };
  for (const auto& [name, write] : wrong) {
    Objects objects = small_objects();
    objects[name] = write;
    write_objects(directory / "model.h5", objects);
    EXPECT_NE(open_error(directory / "model.h5"), "") << name;
  }
}

TEST(ModelFile, RefusesRowsWithoutFactors) {  // loops over rows would never end
  const TemporaryDirectory directory;
  Objects objects = small_objects();
  objects["dim"] = attribute("/", "dim", std::uint64_t{0});
  objects["users/factors"] = dataset<float>("/users/factors", {3, 0}, {});
  objects["items/factors"] = dataset<float>("/items/factors", {2, 0}, {});
  write_objects(directory / "model.h5", objects);
  EXPECT_NE(open_error(directory / "model.h5").find("dim is 0, expected at least 1"),
            std::string::npos);
}

TEST(ModelFile, RefusesSeenItemsThatDoNotAscend) {
  const TemporaryDirectory directory;
  for (const std::vector<std::uint32_t>& items : {std::vector<std::uint32_t>{1, 0, 0}, {0, 2, 0}}) {
    Objects objects = small_objects();
    objects["seen/items"] = dataset<std::uint32_t>("/seen/items", {3}, items);
    write_objects(directory / "model.h5", objects);
    const Model model{directory / "model.h5"};
    EXPECT_THROW(static_cast<void>(model.seen(0)), DataError);
    EXPECT_EQ(model.seen(1)->size(), 1U);
  }
}

TEST(ModelFile, RefusesEveryTruncation) {
  const TemporaryDirectory directory;
  write_small(directory / "model.h5");
  const std::string bytes = read_text(directory / "model.h5");
  for (std::size_t size = 0; size < bytes.size(); size += 101) {
    directory.write("short.h5", std::string_view{bytes}.substr(0, size));
    EXPECT_NE(open_error(directory / "short.h5"), "") << size << " of " << bytes.size();
  }
}

TEST(ModelFile, VerifyNamesTheDamagedDataset) {
  const TemporaryDirectory directory;
  write_small(directory / "model.h5");
  EXPECT_NO_THROW(Model{directory / "model.h5"}.verify());
  const std::string bytes = read_text(directory / "model.h5");
  for (const std::string name :
       {"/users/factors", "/users/bias", "/users/ids", "/users/train_count", "/items/factors",
        "/items/id_bytes", "/normalisation/offset"}) {
    std::string damaged = bytes;
    const std::uint64_t offset = h5::File::open(directory / "model.h5").offset(name);
    damaged[offset] = static_cast<char>(damaged[offset] ^ 1);
    const Model model{directory.write("damaged.h5", damaged)};
    try {
      model.verify();
      ADD_FAILURE() << name;
    } catch (const DataError& error) {
      EXPECT_NE(std::string{error.what()}.find(name), std::string::npos) << error.what();
    }
  }
}

TEST(ModelFile, NoticesAnotherDigest) {
  const TemporaryDirectory directory;
  write_small(directory / "model.h5");
  {
    h5::File file = h5::File::modify(directory / "model.h5");
    file.set("/", "sha256", std::string_view{"00"});
  }
  EXPECT_THROW(Model{directory / "model.h5"}.verify(), DataError);
}

TEST(ModelFile, AnyFlippedByteIsAnErrorOrHarmless) {  // never a crash
  const TemporaryDirectory directory;
  write_small(directory / "model.h5");
  const std::string bytes = read_text(directory / "model.h5");
  for (std::size_t n = 0; n < bytes.size(); n += 89) {
    std::string damaged = bytes;
    damaged[n] = static_cast<char>(~damaged[n]);
    try {
      Model{directory.write("damaged.h5", damaged)}.verify();
    } catch (const Error&) {  // whatever HDF5 or we make of it
    }
  }
}

}  // namespace
}  // namespace factorps
