/// Files of candidates: the items that the relevant ones of a user are ranked among, so that
/// results can be compared with those of others who used the same file.
///
/// A line is a user and then items, separated by tabs (or whatever the first line has). The user
/// may also stand with a test item, as "(user,item)". Several lines of a user count together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "io/id_key.hpp"

namespace factorps::apps {

class CandidateFile {
 public:
  /// Ids that the dataset does not know are left out and counted.
  /// @throws DataError if the file cannot be read or names no user of the dataset
  /// @param key of the dataset's ids, if they are hashes and it is known
  CandidateFile(const std::filesystem::path& path, const Dataset& dataset,
                const std::optional<IdKey>& key);

  /// Rows of the items of a user, ascending; none if no line names the user.
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint64_t user) const { return items_[user]; }
  /// What the names of metrics say: "given:99", or "given" where users have different numbers.
  [[nodiscard]] std::string label() const;
  /// What the protocol says: a part of a sentence.
  [[nodiscard]] std::string describe() const;

 private:
  class Reader;

  std::filesystem::path path_;
  std::vector<std::vector<std::uint32_t>> items_;  // [user row] item rows
  std::uint64_t least_ = 0;                        // items of a user that is named
  std::uint64_t most_ = 0;
  std::uint64_t unknown_users_ = 0;  // lines
  std::uint64_t unknown_items_ = 0;
};

/// A line of such a file.
[[nodiscard]] std::string candidate_line(const IdTable& users, const IdTable& items,
                                         std::uint64_t user, std::span<const std::uint32_t> rows);

}  // namespace factorps::apps
