#include "io/dataset.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/normalisation_file.hpp"

namespace factorps {
namespace {

static_assert(std::endian::native == std::endian::little, "files are mapped as they are");

/// What is wrong with one object of one file.
[[noreturn]] void fail(const h5::File& file, const std::string& object, const std::string& what) {
  throw DataError{fmt::format("{}: {}: {}", file.path().string(), object, what)};
}

void expect_size(const h5::File& file, const std::string& object, std::uint64_t found,
                 std::uint64_t expected) {
  if (found != expected) {
    fail(file, object, fmt::format("has {} elements, expected {}", found, expected));
  }
}

/// Boundaries of consecutive ranges: from 0 to `end`, ascending.
void expect_boundaries(const h5::File& file, const std::string& object,
                       std::span<const std::uint64_t> begin, std::uint64_t end) {
  if (begin.empty() || begin.front() != 0 || begin.back() != end ||
      !std::is_sorted(begin.begin(), begin.end())) {
    fail(file, object, fmt::format("expected ascending boundaries from 0 to {}", end));
  }
}

std::uint64_t length(const h5::File& file, const std::string& object) {
  const h5::Shape shape = file.shape(object);
  if (shape.size() != 1) fail(file, object, "expected one dimension");
  return shape.front();
}

std::uint64_t rows_of_ids(const h5::File& file, const std::string& group) {
  if (file.exists(group + "/ids")) return length(file, group + "/ids");
  const std::uint64_t offsets = length(file, group + "/id_offsets");
  if (offsets == 0) fail(file, group + "/id_offsets", "is empty, expected rows + 1 elements");
  return offsets - 1;
}

std::uint64_t id_bytes(const h5::File& file, const std::string& group) {
  if (file.exists(group + "/ids")) return 8 * length(file, group + "/ids");
  return 8 * length(file, group + "/id_offsets") + length(file, group + "/id_bytes");
}

void expect_kind(const h5::File& file) {
  if (!file.has("/", "format") || file.text("/", "format") != "factorps-dataset") {
    fail(file, "/", "is not a dataset, expected attribute format = 'factorps-dataset'");
  }
  const std::uint64_t version = file.natural("/", "version");
  if (version != kDatasetVersion) {
    fail(file, "/", fmt::format("has version {}, expected {}", version, kDatasetVersion));
  }
}

Grid read_grid(const h5::File& file, std::uint64_t users, std::uint64_t items) {
  Grid grid{file.read<std::uint64_t>("/grid/strip_begin"),
            file.read<std::uint64_t>("/grid/block_begin")};
  expect_boundaries(file, "/grid/strip_begin", grid.strip_begin, users);
  expect_boundaries(file, "/grid/block_begin", grid.block_begin, items);
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  for (const std::size_t parts : {grid.strip_begin.size() - 1, grid.block_begin.size() - 1}) {
    if (parts < 1 || parts > kMost) fail(file, "/grid", "expected 1 to 2^32 - 1 strips and blocks");
  }
  for (std::size_t b = 0; b + 1 < grid.block_begin.size(); ++b) {
    if (grid.block_begin[b + 1] - grid.block_begin[b] > kMaxBlockItems) {
      fail(file, "/grid/block_begin", fmt::format("block {} exceeds {} items", b, kMaxBlockItems));
    }
  }
  return grid;
}

ValueCode read_code(const h5::File& file) {
  const ValueCode code{file.natural("/", "value_narrow") != 0,
                       static_cast<float>(file.real("/", "value_base")),
                       static_cast<float>(file.real("/", "value_step"))};
  if (!std::isfinite(code.base) || !std::isfinite(code.step)) {
    fail(file, "/", "expected finite value_base and value_step");
  }
  return code;
}

template <class T>
std::uint64_t checksum_of(std::span<const T> values) noexcept {
  return checksum(std::as_bytes(values));
}

/// Why a cell cannot be trained on, or an empty string.
std::string damage(const CellView& cell, std::uint64_t strip_users, std::uint64_t block_items) {
  std::uint64_t seen = 0;
  std::uint64_t next_user = 0;
  for (const Run& run : cell.runs) {
    if (run.user < next_user || run.user >= strip_users) return "users out of order or range";
    if (run.count == 0 || run.count > cell.size() - seen)
      return "runs do not match the interactions";
    const auto items = cell.items.subspan(seen, run.count);
    if (!std::is_sorted(items.begin(), items.end())) return "items of a run out of order";
    if (items.back() >= block_items) return "items out of range";
    next_user = std::uint64_t{run.user} + 1;
    seen += run.count;
  }
  const std::span values{cell.values, cell.code.narrow ? 0 : cell.size()};
  if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
    return "values that are not finite";
  }
  return seen == cell.size() ? "" : "runs do not match the interactions";
}

/// Which user's training count is not what the cells of the strip hold, or an empty string: whoever
/// makes room by these counts relies on them.
std::string wrong_count(const Dataset& dataset, StripId strip) {
  const Grid& grid = dataset.grid();
  const RowRange users = grid.users_of(strip);
  std::vector<std::uint64_t> counts(users.size(), 0);
  for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
    for (const Run& run : dataset.cell(Part::train, strip, BlockId{b}).runs)
      counts[run.user] += run.count;
  }
  const auto stored = dataset.user_counts().subspan(users.begin, users.size());
  const auto [found, expected] = std::ranges::mismatch(stored, counts);
  if (found == stored.end()) return {};
  return fmt::format("row {} is {}, expected {}",
                     users.begin + static_cast<std::uint64_t>(found - stored.begin()), *found,
                     *expected);
}

}  // namespace

