#include "io/prepare/row_reader.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "io/prepare/merge.hpp"
#include "io/prepare/shares.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

/// "user item value [time]" of every row, in external ids.
std::vector<std::string> text_of(const RawInteractions& data) {
  std::vector<std::string> rows;
  for (std::size_t n = 0; n < data.rows.size(); ++n) {
    std::string row = data.user_ids.text(data.rows.users[n]) + ' ' +
                      data.item_ids.text(data.rows.items[n]) + ' ' +
                      std::to_string(data.rows.values[n]).substr(0, 4);
    if (!data.rows.times.empty()) row += ' ' + std::to_string(data.rows.times[n]);
    rows.push_back(std::move(row));
  }
  return rows;
}

class Reading : public testing::Test {
 protected:
  test::TemporaryDirectory directory_;
  Config config_;
  RowRules rules_;

  void add(const std::string& name, const std::string& text) {
    config_.data.source.push_back(directory_.write(name, text));
  }
  RawInteractions read(std::uint32_t shares = 1) {
    const auto files = find_raw_files(config_);
    std::vector<Chunk> chunks;
    for (std::uint32_t s = 0; s < shares; ++s) {
      const Chunk chunk = read_share(segments_of(files, s, shares), rules_);
      chunks.push_back(chunk_from_bytes(to_bytes(chunk)));  // as if from another rank
    }
    return merge_chunks(std::move(chunks), rules_.max_bad_rows);
  }
  std::vector<std::string> rows(const std::string& text) {
    config_.data.source.clear();
    add("ratings", text);
    return text_of(read());
  }
  std::string error(const std::string& text, std::uint32_t shares = 1) {
    config_.data.source.clear();
    add("ratings", text);
    try {
      read(shares);
    } catch (const DataError& error) {
      std::string message = error.what();
      const std::string prefix = directory_.path().string() + "/";
      if (const auto at = message.find(prefix); at != std::string::npos) {
        message.erase(at, prefix.size());
      }
      return message;
    }
    return "no error";
  }
};

using Rows = std::vector<std::string>;

TEST_F(Reading, EveryFormatGivesTheSameRows) {
  const Rows expected{"1 20 4.50", "7 3 0.50"};
  EXPECT_EQ(rows("1 20 4.5\n7 3 0.5"), expected);
  EXPECT_EQ(rows("1\t20\t4.5\n7\t3\t.5\n"), expected);
  EXPECT_EQ(rows("1,20,4.5\r\n\r\n7,3,5e-1\r\n"), expected);
  EXPECT_EQ(rows("user;item;rating\n1;20;4.5\n7;3;0.5\n"), expected);
  EXPECT_EQ(rows("1::20::4.5::9\n7::3::0.5::8\n"), expected);
  EXPECT_EQ(rows("\xEF\xBB\xBFmovieId,rating,userId\n20,4.5,1\n3,0.5,7\n"), expected);
  EXPECT_EQ(rows("user,item,note,rating\n1,20,\"a, \"\"b\"\"\nc\",4.5\n\"7\",\"3\",,0.5\n"),
            expected);
  EXPECT_EQ(rows("user_id:token\titem_id:token\trating:float\n1\t20\t4.5\n7\t3\t0.5\n"), expected);
}

TEST_F(Reading, ListsCountEveryItemOnce) {
  EXPECT_EQ(rows("5 1 2 3 4\n6\n7 9\n"),
            (Rows{"5 1 1.00", "5 2 1.00", "5 3 1.00", "5 4 1.00", "7 9 1.00"}));
}

TEST_F(Reading, TimesAreHeldWhenAsked) {
  rules_.hold_time = true;
  EXPECT_EQ(rows("1\t20\t4.5\t881250949\n1\t21\t4.5\t2000-01-01 00:00:01\n"),
            (Rows{"1 20 4.50 881250949", "1 21 4.50 946684801"}));
  EXPECT_EQ(error("1\t20\t4.5\t5\n1\t21\t4.5\tsoon\n"),
            "ratings:2: time \"soon\", expected unix seconds or an ISO date-time");
}

