#include "io/checkpoint.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

using nlohmann::json;
using Epochs = std::vector<std::uint64_t>;

class Checkpoints : public testing::Test {
 protected:
  /// Commits a checkpoint of one small file.
  std::filesystem::path save(std::uint64_t epoch, const std::string& text = "rows") const {
    const auto temporary = store_.begin(epoch);
    std::ofstream{temporary / "shard-000.h5"} << text;
    CheckpointManifest manifest{epoch, "data", "dim = 4\n", "avx2", R"({"best":0.5})", {}};
    manifest.files.push_back(describe_file(temporary / "shard-000.h5"));
    return store_.commit(temporary, manifest);
  }
  Epochs listed() const {
    Epochs epochs;
    for (const auto& path : store_.list()) epochs.push_back(read_manifest(path).epoch);
    return epochs;
  }
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{directory_ / "checkpoints"}) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  static std::string error_of(const std::filesystem::path& checkpoint) {
    try {
      static_cast<void>(verify_checkpoint(checkpoint));
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return "";
  }

  test::TemporaryDirectory directory_;
  CheckpointStore store_{directory_ / "checkpoints"};
};

TEST_F(Checkpoints, ComeBackAsTheyWereSaved) {
  const CheckpointManifest found = verify_checkpoint(save(12));
  EXPECT_EQ(found.epoch, 12U);
  EXPECT_EQ(found.dataset, "data");
  EXPECT_EQ(found.identity, "dim = 4\n");
  EXPECT_EQ(found.instruction_set, "avx2");
  EXPECT_EQ(json::parse(found.state), (json{{"best", 0.5}}));
  ASSERT_EQ(found.files.size(), 1U);
  EXPECT_EQ(found.files[0].name, "shard-000.h5");
  EXPECT_EQ(found.files[0].bytes, 4U);
}

TEST_F(Checkpoints, AreListedFromTheNewest) {
  EXPECT_TRUE(store_.list().empty());
  for (const std::uint64_t epoch : {9U, 1000000U, 10U, 999999U}) save(epoch);
  EXPECT_EQ(listed(), (Epochs{1000000, 999999, 10, 9}));
}

TEST_F(Checkpoints, AreNotThereBeforeTheyAreCommitted) {
  const auto temporary = store_.begin(3);
  std::ofstream{temporary / "shard-000.h5"} << "half";
  EXPECT_TRUE(store_.list().empty());
}

TEST_F(Checkpoints, BeginEmptyAfterAnInterruptedWrite) {
  std::ofstream{store_.begin(3) / "old"} << "half";
  EXPECT_TRUE(std::filesystem::is_empty(store_.begin(3)));
}

TEST_F(Checkpoints, ReplaceOneOfTheSameEpoch) {
  save(3, "damaged");
  save(3, "whole");
  EXPECT_EQ(listed(), Epochs{3});
  EXPECT_EQ(test::read_text(store_.path_of(3) / "shard-000.h5"), "whole");
  EXPECT_EQ(entries(), std::vector<std::string>{"epoch-000003"});
}

TEST_F(Checkpoints, PruneAllButTheNewestAndTheBest) {
  for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) save(epoch);
  store_.prune(2, 2);
  EXPECT_EQ(listed(), (Epochs{5, 4, 2}));
  store_.prune(1, 5);
  EXPECT_EQ(listed(), Epochs{5});
  store_.prune(1, std::nullopt);
  EXPECT_EQ(listed(), Epochs{5});
}

TEST_F(Checkpoints, PruneLeftoversOfInterruptedWrites) {
  save(1);
  static_cast<void>(store_.begin(2));
  store_.prune(2, std::nullopt);
  EXPECT_EQ(entries(), std::vector<std::string>{"epoch-000001"});
}

