#include "io/dataset_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/dataset_fingerprint.hpp"

namespace factorps {
namespace {

/// What the training cells say of the items; Dataset::verify() has counted the users.
struct Recount {
  std::vector<std::uint32_t> items;  // [row] interactions
  double sum = 0;                    ///< of values, in the order of the file
};

void add_cell(Recount& counted, const CellView& cell, std::uint64_t first_item) {
  for (const std::uint16_t item : cell.items) ++counted.items[first_item + item];
  for (std::size_t n = 0; n < cell.size(); ++n) counted.sum += double{cell.value(n)};
}

/// The cells must have been verified.
Recount recount(const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  Recount counted{std::vector<std::uint32_t>(grid.items(), 0)};
  for (std::uint32_t s = 0; s < grid.strips(); ++s) {
    for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
      add_cell(counted, dataset.cell(Part::train, StripId{s}, BlockId{b}),
               grid.items_of(BlockId{b}).begin);
    }
  }
  return counted;
}

void require_counts(const Dataset& dataset, const char* object,
                    std::span<const std::uint32_t> stored,
                    const std::vector<std::uint32_t>& counted) {
  const auto [found, expected] = std::ranges::mismatch(stored, counted);
  if (expected == counted.end()) return;
  throw DataError{fmt::format("{}: {} of row {} is {}, expected {}: the file is damaged",
                              dataset.path().string(), object, expected - counted.begin(), *found,
                              *expected)};
}

void require_mean(const Dataset& dataset, double sum) {
  const std::uint64_t interactions = dataset.interactions(Part::train);
  const double mean = interactions == 0 ? 0 : sum / static_cast<double>(interactions);
  if (dataset.train_mean() == mean) return;
  throw DataError{
      fmt::format("{}: attribute 'train_mean' of / is {}, expected {}: the file is damaged",
                  dataset.path().string(), dataset.train_mean(), mean)};
}

/// From what is in the file, but for checksums of cells, which are computed again.
std::string fingerprint_of(const Dataset& dataset) {
  const Grid& grid = dataset.grid();
  const ValueCode code = dataset.cell(Part::train, StripId{0}, BlockId{0}).code;
  DatasetFingerprint fingerprint;
  fingerprint.add_frame(dataset.user_ids(), dataset.item_ids(), grid, dataset.normalisation(),
                        {dataset.value_min(), dataset.value_max(), code.base, code.step});
  for (const Part part : kParts) {
    if (!dataset.has(part)) continue;
    std::vector<std::uint64_t> begin{0};
    for (const std::uint64_t size : dataset.cell_sizes(part)) begin.push_back(begin.back() + size);
    std::vector<std::uint64_t> checksums;
    for (std::uint32_t s = 0; s < grid.strips(); ++s) {
      for (std::uint32_t b = 0; b < grid.blocks(); ++b) {
        checksums.push_back(cell_checksum(dataset.cell(part, StripId{s}, BlockId{b})));
      }
    }
    fingerprint.add_part(begin, checksums);
  }
  return fingerprint.finish();
}

}  // namespace

void verify_all(const Dataset& dataset) {
  for (const std::string& name : dataset.user_attribute_names())
    static_cast<void>(dataset.user_attribute(name));
  for (const std::string& name : dataset.item_attribute_names())
    static_cast<void>(dataset.item_attribute(name));
  for (const Part part : kParts) static_cast<void>(dataset.verify_times(part));
  for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) dataset.verify(StripId{s});
  const Recount counted = recount(dataset);
  require_counts(dataset, "/items/train_count", dataset.item_counts(), counted.items);
  require_mean(dataset, counted.sum);
  const std::string found = fingerprint_of(dataset);
  if (found == dataset.fingerprint()) return;
  throw DataError{fmt::format(
      "{}: attribute 'fingerprint' of / is {}, expected {} of what is in the file: ids, "
      "grid, normalisation or value range are damaged",
      dataset.path().string(), dataset.fingerprint(), found)};
}

}  // namespace factorps
