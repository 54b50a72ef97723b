#include "ps/rows/row_store.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <span>
#include <utility>

#include "ps/model_export.hpp"

namespace factorps::ps {
namespace {

/// Reads from the memory of the only node.
BlockReader blocks_in_memory(const RowNode& node) {
  return [&node, values = std::vector<float>{}](std::size_t table, std::uint32_t block) mutable {
    const RowTable& shape = node.layout().tables()[table];
    values.resize((shape.begin[block + 1] - shape.begin[block]) * shape.width);
    for (std::uint64_t row = shape.begin[block]; row < shape.begin[block + 1]; ++row) {
      std::copy_n(node.record(table, row), shape.width,
                  values.data() + (row - shape.begin[block]) * shape.width);
    }
    return std::span<const float>{values};
  };
}

/// Reads what the servers of several nodes have saved.
BlockReader blocks_in_files(const std::vector<std::string>& shards, const RowLayout& layout) {
  const auto reader = std::make_shared<ShardReader>(
      std::vector<std::filesystem::path>{shards.begin(), shards.end()});
  return [reader, &layout, records = std::vector<float>{}](std::size_t table,
                                                           std::uint32_t block) mutable {
    const RowTable& shape = layout.tables()[table];
    const std::uint64_t rows = shape.begin[block + 1] - shape.begin[block];
    const std::size_t width = shape.record();
    records.resize(rows * width);
    reader->read_records(shape.name, block, records.data(), rows, width, width);
    for (std::uint64_t r = 1; r < rows; ++r) {
      std::copy_n(records.data() + r * width, shape.width, records.data() + r * shape.width);
    }
    return std::span<const float>{records}.first(rows * shape.width);
  };
}

/// Rows of users and items as export_model() wants them.
RowSource model_source(RowModel& model, const BlockReader& read, std::size_t dim) {
  struct Block {
    ModelRows rows;
    std::vector<RowState> states;
  };
  return
      [&model, &read, dim, block = std::make_shared<Block>()](RowsKind kind, std::uint32_t index) {
        model.model_rows(kind == RowsKind::strip ? 0 : 1, index, read, block->rows);
        const auto& bias = block->rows.bias;
        block->states.resize(bias.size());
        std::ranges::transform(bias, block->states.begin(), [](float b) { return RowState{b, 0}; });
        return RowsView{block->rows.factors.data(), block->states.data(), dim, bias.size()};
      };
}

}  // namespace

RowStore::RowStore(comm::Transport& transport, const RowNode& node, comm::RoleId first_worker,
                   std::unique_ptr<RowModel> model, const Dataset& dataset, RowStoreOptions options)
    : node_{node},
      service_{transport, node, first_worker},
      model_{std::move(model)},
      dataset_{dataset},
      options_{std::move(options)},
      counter_{node.counter()} {}

void RowStore::begin(const comm::StartPass& start) {
  pass_ = start;
  if (start.kind == comm::PassKind::train) {
    begin_ = end_;
    end_ = steps_up_to(options_.steps);
    return;
  }
  counter_.begin(node_.units());
}

bool RowStore::finished() const {
  if (!service_.idle()) return false;
  if (pass_.kind != comm::PassKind::train) return counter_.finished();
  if (node_.min_clock() < end_) return false;
  return node_.job().policy.consistency != Consistency::bsp || node_.applied_before(end_);
}

bool RowStore::has_sums(std::size_t table, std::uint32_t block) const {
  return table == 0 && std::ranges::binary_search(options_.sums_at, block);
}

CellSums RowStore::sums_of(StripId strip) const {
  if (pass_.kind == comm::PassKind::train) {
    return has_sums(0, strip.value()) ? node_.sums(strip, BlockId{0}) : CellSums{};
  }
  CellSums total{};
  for (std::uint32_t b = 0; b < node_.job().blocks; ++b) {
    const CellSums& cell = node_.sums(strip, BlockId{b});
    for (std::size_t k = 0; k < total.size(); ++k) total[k] += cell[k];
  }
  return total;
}

Share RowStore::blocks(std::size_t table) const {
  const Share all = node_.layout().blocks_of(table, node_.node());
  const Share mine = share_of(all.end - all.begin, static_cast<int>(options_.part.begin),
                              static_cast<int>(options_.part.end));
  return {all.begin + mine.begin, all.begin + mine.end};
}

template <class Visit>
void RowStore::for_each_block(Visit&& visit) const {
  for (std::size_t t = 0; t < node_.layout().tables().size(); ++t) {
    const RowTable& table = node_.layout().tables()[t];
    const Share mine = blocks(t);
    for (std::uint32_t b = mine.begin; b < mine.end; ++b) {
      visit(t, b, node_.record(t, table.begin[b]), table.begin[b + 1] - table.begin[b]);
    }
  }
}

std::vector<comm::HotRow> RowStore::hot_rows() {
  constexpr std::size_t kMost = 8;
  constexpr std::uint32_t kTables = 2;  // users and items: all steps touch layers
  std::vector<comm::HotRow> hot;
  if (pass_.kind != comm::PassKind::train) return hot;
  if (end_ < steps_up_to(options_.steps)) return hot;  // at the end of the epoch
  for (std::uint32_t t = 0; t < kTables; ++t) {
    const Share mine = blocks(t);
    const auto& begin = node_.layout().tables()[t].begin;
    for (std::uint64_t row = begin[mine.begin]; row < begin[mine.end]; ++row) {
      const std::uint32_t pushes = node_.take_pushes(t, row);
      if (pushes == 0 || (hot.size() == kMost && pushes <= hot.back().pushes)) continue;
      if (hot.size() == kMost) hot.pop_back();
      const comm::HotRow found{t, row, pushes};
      hot.insert(std::ranges::upper_bound(hot, pushes, std::greater{}, &comm::HotRow::pushes),
                 found);
    }
  }
  return hot;
}

void RowStore::initialise() {
  for_each_block([this](std::size_t t, std::uint32_t b, float* record, std::uint64_t rows) {
    const RowTable& table = node_.layout().tables()[t];
    for (std::uint64_t r = 0; r < rows; ++r, record += node_.stride(t)) {
      std::fill_n(record, table.record(), 0.0F);  // a load may have failed half way
      model_->initialise(t, table.begin[b] + r, {record, table.width});
      node_.optimizer(t).start(record);
    }
  });
}

std::vector<ShardPart> RowStore::parts(std::uint32_t step) const {
  std::vector<ShardPart> parts;
  for_each_block([&](std::size_t t, std::uint32_t b, float* record, std::uint64_t rows) {
    const RowTable& table = node_.layout().tables()[t];
    parts.push_back(records_part(table.name, b, record, rows, table.record(), node_.stride(t)));
    if (step == 0 || !has_sums(t, b)) return;
    const CellSums& sums = node_.sums(StripId{b}, BlockId{0});
    parts.back().sums = {sums[0], sums[1]};
  });
  return parts;
}

void RowStore::load(ShardReader& reader, std::uint32_t step) {
  for_each_block([&](std::size_t t, std::uint32_t b, float* record, std::uint64_t rows) {
    const RowTable& table = node_.layout().tables()[t];
    reader.read_records(table.name, b, record, rows, table.record(), node_.stride(t));
    if (step == 0 || !has_sums(t, b)) return;
    const auto sums = reader.read_record_sums(table.name, b);
    node_.sums(StripId{b}, BlockId{0}) = {sums[0], sums[1]};
  });
}

std::uint32_t RowStore::hold() {
  const std::uint64_t first = node_.gate().hold({begin_, steps_up_to(options_.steps)});
  return static_cast<std::uint32_t>(first - begin_ + pass_.first_step);
}

void RowStore::pause(std::uint32_t step) {
  end_ = std::min(end_, steps_up_to(step));
  node_.gate().pause(steps_up_to(step));
}

std::string RowStore::write_model(const comm::Command& command) const {
  const BlockReader read = command.shards.empty() ? blocks_in_memory(node_)
                                                  : blocks_in_files(command.shards, node_.layout());
  ModelInfo info = model_->begin_export(read);
  const RowSource rows = model_source(*model_, read, info.dim);
  return export_model(rows, std::move(info), dataset_, command.directory, command.provenance,
                      options_.stored);
}

}  // namespace factorps::ps