const char* part_name(Part part) noexcept {
  switch (part) {
    case Part::train:
      return "train";
    case Part::validation:
      return "validation";
    case Part::test:
      return "test";
    case Part::fold_in:
      return "fold_in";
  }
  return "";
}

std::uint64_t cell_checksum(const CellView& cell) noexcept {
  const std::array<std::uint64_t, 3> sums{checksum_of(cell.runs), checksum_of(cell.items),
                                          cell.code.narrow
                                              ? checksum_of(std::span{cell.codes, cell.size()})
                                              : checksum_of(std::span{cell.values, cell.size()})};
  return checksum_of(std::span<const std::uint64_t>{sums});
}

Dataset::Dataset(const std::filesystem::path& path) : path_{path}, map_{path} {
  const h5::File& file = map_.file();
  expect_kind(file);
  user_counts_ = map_.view<std::uint32_t>("/users/train_count");
  item_counts_ = map_.view<std::uint32_t>("/items/train_count");
  expect_size(file, "/users/train_count", user_counts_.size(), rows_of_ids(file, "/users"));
  expect_size(file, "/items/train_count", item_counts_.size(), rows_of_ids(file, "/items"));
  grid_ = read_grid(file, user_counts_.size(), item_counts_.size());
  fingerprint_ = file.text("/", "fingerprint");
  train_mean_ = file.real("/", "train_mean");
  value_min_ = static_cast<float>(file.real("/", "value_min"));
  value_max_ = static_cast<float>(file.real("/", "value_max"));
  code_ = read_code(file);
  normalisation_ = read_normalisation(file, user_counts_.size(), item_counts_.size());
  for (const Part part : kParts) parts_[static_cast<std::size_t>(part)] = open_part(part);
  has_times_ = file.exists("/train/times");
  for (const Part part : kParts) {
    const PartView& view = parts_[static_cast<std::size_t>(part)];
    if (view.times.size() == (has_times_ ? view.items.size() : 0)) continue;
    fail(file, std::string{"/"} + part_name(part) + "/times", "expected in all parts or in none");
  }
}

Dataset::PartView Dataset::open_part(Part part) const {
  const h5::File& file = map_.file();
  const std::string group = std::string{"/"} + part_name(part);
  PartView view;
  if (part == Part::fold_in && !file.exists(group)) return view;
  view.items = map_.view<std::uint16_t>(group + "/items");
  if (code_.narrow) {
    const auto codes = map_.view<std::uint8_t>(group + "/values");
    expect_size(file, group + "/values", codes.size(), view.items.size());
    view.codes = codes.data();
  } else {
    const auto values = map_.view<float>(group + "/values");
    expect_size(file, group + "/values", values.size(), view.items.size());
    view.values = values.data();
  }
  const auto runs = map_.view<std::uint32_t>(group + "/runs");
  if (runs.size() % 2 != 0) fail(file, group + "/runs", "expected pairs of numbers");
  static_assert(sizeof(Run) == 8 && alignof(Run) == 4);
  view.runs = {reinterpret_cast<const Run*>(runs.data()), runs.size() / 2};

  if (file.exists(group + "/times")) {
    view.times = map_.view<std::int64_t>(group + "/times");
    expect_size(file, group + "/times", view.times.size(), view.items.size());
  }

  view.cell_runs = map_.view<std::uint64_t>(group + "/cell_runs");
  view.cell_begin = map_.view<std::uint64_t>(group + "/cell_begin");
  view.cell_checksum = map_.view<std::uint64_t>(group + "/cell_checksum");
  const std::uint64_t cells = grid_.cells();
  expect_size(file, group + "/cell_runs", view.cell_runs.size(), cells + 1);
  expect_size(file, group + "/cell_begin", view.cell_begin.size(), cells + 1);
  expect_size(file, group + "/cell_checksum", view.cell_checksum.size(), cells);
  expect_boundaries(file, group + "/cell_runs", view.cell_runs, view.runs.size());
  expect_boundaries(file, group + "/cell_begin", view.cell_begin, view.items.size());
  return view;
}

std::uint64_t Dataset::interactions(Part part) const noexcept {
  return parts_[static_cast<std::size_t>(part)].items.size();
}

bool Dataset::has(Part part) const noexcept {
  return !parts_[static_cast<std::size_t>(part)].cell_begin.empty();
}