TEST_F(Checkpoints, AdoptOneOfAnotherRun) {
  const auto theirs = save(4, "theirs");
  const CheckpointStore other{directory_ / "other"};
  other.adopt(theirs);
  EXPECT_EQ(verify_checkpoint(other.path_of(4)).identity, "dim = 4\n");
  EXPECT_EQ(test::read_text(other.path_of(4) / "shard-000.h5"), "theirs");
  std::ofstream{theirs / "shard-000.h5"} << "Theirs";
  EXPECT_THROW(other.adopt(theirs), CheckpointError);
}

TEST_F(Checkpoints, CannotBeginWhereNothingCanBeCreated) {
  const CheckpointStore nowhere{directory_.write("file", "") / "checkpoints"};
  EXPECT_THROW(static_cast<void>(nowhere.begin(1)), ResourceError);
}

TEST_F(Checkpoints, NameTheFileThatIsDamaged) {
  const auto path = save(1);
  const auto file = (path / "shard-000.h5").string();
  std::ofstream{file} << "Rows";  // a flipped bit
  EXPECT_EQ(error_of(path).find(file + ": has 4 bytes with checksum "), 0U) << error_of(path);
  std::ofstream{file} << "row";
  EXPECT_EQ(error_of(path).find(file + ": has 3 bytes with checksum "), 0U) << error_of(path);
  EXPECT_NE(error_of(path).find(", expected 4 bytes with checksum "), std::string::npos);
  std::filesystem::remove(file);
  EXPECT_EQ(error_of(path), file + ": cannot open");
}

class Manifest : public Checkpoints {
 protected:
  Manifest() : path_{save(1)}, document_(json::parse(test::read_text(path_ / "manifest.json"))) {}
  void write(const std::string& text) const { std::ofstream{path_ / "manifest.json"} << text; }
  /// What is said about the manifest, without its place.
  std::string error() const {
    const std::string place = (path_ / "manifest.json").string() + ": ";
    const std::string text = error_of(path_);
    EXPECT_TRUE(text.empty() || text.starts_with(place)) << text;
    return text.substr(std::min(place.size(), text.size()));
  }
  std::filesystem::path path_;
  json document_;
};

TEST_F(Manifest, IsRefusedWhenCutAnywhere) {
  const std::string text = document_.dump();
  for (std::size_t size = 0; size < text.size(); ++size) {
    write(text.substr(0, size));
    ASSERT_NE(error(), "") << size;
  }
}

TEST_F(Manifest, IsRefusedWithoutAnyOfItsFields) {
  for (const auto& [key, value] : document_.items()) {
    json changed = document_;
    changed.erase(key);
    write(changed.dump());
    EXPECT_NE(error().find(key), std::string::npos) << key;
    changed[key] = json::array({json::array()});  // of the wrong type
    write(changed.dump());
    EXPECT_EQ(error().empty(), key == "state") << key;  // which may be any JSON
  }
}

TEST_F(Manifest, IsRefusedFromAnotherProgramOrTheFuture) {
  json changed = document_;
  changed["format"] = "else";
  write(changed.dump());
  EXPECT_EQ(error(), "not a manifest of a checkpoint");
  changed = document_;
  changed["version"] = kCheckpointVersion + 1;
  write(changed.dump());
  EXPECT_EQ(error(), "version 3, expected at most 2");
}

TEST_F(Manifest, MayNotLeaveItsDirectory) {
  for (const char* name : {"../shard-000.h5", "/etc/passwd", "..", ".", "", "a/b"}) {
    json changed = document_;
    changed["files"][0]["name"] = name;
    write(changed.dump());
    EXPECT_EQ(error(), "file name '" + std::string{name} + "' leaves the checkpoint");
  }
}

TEST_F(Manifest, IsMissedWhereThereIsNone) {
  std::filesystem::remove(path_ / "manifest.json");
  EXPECT_EQ(error_of(path_),
            path_.string() + ": no checkpoint, expected a directory with manifest.json");
}

TEST(ShardName, HasThreeDigits) {
  EXPECT_EQ(shard_name(0), "shard-000.h5");
  EXPECT_EQ(shard_name(1234), "shard-1234.h5");
}

}  // namespace
}  // namespace factorps
