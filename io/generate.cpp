#include "io/generate.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/generate/activity.hpp"
#include "io/generate/columns.hpp"
#include "io/generate/item_sampler.hpp"
#include "io/generate/planted_model.hpp"

namespace factorps {
namespace {

/// A csv file of ratings under a temporary name until commit().
class RatingFile {
 public:
  explicit RatingFile(std::filesystem::path path)
      : path_{std::move(path)},
        temporary_{create_temporary(path_)},
        out_{temporary_, std::ios::binary | std::ios::trunc} {
    if (!out_) fail("create");
    buffer_ = "user,item,rating\n";
  }
  RatingFile(const RatingFile&) = delete;
  RatingFile& operator=(const RatingFile&) = delete;
  ~RatingFile() {
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }

  /// @param user id and comma; @param thousandths of the rating, 0 to 9999
  void add(std::string_view user, std::uint32_t item, std::uint32_t thousandths) {
    char line[32];
    char* p = std::to_chars(line, line + 16, item).ptr;
    *p++ = ',';
    *p++ = static_cast<char>('0' + thousandths / 1000);
    *p++ = '.';
    *p++ = static_cast<char>('0' + thousandths / 100 % 10);
    if (thousandths % 100 != 0) {
      *p++ = static_cast<char>('0' + thousandths / 10 % 10);
      *p++ = static_cast<char>('0' + thousandths % 10);
    }
    *p++ = '\n';
    buffer_.append(user);
    buffer_.append(line, static_cast<std::size_t>(p - line));
    if (buffer_.size() >= kBufferBytes) flush();
  }

  void commit() {
    flush();
    out_.close();
    sync_file(temporary_);
    commit_rename(temporary_, path_);
  }

 private:
  static constexpr std::size_t kBufferBytes = 1 << 20;
  void flush() {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    out_.flush();
    if (!out_) fail("write");
    buffer_.clear();
  }
  [[noreturn]] void fail(const char* what) const {
    throw ResourceError{
        fmt::format("{}: cannot {}: {}", path_.string(), what, std::strerror(errno))};
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream out_;
  std::string buffer_;
};

/// Standard normal numbers, two from two uniform ones (Box and Muller 1958).
class Noise {
 public:
  double next(SplitMix& random) {
    if (std::exchange(has_spare_, !has_spare_)) return spare_;
    const double radius = std::sqrt(-2 * std::log(random.unit()));
    const double angle = 2 * std::numbers::pi * random.unit();
    spare_ = radius * std::sin(angle);
    return radius * std::cos(angle);
  }
  void forget() { has_spare_ = false; }  // a user's numbers must not depend on the user before

 private:
  bool has_spare_ = false;
  double spare_ = 0;
};

constexpr double kLeast = 0.5;
constexpr double kMost = 5.0;

/// Sums for the report, user by user in order.
struct Sums {
  double rating = 0;
  double rating_squared = 0;
  double test_error_squared = 0;
};

class Generator {
 public:
  explicit Generator(const GenerateSettings& settings)
      : settings_{settings},
        counts_{
            ratings_per_user(settings.users, settings.items, settings.interactions, settings.seed)},
        sampler_{static_cast<std::uint32_t>(settings.items), settings.seed},
        model_{settings.items, settings.dim, settings.seed},
        train_{settings.prefix.string() + ".train.csv"},
        test_{settings.prefix.string() + ".test.csv"} {}

  GenerateReport run() {
    for (std::uint64_t user = 0; user < settings_.users; ++user) write_user(user);
    train_.commit();
    test_.commit();
    const auto rows = static_cast<double>(settings_.interactions);
    report_.mean = sums_.rating / rows;
    report_.standard_deviation =
        std::sqrt(std::max(0.0, sums_.rating_squared / rows - report_.mean * report_.mean));
    if (report_.test_rows > 0) {
      report_.noise_floor_rmse =
          std::sqrt(sums_.test_error_squared / static_cast<double>(report_.test_rows));
    }
    return report_;
  }

 private:
  void write_user(std::uint64_t user) {
    SplitMix random{
        RandomStream{settings_.seed, Purpose::generate}.bits(user, columns::kUserState)};
    noise_.forget();
    model_.select_user(user);
    sampler_.draw(counts_[user], random, items_);
    const std::string id = std::to_string(user + 1) + ',';
    for (const std::uint32_t item : items_) {
      const double planted = double{model_.rating(item)};
      const std::uint32_t thousandths = rounded(planted + settings_.noise * noise_.next(random));
      const bool is_test = random.unit() <= settings_.test_fraction;
      (is_test ? test_ : train_).add(id, item + 1, thousandths);
      count(planted, static_cast<double>(thousandths) / 1000, is_test);
    }
  }

  [[nodiscard]] std::uint32_t rounded(double rating) const {
    const double steps = settings_.half_stars ? 2.0 : 1000.0;
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): above 0, and what was generated stays the same
    const auto step = static_cast<std::uint32_t>(std::clamp(rating, kLeast, kMost) * steps + 0.5);
    return settings_.half_stars ? step * 500 : step;
  }

  void count(double planted, double written, bool is_test) {
    sums_.rating += written;
    sums_.rating_squared += written * written;
    ++(is_test ? report_.test_rows : report_.train_rows);
    if (!is_test) return;
    const double error = written - std::clamp(planted, kLeast, kMost);
    sums_.test_error_squared += error * error;
  }

  const GenerateSettings& settings_;
  std::vector<std::uint32_t> counts_;  // [user]
  ItemSampler sampler_;
  PlantedModel model_;
  RatingFile train_;
  RatingFile test_;
  Noise noise_;
  std::vector<std::uint32_t> items_;
  Sums sums_;
  GenerateReport report_;
};

}  // namespace

GenerateReport generate(const GenerateSettings& settings) {
  constexpr std::uint64_t kMostIds = std::numeric_limits<std::uint32_t>::max() - 1;
  if (settings.items > kMostIds || settings.users > kMostIds) {
    throw ConfigError{fmt::format("more than {} users or items", kMostIds)};
  }
  return Generator{settings}.run();
}

}  // namespace factorps
