/// model.h5 of versions 2 and 3: kinds with layers, and factorization machines with their features.
#include <functional>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/model_file.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

using test::read_text;
using test::TemporaryDirectory;

// Two users, two items. All numbers are small multiples of 1/4, so sums are exact.
ModelInfo info_of(const std::string& kind) {
  ModelInfo info;
  info.kind = kind;
  info.users = info.items = 2;
  info.value_min = -9;
  info.value_max = 9;
  info.provenance = "{}";
  return info;
}

/// neumf with a product of one factor and layers 2, 1: rows [p | u].
ModelInfo neumf_info() {
  ModelInfo info = info_of("neumf");
  info.dim = 2;
  // layer1: 2 x 1 weights, 1 bias; output: of the product, of the layer, bias
  info.layers = ModelLayers{1, {2, 1}, {2, -1, 0.5F, 0.25F, 3, -1}};
  return info;
}

/// fm of dim 1: a category of items, tags and a number of users.
ModelInfo fm_info() {
  ModelInfo info = info_of("fm");
  info.dim = 1;
  info.mu = 0.5;
  info.features =
      ModelFeatures{{{"age", AttributeKind::number, {}, 40, 8, {0.25F, 1}},
                     {"clubs", AttributeKind::tags, {"chess", "go"}, 0, 1, {1, 2, 3, 4}}},
                    {{"kind", AttributeKind::category, {"a", "b\xE9"}, 0, 1, {0, 0.5F, -1, 2}}}};
  return info;
}

/// The same in moments: weekdays and months weigh something. Tuesday, 2024-02-27 12:00.
ModelInfo moments_info() {
  ModelInfo info = fm_info();
  ContextFeature month{ContextKind::month, std::vector<float>(24, 0.25F)};
  ContextFeature weekday{ContextKind::weekday, std::vector<float>(14, 0.5F)};
  month.rows[2] = -1;   // February
  weekday.rows[2] = 2;  // Tuesday
  weekday.rows[3] = 1.5F;
  info.features->context = {weekday, month};
  info.features->latest_time = 1709035200;
  return info;
}

std::string write(const std::filesystem::path& path, const ModelInfo& info) {
  ModelWriter writer{path, info};
  const std::vector<float> users{1, 2, -1, 0.5F};
  const std::vector<float> items{3, 1, 0, 4};
  const std::vector<float> bias(2, info.kind == "fm" ? 0.25F : 0.0F);
  writer.append_users(std::span{users}.first(2 * info.dim), bias);
  writer.append_items(std::span{items}.first(2 * info.dim), bias);
  writer.write_ids(IdTable::of_integers({10, 20}), IdTable::of_strings({0, 1, 2}, "xy"));
  writer.write_counts(std::vector<std::uint32_t>{2, 0}, std::vector<std::uint32_t>{1, 1});
  return writer.commit();
}

std::string error_after(const std::filesystem::path& path,
                        const std::function<void(h5::File&)>& change) {
  {
    h5::File file = h5::File::modify(path);
    change(file);
  }
  try {
    const Model model{path};
    return {};
  } catch (const DataError& error) {
    return error.what();
  }
}

void expect_neumf(const Model& model) {
  // user 0, item 0: 0.25 x 1 x 3 + 3 x relu(2 x 2 - 1 x 1 + 0.5) - 1
  EXPECT_EQ(model.predict(0, 0, false), 0.75F + 3 * 3.5F - 1);
  // user 1, item 1: no product, relu(2 x 0.5 - 4 + 0.5) = 0
  EXPECT_EQ(model.predict(1, 1, false), -1.0F);
  EXPECT_EQ(model.predict(0, 0, true), 9.0F);
  // Whom the model does not know has a row of zeros.
  EXPECT_EQ(model.predict(std::nullopt, 0, false), 3 * 0.0F - 1);
  EXPECT_EQ(model.predict(0, std::nullopt, false), 3 * 4.5F - 1);
}

void expect_fm(const Model& model) {
  EXPECT_EQ(model.head(), nullptr) << "scores are dot products";
  EXPECT_EQ(model.predict(0, 0, false), 0.5F + 0.25F + 0.25F + 1 * 3);
  const ModelFeatures& features = *model.info().features;
  ASSERT_EQ(features.users.size(), 2U);
  EXPECT_EQ(features.users[0].name, "age");
  EXPECT_EQ(features.users[0].mean, 40);
  EXPECT_EQ(features.users[0].scale, 8);
  EXPECT_EQ(features.users[1].kind, AttributeKind::tags);
  EXPECT_EQ(features.users[1].values, (std::vector<std::string>{"chess", "go"}));
  EXPECT_EQ(features.users[1].rows, (std::vector<float>{1, 2, 3, 4}));
  ASSERT_EQ(features.items.size(), 1U);
  EXPECT_EQ(features.items[0].values[1], "b\xE9");
}

