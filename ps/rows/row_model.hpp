/// What row mode trains: which rows a user-item pair touches, its score, gradients of its loss.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ps/rows/row_layout.hpp"
#include "ps/rows/row_outbox.hpp"

namespace factorps::ps {

/// A part of a mini-batch: pairs and what their scores should be.
struct RowExamples {
  std::vector<std::uint64_t> users;  ///< rows of the dataset; neighbours are often alike
  std::vector<std::uint64_t> items;
  std::vector<float> targets;
  std::uint64_t first = 0;  ///< number of the first among all examples of the training
};

/// Where the rows of an example stand among those that a part touches. [example]
struct RowIndex {
  std::vector<std::uint32_t> users;
  std::vector<std::uint32_t> items;
};

/// Gives the values of a block of a table, [rows][width]; good until it is called again.
using BlockReader = std::function<std::span<const float>(std::size_t table, std::uint32_t block)>;

/// score = offset + bias of the user + bias of the item + <factors, factors>
struct PlainShape {
  std::size_t dim = 0;
  double offset = 0;
};
struct PlainRows {
  std::vector<float> factors;  // [row][dim]
  std::vector<float> bias;     // [row]
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
  virtual void initialise(std::size_t table, std::uint64_t row, std::span<float> values) const = 0;

  /// Finds the distinct rows of the examples.
  virtual void touch(const RowExamples& examples, TouchedTables& part, RowIndex& index) const = 0;
  /// Fills in part.gradients. @return the sum of the losses
  virtual double gradient(const RowExamples& examples, const RowIndex& index,
                          TouchedTables& part) = 0;
  /// @param scores [example], in normalised units
  virtual void score(const RowExamples& examples, const RowIndex& index, const TouchedTables& part,
                     std::span<float> scores) = 0;

  /// Whether scores are dot products of rows that can be found once and for all. Then:
  [[nodiscard]] virtual bool has_plain_form() const = 0;
  /// Reads what all rows need, before the others.
  virtual void begin_export(const BlockReader& read) = 0;
  [[nodiscard]] virtual PlainShape plain_shape() const = 0;
  /// The factors and biases of a block of users or items. @param table 0 or 1
  virtual void plain_rows(std::size_t table, std::uint32_t block, const BlockReader& read,
                          PlainRows& rows) = 0;
};

}  // namespace factorps::ps
