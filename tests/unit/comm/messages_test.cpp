#include "comm/messages.hpp"

#include <cstring>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps::comm {
namespace {

// All fields of each message, so that two can be compared.
auto fields(const StartPass& m) {
  return std::tuple{m.pass, m.kind, m.part, m.learning_rate_factor, m.cut, m.first_step};
}
auto fields(const MemoryUse& m) { return std::tuple{m.process, m.bytes, m.held}; }
auto fields(const StripsDone& m) {
  std::vector<std::uint64_t> hot;
  for (const HotRow& row : m.hot_rows) hot.insert(hot.end(), {row.table, row.row, row.pushes});
  return std::tuple{m.pass, m.strips, m.sums, m.block_bytes, m.blocks, fields(m.memory), hot};
}
auto fields(const Progress& m) { return std::tuple{m.pass, m.interactions}; }
auto fields(const RowTraffic& m) {
  return std::tuple{m.rows_pulled_here, m.rows_pulled_away, m.cache_hits,
                    m.rows_pushed_here, m.rows_pushed_away, m.gradients_combined,
                    m.combined_on_node, m.bytes_sent,       m.bytes_received,
                    m.staleness};
}
auto fields(const WorkerDone& m) {
  return std::tuple{m.pass,
                    m.cells,
                    m.interactions,
                    m.compute_seconds,
                    m.wait_turn_seconds,
                    m.wait_block_seconds,
                    m.cpu_seconds,
                    fields(m.rows),
                    fields(m.memory)};
}
auto fields(const Command& m) {
  return std::tuple{m.kind, m.directory, m.provenance, m.shards, m.cut, m.step};
}
auto fields(const CommandDone& m) {
  using Numbers = std::vector<std::uint64_t>;
  std::vector<std::pair<std::string, Numbers>> files;
  for (const auto& f : m.files) {
    files.emplace_back(f.name, Numbers{f.bytes, f.checksum, f.frame});
    for (const auto& d : f.datasets) {
      files.emplace_back(d.name, Numbers{d.offset, d.bytes, d.checksum});
    }
  }
  return std::tuple{m.kind, files, m.digest, m.error, m.exit_code, m.step};
}

StartPass example(const StartPass&) { return {5, PassKind::evaluate, 2, 0.25F, 7, 8, 9}; }
StripsDone example(const StripsDone&) {
  return {
      std::uint64_t{1} << 40, {3, 1}, std::vector<double>(16, 0.5), 11, 12, {-7, 9}, {{1, 2, 3}}};
}
Progress example(const Progress&) { return {3, std::uint64_t{1} << 50}; }
WorkerDone example(const WorkerDone&) {
  return {1, 2, 3, 0.5, 0.25, 0.125, 0.75, {6, 7, 8, 9, 10, 11, 12, 13, 14, {15, 16}}, {4, 5}};
}
Command example(const Command&) {
  return {CommandKind::export_model, "a/b", R"({"k": 1})", {"x", ""}, 6, 7};
}
CommandDone example(const CommandDone&) {
  return {CommandKind::save,
          {{"shard-000.h5", 10, 11, 12, {{"/a", 1, 2, 3}}}, {"", 0, ~0ULL, 5}},
          "abc",
          "no space",
          5,
          6};
}

template <class Message>
class EveryMessage : public testing::Test {};
using Messages = testing::Types<StartPass, StripsDone, Progress, WorkerDone, Command, CommandDone>;
TYPED_TEST_SUITE(EveryMessage, Messages);

TYPED_TEST(EveryMessage, ComesBackAsItWas) {
  const TypeParam message = example(TypeParam{});
  EXPECT_EQ(fields(decode<TypeParam>(encode(message))), fields(message));
  EXPECT_EQ(fields(decode<TypeParam>(encode(TypeParam{}))), fields(TypeParam{}));
}

TYPED_TEST(EveryMessage, IsRefusedWhenCutAnywhere) {
  const auto bytes = encode(example(TypeParam{}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THROW(static_cast<void>(decode<TypeParam>(cut)), ProtocolError) << size;
  }
}

TYPED_TEST(EveryMessage, IsRefusedWithTrailingBytes) {
  auto bytes = encode(example(TypeParam{}));
  bytes.push_back(std::byte{0});
  EXPECT_THROW(static_cast<void>(decode<TypeParam>(bytes)), ProtocolError);
}

/// How often decode() speaks of a list of 2^33 `what` when this number is put at each place of a
/// message, one after the other.
template <class Message>
std::size_t long_lists(const Message& message, const std::string& what) {
  const std::uint64_t huge = std::uint64_t{1} << 33;
  const auto good = encode(message);
  std::size_t found = 0;
  for (std::size_t place = 0; place + sizeof huge <= good.size(); ++place) {
    auto bytes = good;
    std::memcpy(bytes.data() + place, &huge, sizeof huge);
    try {
      static_cast<void>(decode<Message>(bytes));
    } catch (const ProtocolError& error) {
      found += error.what() == "malformed message: a list of 8589934592 " + what ? 1U : 0U;
    }
  }
  return found;
}

// A list is not given memory because a number says so: 2^33 doubles would be 64 GiB of zeros.
TEST(Lists, AreNotLongerThanTheirMessage) {
  EXPECT_EQ(long_lists(example(StripsDone{}), "elements"), 3U);
  EXPECT_EQ(long_lists(example(Command{}), "texts"), 1U);
  EXPECT_EQ(long_lists(example(Command{}), "elements"), 4U);  // and two texts of the list
  EXPECT_EQ(long_lists(example(CommandDone{}), "elements"), 8U);
}

}  // namespace
}  // namespace factorps::comm
