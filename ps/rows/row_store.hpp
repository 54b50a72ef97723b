/// The store of a server in row mode: its share of the blocks of every table of its node.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/dataset.hpp"
#include "ps/model_export.hpp"
#include "ps/rows/row_model.hpp"
#include "ps/rows/row_service.hpp"
#include "ps/shard_store.hpp"

namespace factorps::ps {

/// What a server of row mode must know.
struct RowStoreOptions {
  std::uint64_t steps = 0;             ///< of an epoch
  std::vector<std::uint32_t> sums_at;  ///< strips that have the sums of training; ascending
  Share part;                          ///< this server of those of its node: begin of end
  StoredParts stored;                  ///< in the model
};

class RowStore : public ShardStore {
 public:
  /// @param first_worker role of worker 0
  /// References must outlive the object.
  RowStore(comm::Transport& transport, const RowNode& node, comm::RoleId first_worker,
           std::unique_ptr<RowModel> model, const Dataset& dataset, RowStoreOptions options);

  void begin(const comm::StartPass& start) override;
  bool step() override { return service_.step(); }
  [[nodiscard]] bool finished() const override;
  void receive(comm::Envelope envelope) override { service_.receive(std::move(envelope)); }
  [[nodiscard]] Share strips() const override { return blocks(0); }
  [[nodiscard]] CellSums sums_of(StripId strip) const override;
  [[nodiscard]] Traffic traffic() const override { return {}; }
  [[nodiscard]] std::vector<comm::HotRow> hot_rows() override;
  void initialise() override;
  [[nodiscard]] std::vector<ShardPart> parts(std::uint32_t step) const override;
  void load(ShardReader& reader, std::uint32_t step) override;
  [[nodiscard]] std::uint32_t hold() override;
  void pause(std::uint32_t step) override;
  [[nodiscard]] std::string write_model(const comm::Command& command) const override;

 private:
  [[nodiscard]] Share blocks(std::size_t table) const;
  /// Calls visit(table, block, record of its first row, rows) for each of this server.
  template <class Visit>
  void for_each_block(Visit&& visit) const;
  /// Whether the sums of training of a lane are those of its first strip: of users, a block.
  [[nodiscard]] bool has_sums(std::size_t table, std::uint32_t block) const;
  /// Steps since the start of the job up to one of the epoch, in the training pass.
  [[nodiscard]] std::uint64_t steps_up_to(std::uint64_t step) const {
    return begin_ + step - pass_.first_step;
  }

  const RowNode& node_;
  RowService service_;
  std::unique_ptr<RowModel> model_;
  const Dataset& dataset_;
  RowStoreOptions options_;
  UnitCounter counter_;
  comm::StartPass pass_;
  std::uint64_t begin_ = 0;  // of the last training pass: steps of all passes before
  std::uint64_t end_ = 0;    // the same with its own, or those before its pause
};

}  // namespace factorps::ps
