/// What prepare found and did: counted once, kept in the file as JSON, printed for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/prepare/attribute_files.hpp"
#include "io/prepare/leaks.hpp"
#include "io/prepare/shares.hpp"

namespace factorps {

/// Rows, users and items that are left.
struct Extent {
  std::uint64_t rows = 0;
  std::uint64_t users = 0;
  std::uint64_t items = 0;
};

struct CleaningStep {
  std::string name;
  Extent before;
  Extent after;
};

/// Attributes of users or items.
struct AttributeSummary {
  /// @param table "users" or "items"
  AttributeSummary(std::string table, const AttributeTable& found);

  struct Column {
    std::string name;
    AttributeKind kind;
    std::uint64_t values;  ///< distinct texts
    std::uint64_t known;   ///< rows with a value
  };
  std::string table;
  AttributeCounts counts;
  std::vector<Column> columns;
};

/// The same for every number of ranks: no times, no ranks.
struct PrepareSummary {
  std::vector<RawFile> files;
  std::uint64_t lines = 0;  ///< without headers and empty lines
  BadRows bad;
  SkippedRows skipped;
  std::vector<CleaningStep> steps;
  std::string split;  ///< methods, in words
  std::uint64_t seed = 0;
  std::uint64_t train = 0;  ///< rows
  std::uint64_t validation = 0;
  std::uint64_t test = 0;
  std::uint64_t fold_in = 0;  ///< rows of the history of held-out users
  Extent all;                 ///< in the dataset
  float value_min = 0;
  float value_max = 0;
  std::string normalise;
  std::vector<AttributeSummary> attributes;  ///< of those with files
  LeakReport leaks;
  std::uint32_t strips = 0;
  std::uint32_t blocks = 0;
};

[[nodiscard]] std::string to_json(const PrepareSummary& summary);
/// Several lines, each with its end.
[[nodiscard]] std::string to_text(const PrepareSummary& summary);

}  // namespace factorps