bool Dataset::held_out(Part part) const {
  if (interactions(Part::fold_in) == 0 || part == Part::fold_in) return false;
  for (std::uint32_t s = 0; s < grid_.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) {
      const CellView some = cell(part, StripId{s}, BlockId{b});
      if (some.runs.empty()) continue;
      const std::uint32_t user = some.runs.front().user;  // one of them speaks for all
      for (std::uint32_t other = 0; other < grid_.blocks(); ++other) {
        const auto runs = cell(Part::fold_in, StripId{s}, BlockId{other}).runs;
        if (std::ranges::binary_search(runs, user, {}, &Run::user)) return true;
      }
      return false;
    }
  }
  return false;
}

CellView Dataset::cell(Part part, StripId strip, BlockId block) const {
  FACTORPS_CHECK(strip.value() < grid_.strips() && block.value() < grid_.blocks());
  const PartView& view = parts_[static_cast<std::size_t>(part)];
  if (!has(part)) return {{}, {}, nullptr, nullptr, code_};
  const std::size_t cell = grid_.cell_index(strip, block);
  const std::uint64_t first = view.cell_begin[cell];
  const std::uint64_t first_run = view.cell_runs[cell];
  return {view.runs.subspan(first_run, view.cell_runs[cell + 1] - first_run),
          view.items.subspan(first, view.cell_begin[cell + 1] - first),
          view.codes == nullptr ? nullptr : view.codes + first,
          view.values == nullptr ? nullptr : view.values + first, code_};
}

std::span<const std::int64_t> Dataset::times(Part part, StripId strip, BlockId block) const {
  const PartView& view = parts_[static_cast<std::size_t>(part)];
  if (view.times.empty()) return {};
  const std::size_t cell = grid_.cell_index(strip, block);
  return view.times.subspan(view.cell_begin[cell],
                            view.cell_begin[cell + 1] - view.cell_begin[cell]);
}

std::uint64_t Dataset::verify_times(Part part) const {
  const PartView& view = parts_[static_cast<std::size_t>(part)];
  const std::uint64_t found = checksum_of(view.times);
  const std::string object = std::string{"/"} + part_name(part) + "/times";
  if (!view.times.empty() && map_.file().natural(object, "checksum") != found) {
    fail(map_.file(), object, "checksum does not match: the file is damaged");
  }
  return found;
}

std::vector<std::uint64_t> Dataset::cell_sizes(Part part) const {
  const auto begin = parts_[static_cast<std::size_t>(part)].cell_begin;
  std::vector<std::uint64_t> sizes(grid_.cells(), 0);
  if (!has(part)) return sizes;
  for (std::size_t cell = 0; cell < sizes.size(); ++cell) {
    sizes[cell] = begin[cell + 1] - begin[cell];
  }
  return sizes;
}

void Dataset::verify(StripId strip) const {
  for (const Part part : kParts) {
    if (!has(part)) continue;
    const PartView& view = parts_[static_cast<std::size_t>(part)];
    for (std::uint32_t b = 0; b < grid_.blocks(); ++b) {
      const CellView found = cell(part, strip, BlockId{b});
      const bool intact =
          cell_checksum(found) == view.cell_checksum[grid_.cell_index(strip, BlockId{b})];
      const std::string problem =
          intact ? damage(found, grid_.users_of(strip).size(), grid_.items_of(BlockId{b}).size())
                 : "checksum does not match: the file is damaged";
      if (problem.empty()) continue;
      fail(map_.file(),
           fmt::format("/{}, cell of strip {} and block {}", part_name(part), strip.value(), b),
           problem);
    }
  }
  if (const std::string wrong = wrong_count(*this, strip); !wrong.empty()) {
    throw DataError{
        fmt::format("{}: /users/train_count of {}: the file is damaged", path_.string(), wrong)};
  }
}

std::vector<std::string> Dataset::user_attribute_names() const {
  return attribute_names(map_.file(), "/users");
}

std::vector<std::string> Dataset::item_attribute_names() const {
  return attribute_names(map_.file(), "/items");
}

std::optional<Attribute> Dataset::user_attribute(const std::string& name) const {
  if (std::ranges::count(user_attribute_names(), name) == 0) return std::nullopt;
  return read_attribute(map_, "/users", name, grid_.users());
}

std::optional<Attribute> Dataset::item_attribute(const std::string& name) const {
  if (std::ranges::count(item_attribute_names(), name) == 0) return std::nullopt;
  return read_attribute(map_, "/items", name, grid_.items());
}

void Dataset::require_times(const std::string& need) const {
  if (has_times_) return;
  throw DataError{
      fmt::format("{}: does not say when interactions were, {}; expected a dataset prepared with "
                  "data.store_times = true",
                  path_.string(), need)};
}

std::uint64_t Dataset::user_id_bytes() const { return id_bytes(map_.file(), "/users"); }

std::uint64_t Dataset::item_id_bytes() const { return id_bytes(map_.file(), "/items"); }

}  // namespace factorps
