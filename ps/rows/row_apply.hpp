/// Pushed gradients, applied to the rows of a node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ps/rows/row_merge.hpp"
#include "ps/rows/row_node.hpp"
#include "ps/rows/row_outbox.hpp"

namespace factorps::ps {

/// Whose lists are: of as many workers, each of which pushes; or of parts of what one pushes.
enum class From : std::uint8_t { workers, one_worker };

struct Applied {
  std::uint64_t rows = 0;
  std::uint64_t combined = 0;  ///< gradients that were added to others
};

/// How the step of a push changes rows.
[[nodiscard]] RowStep step_of(const RowHeader& header);
/// Applies what lists have for rows of one table, which must be rows of this node.
Applied apply_lists(const RowNode& node, std::size_t table, RowMerge& lists, From who,
                    RowStep step);
/// Applies what the parts of a mini-batch have for rows of this node.
/// @param rows of each of the first tables; of others none @param lists memory
Applied apply_parts(const RowNode& node, std::span<const TouchedTables> parts,
                    std::span<const RowRange> rows, const RowHeader& header, RowMerge& lists);
/// Applies what one worker has pushed to rows of this node.
void apply_sections(const RowNode& node, std::span<const RowSection> sections,
                    const RowHeader& header);

}  // namespace factorps::ps
