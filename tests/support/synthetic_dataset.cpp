#include "tests/support/synthetic_dataset.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/random.hpp"

namespace factorps::test {
namespace {

IdTable user_ids(std::uint32_t n) {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (std::uint32_t u = 0; u < n; ++u) {
    bytes += 'u';
    bytes += std::to_string(u);
    offsets.push_back(bytes.size());
  }
  return IdTable::of_strings(std::move(offsets), std::move(bytes));
}

IdTable item_ids(std::uint32_t n) {
  std::vector<std::int64_t> ids;
  for (std::uint32_t i = 0; i < n; ++i) ids.push_back(100 + i);
  return IdTable::of_integers(std::move(ids));
}

std::vector<std::uint64_t> even_cut(std::uint64_t rows, std::uint64_t parts) {
  std::vector<std::uint64_t> begin;
  for (std::uint64_t p = 0; p <= parts; ++p) begin.push_back(rows * p / parts);
  return begin;
}

float rating(std::uint32_t user, std::uint32_t item, double noise) {
  const double taste = std::sin(0.7 * user) * std::cos(1.3 * item) + 0.5 * std::sin(2.1 * item);
  return static_cast<float>(std::clamp(std::round(3 + 1.5 * taste + noise), 1.0, 5.0));
}

}  // namespace

DatasetContents synthetic_contents(const SyntheticShape& shape) {
  DatasetContents contents;
  contents.user_ids = user_ids(shape.users);
  contents.item_ids = item_ids(shape.items);
  contents.grid = {even_cut(shape.users, shape.strips), even_cut(shape.items, shape.blocks)};
  const RandomStream random{shape.seed, Purpose::generate};
  PartitionedInteractions& out = contents.interactions;
  for (std::uint32_t user = 0; user < shape.users; ++user) {
    const auto first = static_cast<std::uint32_t>(random.below(shape.items, user));
    for (std::uint32_t k = 0; k < std::min(shape.per_user, shape.items); ++k) {
      const std::uint32_t item = (first + k) % shape.items;
      const bool cold = user + 1 == shape.users || item + 1 == shape.items;
      const std::uint32_t seventh = k % 7;
      out.users.push_back(user);
      out.items.push_back(item);
      out.values.push_back(rating(user, item, random.uniform(user, k + 1) - 0.5));
      out.parts.push_back(seventh == 5   ? Part::validation
                          : seventh == 6 ? Part::test
                          : cold         ? Part::validation
                                         : Part::train);
    }
  }
  contents.value_min = 1;
  contents.value_max = 5;
  contents.seed = shape.seed;
  return contents;
}

std::filesystem::path write_synthetic(const std::filesystem::path& path,
                                      const SyntheticShape& shape) {
  write_dataset(path, synthetic_contents(shape));
  return path;
}

}  // namespace factorps::test