void expect_moments(const Model& model) {
  expect_fm(model);
  const ModelFeatures& features = *model.info().features;
  EXPECT_EQ(model.info().version(), 3U);
  EXPECT_EQ(features.latest_time, 1709035200);
  ASSERT_EQ(features.context.size(), 2U);
  EXPECT_EQ(features.context[0].kind, ContextKind::weekday);
  EXPECT_EQ(features.context[0].rows[3], 1.5F);
  EXPECT_EQ(features.context[1].kind, ContextKind::month);
  EXPECT_EQ(features.context[1].rows[2], -1.0F);
}

TEST(ModelKinds, OfVersionThreeKnowMoments) {
  const TemporaryDirectory directory;
  const std::string sha = write(directory / "m.h5", moments_info());
  const Model model{directory / "m.h5"};
  EXPECT_EQ(model.sha256(), sha);
  EXPECT_NO_THROW(model.verify());
  expect_moments(model);
  EXPECT_NE(write(directory / "fm.h5", fm_info()), sha);
  write(directory / "old.h5", moments_info());
  EXPECT_NE(error_after(directory / "old.h5",
                        [](h5::File& file) { file.set("/", "version", std::uint64_t{2}); }),
            "")
      << "a reader of version 2 would leave them out";
  const Model golden{std::filesystem::path{FACTORPS_TEST_DATA} / "model-v3-fm.h5"};
  EXPECT_NO_THROW(golden.verify());
  expect_moments(golden);
}

TEST(ModelKinds, HoldWhatWasWritten) {
  const TemporaryDirectory directory;
  const std::string neumf = write(directory / "neumf.h5", neumf_info());
  const std::string fm = write(directory / "fm.h5", fm_info());
  const Model layers{directory / "neumf.h5"};
  EXPECT_EQ(layers.sha256(), neumf);
  EXPECT_NO_THROW(layers.verify());
  expect_neumf(layers);
  const Model features{directory / "fm.h5"};
  EXPECT_EQ(features.sha256(), fm);
  EXPECT_NO_THROW(features.verify());
  expect_fm(features);
}

TEST(ModelKinds, VersionTwoLoadsForEver) {  // the files are never rewritten
  const std::filesystem::path data{FACTORPS_TEST_DATA};
  const Model neumf{data / "model-v2-neumf.h5"};
  EXPECT_NO_THROW(neumf.verify());
  expect_neumf(neumf);
  const Model fm{data / "model-v2-fm.h5"};
  EXPECT_NO_THROW(fm.verify());
  expect_fm(fm);
}

TEST(ModelKinds, DigestCoversLayersAndFeatures) {
  const TemporaryDirectory directory;
  ModelInfo neumf = neumf_info();
  neumf.layers->dense.back() += 1;
  EXPECT_NE(write(directory / "a.h5", neumf), write(directory / "b.h5", neumf_info()));
  ModelInfo fm = fm_info();
  fm.features->users[0].mean += 1;
  EXPECT_NE(write(directory / "c.h5", fm), write(directory / "d.h5", fm_info()));
}

TEST(ModelKinds, VerifyNamesTheDamagedDataset) {
  const TemporaryDirectory directory;
  write(directory / "neumf.h5", neumf_info());
  write(directory / "fm.h5", fm_info());
  for (const auto& [file, name] : std::vector<std::pair<std::string, std::string>>{
           {"neumf.h5", "/layers/layer1.bias"},
           {"neumf.h5", "/layers/output.weights"},
           {"fm.h5", "/features/items/kind/rows"},
           {"fm.h5", "/features/users/clubs/value_bytes"}}) {
    std::string damaged = read_text(directory / file);
    const std::uint64_t offset = h5::File::open(directory / file).offset(name);
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

TEST(ModelKinds, RefuseWhatDoesNotFit) {
  const TemporaryDirectory directory;
  const auto error = [&](const ModelInfo& info, const std::function<void(h5::File&)>& change) {
    write(directory / "model.h5", info);
    return error_after(directory / "model.h5", change);
  };
  const auto kind = [](std::string_view name) {
    return [name](h5::File& file) { file.set("/", "kind", name); };
  };
  const auto products = [](std::uint64_t size) {
    return [size](h5::File& file) { file.set("/layers", "products", size); };
  };
  EXPECT_EQ(error(neumf_info(), [](h5::File&) {}), "");
  EXPECT_NE(error(neumf_info(), kind("mf")).find("version 1"), std::string::npos);
  EXPECT_NE(error(neumf_info(), kind("fm")).find("/features"), std::string::npos);
  EXPECT_NE(error(fm_info(), kind("mlp")).find("/layers"), std::string::npos);
  EXPECT_NE(error(neumf_info(), kind("tree")).find("'tree'"), std::string::npos);
  EXPECT_NE(error(neumf_info(), products(2)).find("2 products"), std::string::npos);
  EXPECT_NE(error(neumf_info(), products(~std::uint64_t{0})).find("products"), std::string::npos);
  EXPECT_NE(error(fm_info(), [](h5::File& file) { file.set("/features/users/age", "scale", 0.0); })
                .find("scale"),
            std::string::npos);
  EXPECT_NE(error(fm_info(),
                  [](h5::File& file) {
                    file.set("/features/items/kind", "kind", std::string_view{"colour"});
                  })
                .find("'colour'"),
            std::string::npos);
}

}  // namespace
}  // namespace factorps
