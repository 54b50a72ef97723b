/// Models of row mode over pairs of a user row and an item row: their scores and gradients.
///
/// One thread, sums in one order. A score depends on its rows and the dense parameters alone, not
/// on its place in a batch; sums over examples are in their order. Matrix products use the kernels
/// of one instruction set, whose bits may differ from another's; nothing else does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/heads/workspace.hpp"

namespace factorps {

enum class HeadKind : std::uint8_t { mf, mf_linear, gmf, mlp, neumf };
enum class HeadLoss : std::uint8_t {
  squared,   ///< (target - score)^2
  logistic,  ///< -log of the probability of the target, which is 1 or 0 (or between them)
  bpr        ///< -log sigmoid(score 2n - score 2n + 1), of pairs of examples (Rendle et al. 2009)
};

struct HeadOptions {
  HeadKind kind = HeadKind::mf;
  HeadLoss loss = HeadLoss::squared;
  std::size_t dim = 16;  ///< factors of mf, mf_linear, gmf and the gmf part of neumf
  bool biases = true;    ///< mf: a row ends with its bias
  float mu = 0;          ///< mf: added to every score; not learned
  /// mlp, neumf: widths of the layers; the first is even, half user and half item
  std::vector<std::size_t> tower{64, 32, 16, 8};
  float dropout = 0;  ///< mlp, neumf: probability that an input of a layer is left out; below 1
  float init_std = 0.01F;  ///< of factors
};

/// A matrix of dense parameters, row-major; a layer computes x * weights + bias.
struct DenseTensor {
  std::string name;
  std::size_t rows = 1;
  std::size_t columns = 1;
  std::size_t offset = 0;  ///< of its first number

  [[nodiscard]] std::size_t size() const noexcept { return rows * columns; }
};

struct HeadShape {
  std::size_t user_width = 0;
  std::size_t item_width = 0;
  std::vector<DenseTensor> dense;
  std::size_t dense_size = 0;  ///< numbers in all of them

  void add(std::string name, std::size_t rows, std::size_t columns);
  /// @param name must be there
  [[nodiscard]] const DenseTensor& tensor(std::string_view name) const;
};

/// The rows of one side that a batch touches, and which of them each example uses.
struct HeadSide {
  std::span<const float> rows;                ///< [distinct][width]
  std::span<const std::uint32_t> of_example;  ///< [example] index of a row
};

struct HeadBatch {
  HeadSide users;
  HeadSide items;
  std::span<const float> targets;  ///< [example]; none for bpr
  // Dropout: masks are functions of both. Example n of the batch is number first_example + n, which
  // no other example that is trained with this seed should have.
  std::uint64_t seed = 0;
  std::uint64_t first_example = 0;
};

/// Sums over the examples of a batch; all that was there is overwritten.
struct HeadGradients {
  std::span<float> users;  ///< as HeadBatch::users.rows
  std::span<float> items;
  std::span<float> dense;  ///< [dense_size]
};

/// What makes a score a dot product: score = <user, item> + user bias + item bias + offset.
struct PlainRow {
  std::vector<float> factors;
  float bias = 0;
};

/// Immutable; threads may share it, each with its own workspace.
class Head {
 public:
  explicit Head(HeadOptions options) : options_{std::move(options)} {}
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;
  virtual ~Head() = default;

  [[nodiscard]] const HeadOptions& options() const noexcept { return options_; }
  [[nodiscard]] const HeadShape& shape() const noexcept { return shape_; }

  /// Weights: Glorot and Bengio 2010, uniform; biases 0; the scale of mf_linear 1.
  virtual void initialise_dense(std::span<float> dense, std::uint64_t seed) const;
  /// Factors with standard deviation init_std, a bias 0. @param index of the row in its table
  void initialise_user(std::span<float> row, std::uint64_t index, std::uint64_t seed) const;
  void initialise_item(std::span<float> row, std::uint64_t index, std::uint64_t seed) const;

  /// Gradients of the summed loss, with dropout. @return the sum of the losses of the examples
  double gradient(const HeadBatch& batch, std::span<const float> dense,
                  const HeadGradients& gradients, HeadWorkspace& workspace) const;

  /// Scores of one user with items, without dropout. Before the logistic function: logits.
  /// @param items [scores.size()][item_width]
  void score(std::span<const float> user, std::span<const float> items,
             std::span<const float> dense, std::span<float> scores, HeadWorkspace& workspace) const;

  /// Whether scores are dot products of plain rows.
  [[nodiscard]] virtual bool has_plain_form() const noexcept = 0;
  /// @throws ConfigError without a plain form
  [[nodiscard]] virtual PlainRow plain_user(std::span<const float> row,
                                            std::span<const float> dense) const = 0;
  [[nodiscard]] virtual PlainRow plain_item(std::span<const float> row,
                                            std::span<const float> dense) const = 0;
  [[nodiscard]] virtual float plain_offset(std::span<const float> dense) const = 0;

 protected:
  HeadShape shape_;

 private:
  /// workspace.scores of all examples. @param training with dropout
  virtual void forward(const HeadBatch& batch, std::span<const float> dense, bool training,
                       HeadWorkspace& workspace) const = 0;
  /// Adds workspace.slopes times the gradients of the scores that `forward` has just computed.
  virtual void backward(const HeadBatch& batch, std::span<const float> dense,
                        const HeadGradients& gradients, HeadWorkspace& workspace) const = 0;
  /// Columns of a row that hold factors.
  [[nodiscard]] virtual std::size_t factors() const noexcept { return shape_.user_width; }

  HeadOptions options_;
};

/// @throws ConfigError for sizes that make no model, naming the key
[[nodiscard]] std::unique_ptr<Head> make_head(const HeadOptions& options,
                                              InstructionSet set = best_kernels().set);

/// Losses of scores and their derivatives. @param targets [example], none for bpr
/// @param slopes resized to [example] @return the sum of the losses, in the order of the examples
double losses_of(HeadLoss loss, std::span<const float> targets, std::span<const float> scores,
                 std::vector<float>& slopes);

}  // namespace factorps