TEST_F(Reading, IdsAreNumberedInTheirOwnOrder) {
  add("ratings", "10,b,1\n9,a,1\n-1,10,1\n10,9,1\n");
  const RawInteractions data = read();
  EXPECT_TRUE(data.user_ids.integers());
  EXPECT_EQ(data.user_ids.text(0) + data.user_ids.text(1) + data.user_ids.text(2), "-1910");
  EXPECT_FALSE(data.item_ids.integers());  // one id that is none makes all of them text
  EXPECT_EQ(data.item_ids.text(0) + "," + data.item_ids.text(1) + "," + data.item_ids.text(2),
            "10,9,a");
  EXPECT_EQ(text_of(data), (Rows{"10 b 1.00", "9 a 1.00", "-1 10 1.00", "10 9 1.00"}));
}

TEST_F(Reading, IdsThatLookLikeNumbersStayApart) {
  EXPECT_EQ(rows("007,1,1\n7,1,2\n 7,1,3\n"), (Rows{"007 1 1.00", "7 1 2.00", " 7 1 3.00"}));
}

TEST_F(Reading, ErrorsNameFileLineAndFinding) {
  EXPECT_EQ(error("1,2,3\n1,2\n"), "ratings:2: found 2 fields, expected the value in field 3");
  EXPECT_EQ(error("user,item,rating\n1,2,3\n\n1,2,good\n"),
            "ratings:4: value \"good\", expected a finite number");
  EXPECT_EQ(error("1,2,3\n,2,3\n"), "ratings:2: the user (field 1) is empty");
  EXPECT_EQ(error("1,2,3\n1,2,nan\n"), "ratings:2: value \"nan\", expected a finite number");
  EXPECT_EQ(error("user,item\n1,\"2\n3,4\n"),
            "ratings:2: a quoted field does not end before the file does");
  EXPECT_EQ(error("user,item\n1,\"2\"x\n"), "ratings:2: found text after a closing quote");
  EXPECT_EQ(error("\n"), "the files hold no interaction");
  rules_.min_value = 1.0F;
  rules_.max_value = 5.0F;
  EXPECT_EQ(error("1,2,3\n1,2,5.5\n"),
            "ratings:2: value 5.5 is outside the range 1 to 5 of [clean]");
  EXPECT_EQ(error("1,2,1\n1,3,5\n"), "no error");
}

TEST_F(Reading, SaysWhyNoRowIsLeft) {
  rules_.max_bad_rows = 1000;
  EXPECT_EQ(error("user,item,rating\n1,2,x\n1,2\n"),
            "all 2 rows were bad, the first at ratings:2: value \"x\", expected a finite number");
  rules_.min_value = 4.0F;
  EXPECT_EQ(error("1,2,3\n\n1,3,2\n"),
            "all 2 rows were bad, the first at ratings:1: value 3 is outside the range 4 to inf of "
            "[clean]");
}

TEST_F(Reading, SaysWhyNoRowOfTheSourcesIsLeft) {
  rules_.max_bad_rows = 1000;
  config_.split.method = "given";
  config_.data.test = {directory_.write("test", "1,2,3\n")};
  EXPECT_EQ(error("user,item,rating\n1,2,x\n"),
            "data.source holds no usable row: 1 of 2 were bad, the first at ratings:2: value "
            "\"x\", expected a finite number");
}

TEST_F(Reading, AQuoteInPlainTextIsNamed) {
  config_.data.format = "triples";
  EXPECT_EQ(error("1,2,3\n1,\"2\",3\n"),
            "ratings:2: found a quoted field; expected none unless data.format = \"csv\"");
}

