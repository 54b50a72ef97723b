#include "common/fault.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "common/error.hpp"

namespace factorps {
namespace {

TEST(Fault, SaysWhoDiesWhere) {
  const Fault fault = parse_fault("kill rank=2 epoch=3 cell=17");
  EXPECT_EQ(fault.action, FaultAction::kill);
  EXPECT_EQ(fault.rank, 2);
  EXPECT_EQ(fault.epoch, 3U);
  EXPECT_EQ(fault.cell, 17U);
  EXPECT_EQ(parse_fault("freeze  checkpoint=manifest nth=2").checkpoint, CheckpointPhase::manifest);
  EXPECT_EQ(parse_fault("kill rank=0 seconds=1.5").seconds, 1.5);
}

TEST(Fault, SaysWhatTheDiskDoes) {
  const Fault fails = parse_fault("fail write=5 path=shard-001 error=ENOSPC");
  EXPECT_EQ(fails.operation, FileOperation::write);
  EXPECT_EQ(fails.nth, 5U);
  EXPECT_EQ(fails.path, "shard-001");
  EXPECT_EQ(fails.error, ENOSPC);
  EXPECT_EQ(parse_fault("fail rename=1").error, EIO);
  EXPECT_EQ(parse_fault("fill bytes=1000").bytes, 1000U);
  EXPECT_EQ(parse_fault("flip path=model.h5 byte=9 bit=3").byte, 9U);
  EXPECT_EQ(parse_fault("truncate path=manifest bytes=0").bytes, 0U);
}

TEST(Fault, ComesInListsWithSemicolons) {
  const auto faults = parse_faults(" kill rank=1 cell=4;; delay looks=50 seed=7 ;");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].text, "kill rank=1 cell=4");
  EXPECT_EQ(faults[1].looks, 50U);
  EXPECT_EQ(faults[1].seed, 7U);
  EXPECT_TRUE(parse_faults("").empty());
}

struct Mistake {
  std::string text;
  std::string message;
};

TEST(Fault, NamesWhatIsWrongWithIt) {
  const std::vector<Mistake> mistakes{
      {"kil rank=1 epoch=1", "fault \"kil rank=1 epoch=1\": expected kill"},
      {"", "fault \"\": expected one of kill, freeze, fail, fill, flip, truncate, delay, drop"},
      {"kill rank=x epoch=1",
       "fault \"kill rank=x epoch=1\": rank = x, expected a number of at least 0"},
      {"kill epoch=0", "fault \"kill epoch=0\": epoch = 0, expected a number of at least 1"},
      {"kill epoch", "fault \"kill epoch\": expected epoch=VALUE"},
      {"kill epoch=1 epoch=2", "fault \"kill epoch=1 epoch=2\": has epoch twice"},
      {"kill rank=1", "fault \"kill rank=1\": expected one of epoch, cell, checkpoint, seconds"},
      {"kill epoch=1 seconds=2",
       "fault \"kill epoch=1 seconds=2\": expected one of epoch, cell, checkpoint, seconds"},
      {"fill bytes=9 epoch=1",
       "fault \"fill bytes=9 epoch=1\": epoch is no key of fill; expected one of bytes, rank, "
       "path"},
      {"fail sync=1 error=EPERM",
       "fault \"fail sync=1 error=EPERM\": error = EPERM, expected one of EIO, ENOSPC, EDQUOT, "
       "EROFS"},
      {"kill checkpoint=end",
       "fault \"kill checkpoint=end\": checkpoint = end, expected one of begin, writing, written, "
       "manifest, rename, prune, load, model"}};
  for (const auto& [text, message] : mistakes) {
    try {
      static_cast<void>(parse_fault(text));
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.what(), message);
    }
  }
}

}  // namespace
}  // namespace factorps
