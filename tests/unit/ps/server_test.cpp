#include "ps/server.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

#include "comm/local_transport.hpp"
#include "common/aligned_buffer.hpp"
#include "common/error.hpp"
#include "io/checkpoint.hpp"
#include "io/model_file.hpp"
#include "model/initial.hpp"
#include "ps/block_store.hpp"
#include "tests/support/synthetic_dataset.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::ps {
namespace {

constexpr std::size_t kDim = 5;
constexpr std::uint32_t kSteps = 4;  // of the grid below

/// Some servers over their own tables, with a link that plays the scheduler.
class Servers {
 public:
  Servers(const Dataset& dataset, int servers)
      : memory_{Tables::bytes_needed(dataset.grid(), kDim, whole_grid(dataset.grid()))},
        tables_{memory_.span(), dataset.grid(), kDim, whole_grid(dataset.grid())},
        hub_{1 + servers},
        scheduler_{hub_.link(0)} {
    JobLayout layout = layout_of_process(1);
    layout.servers = servers;
    layout.node_of_role.assign(static_cast<std::size_t>(layout.roles()), 0);
    const CellOrder order{dataset.grid().strips(), dataset.grid().blocks(), 1};
    const Placement placement{order, place_strips(dataset.grid().strips(), layout), 1};
    for (const Shard& shard : shards_of(layout, placement)) {
      links_.push_back(hub_.link(1 + shard.index));
      servers_.push_back(
          std::make_unique<Server>(*links_.back(), shard.index,
                                   std::make_unique<BlockStore>(shard, tables_, dataset, kSteps,
                                                                ServerOptions{7, 0.5F, {}, true})));
    }
  }

  /// @return the replies [server]
  std::vector<comm::CommandDone> run(const comm::Command& command) {
    std::vector<comm::CommandDone> replies;
    for (std::size_t s = 0; s < servers_.size(); ++s) {
      scheduler_->send(static_cast<int>(s) + 1, comm::Tag::command, comm::encode(command));
      EXPECT_TRUE(servers_[s]->step());
      const auto envelope = scheduler_->poll();
      EXPECT_EQ(envelope->tag, comm::Tag::command_done);
      replies.push_back(comm::decode<comm::CommandDone>(envelope->body));
      EXPECT_EQ(replies.back().kind, command.kind);
    }
    return replies;
  }

  /// Saves a checkpoint as the scheduler does.
  void save(const std::filesystem::path& directory) {
    std::filesystem::create_directories(directory);
    CheckpointManifest manifest{3, "data", "identity", "avx2", "{}", {}};
    for (const auto& reply : run({comm::CommandKind::save, directory.string(), {}})) {
      EXPECT_EQ(reply.error, "");
      for (const auto& file : reply.files) {
        CheckpointFile& written = manifest.files.emplace_back();
        written = {file.name, file.bytes, file.checksum, file.frame};
        for (const auto& d : file.datasets) {
          written.datasets.push_back({d.name, d.offset, d.bytes, d.checksum});
        }
      }
    }
    const CheckpointStore store{directory.parent_path()};
    store.commit(directory, manifest);
  }

  Server& server(std::size_t s) { return *servers_[s]; }
  comm::Transport& scheduler() { return *scheduler_; }
  const Tables& tables() const { return tables_; }
  std::span<std::byte> memory() const { return memory_.span(); }

 private:
  AlignedBuffer<std::byte> memory_;
  Tables tables_;
  comm::LocalHub hub_;
  std::unique_ptr<comm::Transport> scheduler_;
  std::vector<std::unique_ptr<comm::Transport>> links_;
  std::vector<std::unique_ptr<Server>> servers_;
};

class ServerOf : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  Dataset dataset_{test::write_synthetic(directory_ / "data.h5")};
};

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

/// Whether every warm row is as initial_row() makes it, and everything else zero.
void expect_initial(const RowsView& rows, std::uint64_t first,
                    std::span<const std::uint32_t> counts, Purpose table) {
  for (std::size_t r = 0; r < rows.rows; ++r) {
    std::vector<float> expected(rows.stride, 0.0F);
    if (counts[first + r] > 0) initial_row({expected.data(), kDim}, first + r, 7, table, 0.5F);
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), rows.factors + r * rows.stride));
    ASSERT_EQ(rows.states[r].bias, 0);
    ASSERT_EQ(rows.states[r].accumulator, 0);
  }
}