TEST_F(Reading, BadRowsMayBeLeftOut) {
  rules_.max_bad_rows = 2;
  add("ratings", "1,2,3\nx\n1,2,y\n4,5,1\n");
  const RawInteractions data = read();
  EXPECT_EQ(text_of(data), (Rows{"1 2 3.00", "4 5 1.00"}));
  EXPECT_EQ(data.bad.count, 2U);
  EXPECT_EQ(data.lines, 4U);
  ASSERT_EQ(data.bad.first.size(), 2U);
  EXPECT_TRUE(data.bad.first[1].ends_with("ratings:3: value \"y\", expected a finite number"));
  EXPECT_TRUE(error("1,2,3\nx\ny\n1,2,z\n", 3).starts_with("more than 2 bad rows"));
}

TEST_F(Reading, AnyNumberOfSharesGivesTheSame) {
  std::string text = "user,item,rating\n";
  std::string lists = "";
  for (int n = 0; n < 200; ++n) {
    text += std::to_string(n * 37 % 50) + (n % 7 == 0 ? "x," : ",") + std::to_string(n) + ",2.5\n";
    lists += std::to_string(n) + " 5 6 7 8\n" + std::to_string(n) + "\n";
  }
  add("a", text);
  add("b", lists);
  add("c", "");
  add("d", "user,item,note\n1,2,\"x\ny\"\n");
  add("e", "1 2 3.5");  // no line end
  const auto expected = text_of(read());
  EXPECT_EQ(expected.size(), 200U + 800U + 2U);
  for (const std::uint32_t shares : {2U, 3U, 4U, 7U, 61U})
    EXPECT_EQ(text_of(read(shares)), expected) << shares;
}

TEST(Chunk, SurvivesTheWayToAnotherRank) {
  for (const std::uint32_t most :
       {0U, 255U, 256U, 65535U, 70000U, 16777216U, 0x8000'0001U, 0xFFFF'FFFFU}) {
    for (const float last : {2.5F, 0.1F}) {  // a byte each, or floats
      Chunk chunk;
      for (std::uint32_t n = 0; n < 10; ++n) {
        chunk.rows.users.push_back(most - most / 10 * n);
        chunk.rows.items.push_back(n);
        chunk.rows.values.push_back(n == 9 ? last : static_cast<float>(n));
        chunk.rows.times.push_back(-std::int64_t{n});
      }
      chunk.users.integers = {-1, 5};
      chunk.items.offsets = {0, 2};
      chunk.items.bytes = "ab";
      chunk.bad = {3, {"x"}};
      chunk.source_rows = 7;
      const auto bytes = to_bytes(chunk);
      const Chunk copy = chunk_from_bytes(bytes);
      EXPECT_EQ(copy.rows.users, chunk.rows.users);
      EXPECT_EQ(copy.rows.items, chunk.rows.items);
      EXPECT_EQ(copy.rows.values, chunk.rows.values);
      EXPECT_EQ(copy.rows.times, chunk.rows.times);
      EXPECT_EQ(copy.users.integers, chunk.users.integers);
      EXPECT_EQ(copy.items.bytes, "ab");
      EXPECT_EQ(copy.bad.first, chunk.bad.first);
      EXPECT_EQ(copy.source_rows, 7U);
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_THROW(static_cast<void>(chunk_from_bytes(std::span{bytes}.first(size))),
                     ProtocolError);
      }
    }
  }
}

