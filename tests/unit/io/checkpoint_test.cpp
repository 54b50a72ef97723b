#include "io/checkpoint.hpp"

#include <cstdio>
#include <fstream>
#include <span>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "common/hash.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

using nlohmann::json;
using Epochs = std::vector<std::uint64_t>;

class Checkpoints : public testing::Test {
 protected:
  /// Commits a checkpoint of one small file.
  std::filesystem::path save(std::uint64_t epoch, const std::string& text = "rows",
                             std::uint32_t step = 0) const {
    const auto temporary = store_.begin(epoch, step);
    std::ofstream{temporary / "shard-000.h5"} << text;
    CheckpointManifest manifest{epoch, "data", "dim = 4\n", "avx2", R"({"best":0.5})", {}};
    manifest.step = step;
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

TEST_F(Checkpoints, GetNoNameIfTheirManifestReadsBackDifferently) {
  const auto before = save(1);
  for (const char* fault : {"flip path=manifest.json", "truncate path=manifest.json"}) {
    install_faults(std::make_unique<Faults>(parse_faults(fault), 0));
    try {
      save(2);
      ADD_FAILURE() << fault;
    } catch (const ResourceError& error) {
      EXPECT_EQ(error.what(),
                (directory_ / "checkpoints/.epoch-000002.tmp/manifest.json").string() +
                    ": is not what was written, when it is read back");
    }
    install_faults(nullptr);
    EXPECT_EQ(listed(), (Epochs{1}));
    EXPECT_EQ(store_.latest(), before);
  }
  save(2);
  EXPECT_EQ(listed(), (Epochs{2, 1}));
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
  EXPECT_EQ(entries(), (std::vector<std::string>{"epoch-000003", "latest"}));
}

TEST_F(Checkpoints, AreFoundAlsoIfACrashCameBeforeTheNewOneHadItsName) {
  save(2);
  const auto old = directory_ / "checkpoints/.epoch-000003.old";
  std::filesystem::rename(save(3), old);
  EXPECT_EQ(store_.list(), (std::vector{old, store_.path_of(2)}));
  store_.prune({1, std::nullopt});
  EXPECT_EQ(store_.list(), std::vector{old});
  save(3);
  std::filesystem::create_directory(old);
  EXPECT_EQ(store_.list(), std::vector{store_.path_of(3)});
  store_.prune({1, std::nullopt});
  EXPECT_FALSE(std::filesystem::exists(old));
}

TEST_F(Checkpoints, PruneAllButTheNewestAndTheBest) {
  for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) save(epoch);
  store_.prune({2, 2});
  EXPECT_EQ(listed(), (Epochs{5, 4, 2}));
  store_.prune({1, 5});
  EXPECT_EQ(listed(), Epochs{5});
  store_.prune({1, std::nullopt});
  EXPECT_EQ(listed(), Epochs{5});
}

TEST_F(Checkpoints, KeepEveryThirdEpoch) {
  for (std::uint64_t epoch = 1; epoch <= 8; ++epoch) save(epoch);
  for (const std::uint64_t epoch : {3U, 4U}) save(epoch, "rows", 2);  // of the epoch after
  EXPECT_EQ(listed(), (Epochs{8, 7, 6, 5, 4, 4, 3, 3, 2, 1}));
  store_.prune({1, 4, 3});
  EXPECT_EQ(listed(), (Epochs{8, 6, 4, 3}));
  EXPECT_TRUE(std::filesystem::exists(store_.path_of(4)));
}

TEST_F(Checkpoints, AreNotWhatElseLiesThere) {
  save(1);
  for (const char* name : {"epoch-", "epoch-1x", "epoch-000002.copy", "epoch"}) {
    directory_.write(std::filesystem::path{"checkpoints"} / name / "file", "mine");
  }
  EXPECT_EQ(listed(), Epochs{1});
  store_.prune({1, std::nullopt});
  store_.clear();
  EXPECT_EQ(entries().size(), 4U);
}

TEST_F(Checkpoints, AreNamedByALink) {
  EXPECT_FALSE(store_.latest());
  const auto first = save(1);
  EXPECT_EQ(store_.latest(), first);
  const auto second = save(2);
  EXPECT_EQ(store_.latest(), second);
  EXPECT_TRUE(std::filesystem::equivalent(directory_ / "checkpoints/latest", store_.path_of(2)));
  const auto theirs = store_.path_of(1);
  const CheckpointStore other{directory_ / "other"};
  other.adopt(theirs);
  EXPECT_FALSE(other.latest());  // an older one comes along: it is not where that run stands
}

TEST_F(Checkpoints, PruneLeftoversOfInterruptedWrites) {
  save(1);
  static_cast<void>(store_.begin(2));
  store_.prune({2, std::nullopt});
  EXPECT_EQ(entries(), (std::vector<std::string>{"epoch-000001", "latest"}));
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
  EXPECT_EQ(error_of(path).find(file + ": has checksum "), 0U) << error_of(path);
  EXPECT_NE(error_of(path).find(", expected "), std::string::npos) << error_of(path);
  EXPECT_THROW(static_cast<void>(look_at_checkpoint(path)), CheckpointError);
  std::ofstream{file} << "row";
  EXPECT_EQ(error_of(path), file + ": has 3 bytes, expected 4");
  EXPECT_THROW(static_cast<void>(look_at_checkpoint(path)), CheckpointError);
  std::filesystem::remove(file);
  EXPECT_EQ(error_of(path), file + ": cannot open: No such file or directory");
  EXPECT_THROW(static_cast<void>(look_at_checkpoint(path)), CheckpointError);
}

class Manifest : public Checkpoints {
 protected:
  Manifest() : path_{save(1)}, document_(json::parse(test::read_text(path_ / "manifest.json"))) {}
  void write(const std::string& text) const { std::ofstream{path_ / "manifest.json"} << text; }
  /// With a checksum that is right.
  void write(json document) const {
    if (document.contains("checksum")) document["checksum"] = std::string(16, '0');
    std::string text = document.dump() + '\n';
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(checksum(std::as_bytes(std::span{text}))));
    if (const auto at = text.find("0000000000000000"); at != std::string::npos) {
      text.replace(at, 16, digits);
    }
    write(text);
  }
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
  const std::string text = test::read_text(path_ / "manifest.json");
  for (std::size_t size = 0; size < text.size(); ++size) {
    write(text.substr(0, size));
    ASSERT_NE(error(), "") << size;
  }
}