TEST_F(ServerOf, InitialisesWarmRowsAndLeavesColdOnesZero) {
  Servers job{dataset_, 1};
  EXPECT_EQ(job.run({comm::CommandKind::initialise, {}, {}})[0].error, "");
  const Grid& grid = dataset_.grid();
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    expect_initial(job.tables().strip(StripId{s}), grid.users_of(StripId{s}).begin,
                   dataset_.user_counts(), Purpose::init_user);
  }
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    expect_initial(job.tables().block(BlockId{b}), grid.items_of(BlockId{b}).begin,
                   dataset_.item_counts(), Purpose::init_item);
  }
  EXPECT_EQ(dataset_.user_counts().back(), 0U);  // the dataset has a cold user and a cold item
  EXPECT_EQ(dataset_.item_counts().back(), 0U);
}

TEST_F(ServerOf, ComputesTheSameOnAnyNumberOfServers) {
  Servers one{dataset_, 1};
  static_cast<void>(one.run({comm::CommandKind::initialise, {}, {}}));
  for (const int servers : {2, 3, 9}) {
    Servers several{dataset_, servers};
    static_cast<void>(several.run({comm::CommandKind::initialise, {}, {}}));
    EXPECT_TRUE(same(several.memory(), one.memory())) << servers;
  }
}

TEST_F(ServerOf, LoadsWhatOthersSavedOnAnyNumberOfServers) {
  Servers two{dataset_, 2};
  static_cast<void>(two.run({comm::CommandKind::initialise, {}, {}}));
  two.tables().strip(StripId{1}).states[0] = {0.25F, 8};
  two.tables().block(BlockId{2}).states[1] = {-0.5F, 4};
  two.save(directory_ / "run/.saving");
  const auto saved = directory_ / "run/epoch-000003";
  for (const int servers : {1, 2, 3, 9}) {
    Servers others{dataset_, servers};
    for (const auto& reply : others.run({comm::CommandKind::load, saved.string(), {}})) {
      EXPECT_EQ(reply.error, "");
    }
    EXPECT_TRUE(same(others.memory(), two.memory())) << servers;
  }
}

/// Bytes that this process has asked the system to read so far; none if it does not say.
std::optional<std::uint64_t> bytes_read() {
  std::ifstream in{"/proc/self/io"};
  std::string name;
  std::uint64_t bytes = 0;
  if (in >> name >> bytes && name == "rchar:") return bytes;
  return std::nullopt;
}

TEST_F(ServerOf, ReadsEveryByteOfACheckpointOnceWhoeverLoadsIt) {
  // Large enough that reading a byte twice is more than all that is read besides.
  const Dataset large{test::write_synthetic(directory_ / "large.h5", {6000, 1000, 4, 3, 12, 1})};
  Servers three{large, 3};
  static_cast<void>(three.run({comm::CommandKind::initialise, {}, {}}));
  three.save(directory_ / "run/.saving");
  const auto saved = directory_ / "run/epoch-000003";
  const CheckpointManifest manifest = read_manifest(saved);
  std::uint64_t rows = 0;
  for (const CheckpointFile& file : manifest.files) {
    for (const CheckpointDataset& data : file.datasets) rows += data.bytes;
  }
  for (const int servers : {1, 2, 5}) {
    Servers others{large, servers};
    const auto before = bytes_read();
    if (!before) GTEST_SKIP() << "the system does not count what a process reads";
    static_cast<void>(others.run({comm::CommandKind::load, saved.string(), {}}));
    const std::uint64_t all = *bytes_read() - *before;
    // Each server also reads the manifest, and this test what the system counts.
    const auto besides =
        static_cast<std::uint64_t>(servers) * std::filesystem::file_size(saved / "manifest.json") +
        8192;
    ASSERT_LT(besides, rows);
    EXPECT_GE(all, rows);
    EXPECT_LE(all, rows + besides) << servers;
  }
}

TEST_F(ServerOf, SendsErrorsOfTheDiskBack) {
  Servers job{dataset_, 2};
  const auto nowhere = (directory_ / "no/such/directory").string();
  for (const auto& reply : job.run({comm::CommandKind::save, nowhere, {}})) {
    EXPECT_NE(reply.error.find(nowhere), std::string::npos) << reply.error;
    EXPECT_EQ(reply.exit_code, static_cast<int>(ExitCode::resources));
  }
  for (const auto& reply : job.run({comm::CommandKind::load, nowhere, {}})) {
    EXPECT_NE(reply.error.find(nowhere), std::string::npos) << reply.error;
    EXPECT_EQ(reply.exit_code, static_cast<int>(ExitCode::checkpoint));
  }
}

TEST_F(ServerOf, ExportsOnServerZeroAlone) {
  Servers job{dataset_, 2};
  static_cast<void>(job.run({comm::CommandKind::initialise, {}, {}}));
  const auto replies =
      job.run({comm::CommandKind::export_model, directory_.path().string(), R"({"a": 1})"});
  EXPECT_EQ(replies[1].digest, "");
  const Model model{directory_ / "model.h5"};
  model.verify();
  EXPECT_EQ(model.sha256(), replies[0].digest);
  EXPECT_EQ(model.info().provenance, R"({"a": 1})");
}