TEST(Chunk, OfAnotherRankIsCheckedBeforeItIsMerged) {
  Chunk good;
  good.users.integers = {5};
  good.items.offsets = {0, 2};
  good.items.bytes = "ab";
  good.rows.users = {0, 0};
  good.rows.items = {CollectedIds::kTextBit, CollectedIds::kTextBit};
  good.rows.values = {1, 1};
  good.source_rows = 2;
  check_received(good);
  const auto expect_refused = [&](auto change) {
    Chunk bad = good;
    change(bad);
    EXPECT_THROW(check_received(bad), ProtocolError);
  };
  expect_refused([](Chunk& c) { c.rows.users[1] = 1; });
  expect_refused([](Chunk& c) { c.rows.items[1] = 0; });
  expect_refused([](Chunk& c) { c.rows.items[1] = CollectedIds::kTextBit + 1; });
  expect_refused([](Chunk& c) { c.items.offsets = {0, 3}; });
  expect_refused([](Chunk& c) { c.items.offsets.clear(); });
  expect_refused([](Chunk& c) { c.source_rows = 3; });
  expect_refused([](Chunk& c) { c.rows.times = {7}; });
}

// Two numbers would ask for 16 GiB.
TEST(Chunk, RunsDoNotTakeMoreMemoryThanTheirMessage) {
  Chunk chunk;
  for (std::uint32_t n = 0; n < 4000; ++n) {
    chunk.rows.users.push_back(n / 1000);
    chunk.rows.items.push_back(0);
    chunk.rows.values.push_back(1);
  }
  auto bytes = to_bytes(chunk);
  constexpr std::size_t kSize = 2 * (8 + 16 + 8) + 8;  // behind the ids, none, and a flag
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(kSize, std::uint64_t{0xFFFF'FFFF} + 3000);       // rows
  put(kSize + 2 * 8 + 4, std::uint32_t{0xFFFF'FFFF});  // of the first user
  try {
    static_cast<void>(chunk_from_bytes(bytes));
    FAIL();
  } catch (const ProtocolError& error) {
    EXPECT_STREQ(error.what(), "chunk: runs of another length");
  }
}

TEST(Chunk, UsersInRunsTakeLittleRoom) {
  const auto bytes_for = [](std::uint32_t run) {
    Chunk chunk;
    for (std::uint32_t n = 0; n < 9000; ++n) {
      chunk.rows.users.push_back(n / run);
      chunk.rows.items.push_back(n % 200);
      chunk.rows.values.push_back(1);
    }
    const auto bytes = to_bytes(chunk);
    EXPECT_EQ(chunk_from_bytes(bytes).rows.users, chunk.rows.users);
    return bytes.size();
  };
  EXPECT_LT(bytes_for(1000), 9000U * 2 + 500);  // item and value
  EXPECT_GT(bytes_for(1), 9000U * 4);           // and two bytes for the user
  EXPECT_LT(bytes_for(1), 9000U * 4 + 500);
}

TEST_F(Reading, TheFirstErrorIsTheSameForAnyNumberOfShares) {
  std::string text;
  for (int n = 0; n < 100; ++n) text += n == 61 || n == 90 ? "1,2,oops\n" : "1,2,3\n";
  for (const std::uint32_t shares : {1U, 2U, 3U, 8U}) {
    EXPECT_EQ(error(text, shares), "ratings:62: value \"oops\", expected a finite number")
        << shares;
  }
}

TEST_F(Reading, ADamagedFileIsAnErrorOfTheMerge) {
  const std::string bytes = "\x1F\x8B\x08 this is no gzip";
  config_.data.source = {directory_.write("ratings", bytes)};
  EXPECT_THROW(read(), DataError);
  config_.data.source = {directory_ / "missing"};
  EXPECT_THROW(read(), DataError);
}

TEST_F(Reading, TheFirstDamagedFileIsNamed) {
  rules_.max_bad_rows = 9;
  const std::string whole = "1,2,3\n";
  const std::string cut_off("\x1F\x8B\x08\0\0\0\0\0\0\3\x4B", 11);
  const auto files = [&](const char* source, const char* test) {
    return ShareSegments{{{directory_.write(source, cut_off), {}, 0, 99}},
                         {{directory_.write(test, cut_off), {}, 0, 99}}};
  };
  EXPECT_NE(read_share(files("first", "second"), rules_).failure.find("first"), std::string::npos);
}

}  // namespace
}  // namespace factorps
