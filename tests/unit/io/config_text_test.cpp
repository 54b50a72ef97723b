#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "io/config_schema.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

TEST(ConfigSchema, DeclaresEachKeyOnceInAKnownSection) {
  Config config;
  std::set<std::string_view> sections;
  for (const Section& section : config_sections()) sections.insert(section.name);
  std::set<std::string_view> keys;
  for (const Field& field : config_fields(config)) {
    EXPECT_TRUE(keys.insert(field.key).second) << field.key;
    EXPECT_TRUE(sections.contains(field.section())) << field.key;
    EXPECT_FALSE(field.help.empty()) << field.key;
  }
}

TEST(ConfigSchema, AcceptsItsOwnDefaults) {
  Config config;
  for (const Field& field : config_fields(config)) EXPECT_TRUE(obeys_rule(field)) << field.key;
}

TEST(TrainingIdentity, ChangesWithWhatChangesTheBits) {
  const std::string before = training_identity(Config{});
  Config other;
  other.train.l2_item = 0.5;
  EXPECT_NE(training_identity(other), before);
  other = Config{};
  other.model.dim = 33;
  EXPECT_NE(training_identity(other), before);
}

TEST(TrainingIdentity, IgnoresPathsLayoutAndLimits) {
  Config other;
  other.run.dir = "elsewhere";
  other.data.dataset = "moved.h5";
  other.cluster.servers = 3;
  other.cluster.node_size = 2;
  other.train.epochs = 1000;
  other.train.time_limit_minutes = 5;
  other.checkpoint.keep = 9;
  EXPECT_EQ(training_identity(other), training_identity(Config{}));
}

TEST(ConfigurationMarkdown, IsWhatTheDocumentationHolds) {
  EXPECT_EQ(test::read_text(FACTORPS_SOURCE_DIR "/docs/configuration.md"), configuration_markdown())
      << "run: factorps config --markdown > docs/configuration.md";
}

TEST(ConfigurationMarkdown, HasARowForEveryKey) {
  Config config;
  const std::string text = configuration_markdown();
  for (const Field& field : config_fields(config))
    EXPECT_NE(text.find("| `" + std::string{field.name()} + "` |"), std::string::npos) << field.key;
}

}  // namespace
}  // namespace factorps
