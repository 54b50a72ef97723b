/// Every file of configs/ is valid and explained.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "io/config.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> shipped_configs() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{FACTORPS_SOURCE_DIR "/configs"})
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  return files;
}

TEST(ShippedConfigs, AreAllValid) {
  ASSERT_GE(shipped_configs().size(), 4u);
  for (const fs::path& file : shipped_configs())
    EXPECT_NO_THROW(static_cast<void>(load_config(file))) << file;
}

TEST(ShippedConfigs, OpenWithAComment) {
  for (const fs::path& file : shipped_configs())
    EXPECT_EQ(test::read_text(file).front(), '#') << file;
}

TEST(ShippedConfigs, NeverShareARunDirectory) {
  std::set<fs::path> directories;
  for (const fs::path& file : shipped_configs())
    EXPECT_TRUE(directories.insert(load_config(file).run.dir).second) << file;
}

TEST(ShippedConfigs, HoldTheDataOfTheWorkedExample) {
  const Config config = load_config(FACTORPS_SOURCE_DIR "/configs/worked-example.toml");
  ASSERT_EQ(config.data.source.size(), 1u);
  EXPECT_TRUE(fs::exists(config.data.source.front()));
}

}  // namespace
}  // namespace factorps
