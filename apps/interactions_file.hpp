/// Interactions in a text file of the user's: pairs to predict, histories of new users.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/config.hpp"
#include "io/id_key.hpp"
#include "io/prepare/chunk.hpp"

namespace factorps::apps {

/// An external id and its row in the model.
struct NamedRow {
  std::string id;
  std::optional<std::uint64_t> row;  ///< nothing: not in the model
};

/// Ids by the numbers that a chunk gave them.
class NamedRows {
 public:
  NamedRows(const CollectedIds& ids, const IdFinder& table);
  [[nodiscard]] const NamedRow& at(std::uint32_t number) const {
    const std::uint32_t n = number & ~CollectedIds::kTextBit;
    return n == number ? integers_.at(n) : texts_.at(n);
  }

 private:
  std::vector<NamedRow> integers_;
  std::vector<NamedRow> texts_;
};

struct InteractionsFile {
  Chunk chunk;  ///< in the order of the file; without values all are 1
  bool has_values = false;
};

/// @param config how the file is written; times are not read
/// @param values whether values are, with the weights of events
/// @throws DataError naming file and line
[[nodiscard]] InteractionsFile read_interactions(const std::filesystem::path& path,
                                                 DataConfig config, bool values);

}  // namespace factorps::apps
