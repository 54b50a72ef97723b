#include "ps/cut_writer.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "common/aligned_buffer.hpp"
#include "common/timer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kDim = 3;
constexpr std::size_t kStride = 16;

/// Two strips of which only the first has been copied.
class ACutWriter : public testing::Test {
 protected:
  ACutWriter() {
    for (const std::uint32_t s : {0U, 1U}) {
      const RowsView rows{factors_.data(), states_.data(), kStride, 4};
      cut_.parts.push_back(
          {rows_part(RowsKind::strip, s, rows, kDim), s == 0 ? nullptr : &copied_});
    }
  }
  /// What it says of itself, once it says something like `text`.
  static std::string wait_for(const std::string& text) {
    const Stopwatch stopwatch;
    std::string said;
    while (said.find(text) == std::string::npos && stopwatch.seconds() < 30) {
      std::this_thread::yield();
      const auto threads = ActivityScope::of_process(0);
      const auto writer = std::ranges::find(threads, "checkpoint writer", &ActivitySeen::who);
      if (writer != threads.end()) said = writer->doing + "; " + writer->waits_for;
    }
    return said;
  }

  test::TemporaryDirectory directory_;
  AlignedBuffer<float> factors_{4 * kStride};
  std::vector<RowState> states_ = std::vector<RowState>(4);
  std::atomic<std::uint64_t> copied_{6};
  Cut cut_{7, {}, {}};
};

TEST_F(ACutWriter, SaysWhatItWritesAndWhoseCopyItWaitsFor) {
  const auto path = directory_ / "shard-000.h5";
  CutWriter writer{path, std::move(cut_)};
  EXPECT_EQ(wait_for("copies"),
            "writes " + path.string() + "; copies of /strips/000001 and 0 more strips or blocks");
  EXPECT_EQ(writer.written(), 1U);
  EXPECT_FALSE(writer.done());

  copied_ = 7;
  while (!writer.done()) std::this_thread::yield();
  EXPECT_EQ(writer.result().datasets.size(), 6U);
  EXPECT_TRUE(damage_of(path, writer.result()).empty());
}

TEST_F(ACutWriter, GivesUpWhenNobodyWantsItsFileAnyMore) {
  { const CutWriter writer{directory_ / "shard-000.h5", std::move(cut_)}; }
  EXPECT_TRUE(ActivityScope::of_process(0).empty());
}

}  // namespace
}  // namespace factorps::ps
