/// Alternating least squares without whole tables: rows of other nodes come into a buffer, portion
/// by portion (ps/row_stream.hpp). The bits are those of AlsWork.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "io/dataset.hpp"
#include "ps/rank_places.hpp"
#include "ps/stream_node.hpp"
#include "worker/als_rows.hpp"
#include "worker/work.hpp"

namespace factorps::worker {

class StreamedAlsWork : public Work {
 public:
  /// References must outlive the object.
  /// @param places for rankings; else none
  StreamedAlsWork(const ps::StreamNode& node, const Dataset& dataset, AlsOptions options,
                  const ps::RankPlaces* places = nullptr);

  void begin(const comm::StartPass& pass) override;
  [[nodiscard]] std::optional<Piece> try_piece() override;
  [[nodiscard]] bool finished() const override { return counter_.finished(); }
  [[nodiscard]] bool starved() const override { return counter_.left(); }
  [[nodiscard]] std::string waits_for() const override {
    return starved() ? "rows of other nodes" : Work::waits_for();
  }

 private:
  [[nodiscard]] Piece work_on(std::uint64_t unit);
  [[nodiscard]] Piece solve_users(std::uint64_t batch);
  [[nodiscard]] Piece solve_items(std::uint64_t batch);
  [[nodiscard]] Piece add_gram(ps::Side side, std::uint64_t unit);
  [[nodiscard]] const float* rows_of(ps::Side side, const ps::GramPiece& piece, RowRange rows);
  [[nodiscard]] Piece look_at_block(std::uint64_t unit);
  void rank(StripId strip, BlockId block, bool last) const;

  const ps::StreamNode& node_;
  const Dataset& dataset_;
  AlsRows rows_;
  const ps::RankPlaces* places_;
  ps::UnitCounter counter_;
  comm::StartPass pass_;
  AlignedBuffer<float> gathered_;  // rows of a chunk that do not stand together
};

}  // namespace factorps::worker
