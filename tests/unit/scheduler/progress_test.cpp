#include "scheduler/progress.hpp"

#include <cstdio>
#include <memory>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

using Mode = ProgressDisplay::Mode;

class Progress : public testing::Test {
 protected:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string shown() const {
    std::fflush(out_.get());
    return test::read_text(directory_ / "out");
  }
  static EpochLine epoch(std::uint64_t n, bool evaluated) {
    return {n, 0.9, evaluated, "rmse", 0.95, n == 1, 12.34};
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<std::FILE, Close> out_{std::fopen((directory_ / "out").c_str(), "w")};
};

TEST_F(Progress, PrintsALinePerEpochWithoutATerminal) {
  ProgressDisplay display{out_.get(), Mode::lines, false, 2, 100};
  display.update(1, 50);
  EXPECT_EQ(shown(), "");
  display.finish(epoch(1, true));
  const std::string first = shown();
  EXPECT_EQ(first.find("epoch 1/2  train rmse 0.9000  validation rmse 0.9500 (best)  "
                       "12.3 M updates/s  "),
            0U)
      << first;
  EXPECT_EQ(first.substr(first.size() - 6), " left\n");
  display.finish(epoch(2, false));
  EXPECT_EQ(shown().substr(first.size()),
            "epoch 2/2  train rmse 0.9000  12.3 M updates/s  0 s left\n");
}

TEST_F(Progress, SaysNothingWhenSilent) {
  {
    ProgressDisplay display{out_.get(), Mode::silent, true, 2, 100};
    display.update(1, 50);
    display.finish(epoch(1, true));
    display.note("a note");
  }
  EXPECT_EQ(shown(), "");
}

/// Draws at least one bar: at most ten are drawn in a second.
void draw(ProgressDisplay& display, std::uint64_t epoch, std::uint64_t interactions) {
  const Stopwatch stopwatch;
  while (stopwatch.seconds() < 0.11) display.update(epoch, interactions);
  display.update(epoch, interactions);
}

TEST_F(Progress, RedrawsABarInPlace) {
  ProgressDisplay display{out_.get(), Mode::bar, false, 2, 100};
  draw(display, 2, 50);  // three quarters
  const std::string text = shown();
  EXPECT_EQ(text.find("\r\r[==================      ]  75 %"), 0U) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST_F(Progress, WritesNoEscapeSequencesWithoutColour) {
  {
    ProgressDisplay display{out_.get(), Mode::bar, false, 2, 100};
    display.finish(epoch(1, false));
    draw(display, 2, 0);
    display.note("a note");
    draw(display, 2, 50);
  }
  EXPECT_EQ(shown().find('\x1b'), std::string::npos) << shown();
}

TEST_F(Progress, ColoursTheBarOnlyWhenAsked) {
  ProgressDisplay display{out_.get(), Mode::bar, true, 2, 100};
  draw(display, 1, 0);
  EXPECT_EQ(shown().find("\r\x1b[K\x1b[36m["), 0U) << shown();
}

TEST_F(Progress, PutsNotesOnLinesOfTheirOwn) {
  for (const bool color : {true, false}) {
    ProgressDisplay display{out_.get(), Mode::bar, color, 2, 100};
    const std::size_t start = shown().size();
    draw(display, 1, 50);
    const std::size_t before = shown().size();
    display.note("a note");
    const std::string blanks(before - start - 2, ' ');  // without the two \r
    EXPECT_EQ(shown().substr(before), color ? "\r\x1b[Ka note\n" : '\r' + blanks + "\ra note\n");
  }
}

TEST_F(Progress, EndsWithTheLastEpochWhereTheBarWas) {
  {
    ProgressDisplay display{out_.get(), Mode::bar, true, 9, 100};
    display.finish(epoch(1, false));
    draw(display, 2, 50);
  }
  const std::string end = "\r\x1b[Kepoch 1/9  train rmse 0.9000  12.3 M updates/s\n";
  const std::string text = shown();
  ASSERT_GT(text.size(), end.size());
  EXPECT_EQ(text.substr(text.size() - end.size()), end);
}

TEST_F(Progress, SurvivesAFullDisk) {
  out_.reset(std::fopen("/dev/full", "w"));
  ProgressDisplay display{out_.get(), Mode::lines, false, 2, 100};
  EXPECT_NO_THROW(display.finish(epoch(1, true)));
  EXPECT_NO_THROW(display.note("a note"));
}

TEST(DurationText, IsShort) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(3.2), "4 s");
  EXPECT_EQ(duration_text(59.5), "1:00");
  EXPECT_EQ(duration_text(123), "2:03");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

}  // namespace
}  // namespace factorps::scheduler
