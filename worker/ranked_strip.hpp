/// How well a model ranks the held-out items of a strip's users when only one block of items at a
/// time is here. Two passes: the scores of the held-out items are noted, then every block says how
/// many of its items are above them. The sums have the bits of rank_slice().
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.hpp"
#include "ps/rank_places.hpp"
#include "ps/tables.hpp"

namespace factorps::worker {

/// A strip under lease. Candidates are all items but those known from training, and when testing
/// those of validation.
class RankedStrip {
 public:
  /// References must outlive the object.
  /// @param part validation or test @param places of the strip, kept from pass to pass
  RankedStrip(const ps::Tables& tables, const Dataset& dataset, Part part, StripId strip,
              std::span<ps::RankPlace> places);

  /// First pass, of every block once, in any order. @param block under lease
  void note_scores(BlockId block);
  /// Second pass, likewise: the rows are the same.
  void count_places(BlockId block);
  /// After both: sums as of rank_slice(), each to its place beside the tables.
  void sum_up(std::uint64_t k) const;

 private:
  /// Users of the strip with something to find, ascending, and which places are theirs.
  struct Wanted {
    std::vector<std::uint32_t> users;  // offset in the strip
    std::vector<std::size_t> begin;    // [user] in `pairs`, plus the end
    std::vector<std::size_t> pairs;    // places of each user, ascending

    [[nodiscard]] std::span<const std::size_t> pairs_of(std::size_t n) const {
      return std::span{pairs}.subspan(begin[n], begin[n + 1] - begin[n]);
    }
  };

  [[nodiscard]] Wanted wanted_in(ps::Share blocks) const;
  /// Place of a block's first interaction.
  [[nodiscard]] std::size_t first_pair(BlockId block) const;
  /// Calls visit(n of the user, the user's scores of the block's items, from candidate_scores()).
  template <class Visit>
  void score(BlockId block, const Wanted& wanted, Visit&& visit) const;

  const ps::Tables& tables_;
  const Dataset& dataset_;
  Part part_;
  StripId strip_;
  std::span<ps::RankPlace> places_;
};

}  // namespace factorps::worker
