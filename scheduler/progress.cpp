#include "scheduler/progress.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace factorps::scheduler {
namespace {

constexpr int kBarWidth = 24;
constexpr double kRedrawSeconds = 0.1;

std::string text_of(const EpochLine& line, std::uint64_t epochs) {
  std::string text = fmt::format("epoch {}/{}  train {} {:.4f}", line.epoch, epochs,
                                 line.train_metric, line.train_value);
  if (line.evaluated) {
    text += fmt::format("  validation {} {:.4f}{}", line.metric, line.value,
                        line.best ? " (best)" : "");
  }
  return text + fmt::format("  {:.1f} M updates/s", line.million_updates_per_second);
}

}  // namespace

std::string duration_text(double seconds) {
  const auto s = static_cast<long>(std::ceil(seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

ProgressDisplay::ProgressDisplay(std::FILE* out, Mode mode, bool color, std::uint64_t epochs,
                                 std::uint64_t interactions_per_epoch)
    : out_{out},
      mode_{mode},
      color_{color},
      epochs_{epochs},
      interactions_per_epoch_{std::max<std::uint64_t>(interactions_per_epoch, 1)} {}

ProgressDisplay::~ProgressDisplay() {
  if (drawn_) print(clearing() + (last_.empty() ? "" : last_ + '\n'));
}

void ProgressDisplay::print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

double ProgressDisplay::seconds_left(double epochs_done) const {
  const double here = epochs_done - static_cast<double>(epochs_before_);
  if (here <= 0) return 0;
  return since_start_.seconds() / here * (static_cast<double>(epochs_) - epochs_done);
}

void ProgressDisplay::update(std::uint64_t epoch, std::uint64_t interactions) {
  if (!started_) {
    started_ = true;
    epochs_before_ = epoch - 1;
    since_start_.restart();
  }
  if (mode_ != Mode::bar || since_drawn_.seconds() < kRedrawSeconds) return;
  since_drawn_.restart();
  const double done =
      static_cast<double>(epoch - 1) +
      static_cast<double>(interactions) / static_cast<double>(interactions_per_epoch_);
  const double fraction = std::clamp(done / static_cast<double>(epochs_), 0.0, 1.0);
  const int filled = static_cast<int>(fraction * kBarWidth);
  const std::string bar =
      fmt::format("{}[{:=<{}}{: <{}}]{} {:3.0f} %  {}  {} left", color_ ? "\x1b[36m" : "", "",
                  filled, "", kBarWidth - filled, color_ ? "\x1b[0m" : "", fraction * 100, last_,
                  duration_text(seconds_left(done)));
  print(clearing() + bar);
  width_ = bar.size();
  drawn_ = true;
}

std::string ProgressDisplay::clearing() const {
  if (mode_ != Mode::bar) return "";
  return color_ ? "\r\x1b[K" : fmt::format("\r{:{}}\r", "", width_);
}

void ProgressDisplay::finish(const EpochLine& line) {
  if (mode_ == Mode::silent) return;
  last_ = text_of(line, epochs_);
  if (mode_ == Mode::lines || line.epoch == epochs_) {
    print(clearing() + fmt::format("{}  {} left\n", last_,
                                   duration_text(seconds_left(static_cast<double>(line.epoch)))));
    drawn_ = false;
  } else {
    update(line.epoch + 1, 0);
  }
}

void ProgressDisplay::note(const std::string& text) {
  if (mode_ == Mode::silent) return;
  print(clearing() + text + '\n');
  drawn_ = false;
}

void ProgressDisplay::warn(const std::string& text) {
  print(clearing() + "factorps: warning: " + text + '\n');
  drawn_ = false;
}

}  // namespace factorps::scheduler