TEST_F(Manifest, IsRefusedWithAnyBitFlipped) {
  const std::string text = test::read_text(path_ / "manifest.json");
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write(flipped);
    ASSERT_NE(error(), "") << "bit " << bit;
  }
}

TEST_F(Manifest, IsRefusedWithoutAnyOfItsFields) {
  for (const auto& [key, value] : document_.items()) {
    json changed = document_;
    if (key == "checksum") continue;
    changed.erase(key);
    write(changed);
    EXPECT_NE(error().find(key), std::string::npos) << key;
    changed[key] = json::array({json::array()});  // of the wrong type
    write(changed);
    EXPECT_EQ(error().empty(), key == "state") << key;  // which may be any JSON
  }
}

TEST_F(Manifest, IsRefusedFromAnotherProgramOrTheFuture) {
  json changed = document_;
  changed["format"] = "else";
  write(changed);
  EXPECT_EQ(error(), "not a manifest of a checkpoint");
  changed = document_;
  changed["version"] = kCheckpointVersion + 1;
  write(changed);
  EXPECT_EQ(error(), "version 4, expected at most 3");
  changed = document_;
  changed.erase("checksum");
  write(changed);
  EXPECT_EQ(error(), "has no checksum of its own");
}

TEST_F(Manifest, MayNotLeaveItsDirectory) {
  for (const char* name : {"../shard-000.h5", "/etc/passwd", "..", ".", "", "a/b"}) {
    json changed = document_;
    changed["files"][0]["name"] = name;
    write(changed);
    EXPECT_EQ(error(), "file name '" + std::string{name} + "' leaves the checkpoint");
  }
}

TEST_F(Manifest, RefusesDatasetsThatOverlapOrLeaveTheirFile) {
  const auto put = [&](const json& datasets) {
    json changed = document_;
    changed["files"][0]["datasets"] = datasets;
    write(changed);
  };
  const std::string zeros(16, '0');
  for (const json& datasets :
       {json{{"/a", 0, 3, zeros}, {"/b", 2, 2, zeros}}, json{{"/b", 2, 3, zeros}},
        json{{"/b", 5, 1, zeros}}, json{{"/b", 1, ~std::uint64_t{0}, zeros}}}) {
    put(datasets);
    EXPECT_NE(error().find("overlaps another dataset or the end of the file (4 bytes)"),
              std::string::npos)
        << error();
  }
  put({{"/a", 0, 2, zeros}, {"/b", 2, 2, zeros}, {"/c", 0, 0, zeros}});
  EXPECT_NO_THROW(static_cast<void>(read_manifest(path_)));
}

TEST_F(Manifest, MayNotBeNestedWithoutEnd) {
  constexpr std::size_t kDepth = 1 << 20;
  const std::string nested = std::string(kDepth, '[') + std::string(kDepth, ']');
  write(R"({"state": )" + nested + '}');
  EXPECT_EQ(error(), "no JSON object, or nested too deep");
}

TEST_F(Manifest, HoldsWholeNumbers) {
  for (const char* key : {"epoch", "version"}) {
    json changed = document_;
    changed[key] = 1e300;
    write(changed);
    EXPECT_NE(error().find("expected a whole number"), std::string::npos) << key;
  }
}

TEST_F(Manifest, NamesFilesThatAreThereThemselves) {
  const auto shard = path_ / "shard-000.h5";
  std::filesystem::rename(shard, directory_ / "elsewhere");
  std::filesystem::create_symlink(directory_ / "elsewhere", shard);
  EXPECT_EQ(error_of(path_), shard.string() +
                                 ": is a link or no file, expected one of the "
                                 "checkpoint's own files");
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
