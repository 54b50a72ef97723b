/// What row mode trains: which rows a user-item pair touches, its score, gradients of its loss.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/model_file.hpp"
#include "ps/rows/row_layout.hpp"
#include "ps/rows/row_outbox.hpp"
#include "ps/rows/user_history.hpp"

namespace factorps::ps {

/// A part of a mini-batch: pairs and what their scores should be.
struct RowExamples {
  std::vector<std::uint64_t> users;  ///< rows of the dataset; neighbours are often alike
  std::vector<std::uint64_t> items;
  std::vector<float> targets;
  std::uint64_t first = 0;               ///< number of the first among all examples of the training
  std::vector<std::int64_t> times = {};  ///< if the model wants them, unix seconds
  std::vector<std::uint32_t> history_of = {};  ///< if the model wants histories: which set
  ItemSets histories = {};

  void clear() {
    users.clear();
    items.clear();
    targets.clear();
    times.clear();
    history_of.clear();
    histories.clear();
  }
};

/// Where the rows of an example stand among those that a part touches. [example]
struct RowIndex {
  std::vector<std::uint32_t> users;
  std::vector<std::uint32_t> items;
};

/// Gives the values of a block of a table, [rows][width]; good until it is called again.
using BlockReader = std::function<std::span<const float>(std::size_t table, std::uint32_t block)>;

/// Rows of model.h5.
struct ModelRows {
  std::vector<float> factors;  ///< [row][dim]
  std::vector<float> bias;     ///< [row]
};

/// One object per thread. Bits depend on the arguments and the instruction set alone.
class RowModel {
 public:
  RowModel() = default;
  RowModel(const RowModel&) = delete;
  RowModel& operator=(const RowModel&) = delete;
  virtual ~RowModel() = default;

  /// Users first, in blocks that are the strips of the grid; then items, in its blocks.
  [[nodiscard]] virtual const std::vector<RowTable>& tables() const = 0;
  /// The values of a row before training. @param values [width]
  /// @throws DataError if it comes from files that are not what was expected
  virtual void initialise(std::size_t table, std::uint64_t row, std::span<float> values) = 0;

  /// Finds the distinct rows of the examples.
  virtual void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const = 0;
  /// Fills in part.gradients. @return the sum of the losses
  virtual double gradient(const RowExamples& examples, const RowIndex& index,
                          TouchedTables& part) = 0;
  /// @param scores [example], in normalised units
  virtual void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
                     std::span<float> scores) = 0;

  /// Keeps what scores of all items need. @param items must stay until the next call
  virtual void rank_items(const TouchedTables& items) = 0;
  /// The same of some users, after rank_items(). @param examples distinct users, ascending
  virtual void rank_users(const RowExamples& examples, const TouchedTables& users) = 0;
  /// Scores as those of score(), of neighbouring items. @param user, first among the touched rows
  virtual void score_items(std::uint32_t user, std::size_t first, std::span<float> scores) = 0;

  /// Reads what all rows of model.h5 need. @return its kind, dim, mu, layers and features
  [[nodiscard]] virtual ModelInfo begin_export(const BlockReader& read) = 0;
  /// A block of users or items, after begin_export(). @param table 0 or 1
  virtual void model_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                          ModelRows& rows) = 0;
};

}  // namespace factorps::ps