TEST_F(ServerOf, ExportsRowsIdsCountsAndSeenItems) {
  Servers job{dataset_, 1};
  static_cast<void>(job.run({comm::CommandKind::initialise, {}, {}}));
  job.tables().block(BlockId{1}).states[0].bias = 0.75F;
  static_cast<void>(job.run({comm::CommandKind::export_model, directory_.path().string(), "{}"}));
  const Model model{directory_ / "model.h5"};
  const Grid& grid = dataset_.grid();
  EXPECT_EQ(model.info().mu, dataset_.train_mean());
  EXPECT_EQ(model.item_bias()[grid.items_of(BlockId{1}).begin], 0.75F);
  EXPECT_EQ(model.user_ids().text(7), "u7");
  EXPECT_TRUE(std::ranges::equal(model.user_counts(), dataset_.user_counts()));
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    const RowsView rows = job.tables().strip(StripId{s});
    for (std::uint64_t u = 0; u < rows.rows; ++u) {
      const auto found = model.user(grid.users_of(StripId{s}).begin + u);
      EXPECT_TRUE(std::equal(found.begin(), found.end(), rows.factors + u * rows.stride));
    }
  }
  const auto contents = test::synthetic_contents();
  const auto& all = contents.interactions;
  std::vector<std::uint32_t> expected;
  for (std::size_t n = 0; n < all.users.size(); ++n) {
    if (all.users[n] == 11 && all.parts[n] == Part::train) expected.push_back(all.items[n]);
  }
  std::ranges::sort(expected);
  EXPECT_TRUE(std::ranges::equal(model.seen(11).value(), expected));
}

TEST_F(ServerOf, ReportsItsStripsWhenAllHaveFinished) {
  Servers job{dataset_, 2};
  const auto& tables = job.tables();
  for (std::uint32_t b = 0; b < 3; ++b) tables.sums(StripId{2}, BlockId{b}) = {1.0, 0.5 * b};
  Server& second = job.server(1);  // strips 2 and 3
  EXPECT_FALSE(second.step());
  job.scheduler().send(2, comm::Tag::start_pass, comm::encode(comm::StartPass{0, {}, 0, 1}));
  EXPECT_TRUE(second.step());
  tables.progress(StripId{2}) = 2 * kSteps;
  tables.progress(StripId{3}) = 2 * kSteps - 1;  // held
  EXPECT_FALSE(second.step());
  EXPECT_FALSE(job.scheduler().poll());
  tables.progress(StripId{3}) = 2 * kSteps;
  EXPECT_TRUE(second.step());
  const auto done = comm::decode<comm::StripsDone>(job.scheduler().poll()->body);
  EXPECT_EQ(done.pass, 0U);
  EXPECT_EQ(done.strips, (std::vector<std::uint32_t>{2, 3}));
  ASSERT_EQ(done.sums.size(), 2 * comm::kSumsPerStrip);
  EXPECT_EQ(done.sums[0], 3);
  EXPECT_EQ(done.sums[1], 1.5);
  EXPECT_FALSE(second.step());  // once
}

/// A worker may end the last cell after the server has looked, and before it says why it rests.
TEST_F(ServerOf, SaysWhatItWaitsForAtAnyTime) {
  Servers job{dataset_, 2};
  const auto& tables = job.tables();
  Server& second = job.server(1);  // strips 2 and 3
  EXPECT_EQ(second.waits_for(), "the scheduler");
  job.scheduler().send(2, comm::Tag::start_pass, comm::encode(comm::StartPass{0, {}, 0, 1}));
  EXPECT_TRUE(second.step());
  EXPECT_FALSE(second.step());
  EXPECT_EQ(second.waits_for(), "the workers to end strips 2 to 3 (pass 0)");
  tables.progress(StripId{2}) = 2 * kSteps;
  tables.progress(StripId{3}) = 2 * kSteps;
  EXPECT_EQ(second.waits_for(), "nothing (pass 0)");
}

TEST_F(ServerOf, StopsWhenTold) {
  Servers job{dataset_, 1};
  EXPECT_FALSE(job.server(0).stopped());
  job.scheduler().send(1, comm::Tag::shutdown, {});
  EXPECT_TRUE(job.server(0).step());
  EXPECT_TRUE(job.server(0).stopped());
}

TEST_F(ServerOf, RefusesMessagesThatAreNotForIt) {
  Servers job{dataset_, 1};
  job.scheduler().send(1, comm::Tag::progress, {});
  EXPECT_THROW(job.server(0).step(), ProtocolError);
  job.scheduler().send(1, comm::Tag::command, {std::byte{1}});
  EXPECT_THROW(job.server(0).step(), ProtocolError);
}

}  // namespace
}  // namespace factorps::ps
