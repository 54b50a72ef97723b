#include "tests/fuzz/readers.hpp"

#include <vector>

#include "common/check.hpp"
#include "io/dataset.hpp"
#include "io/dataset_check.hpp"
#include "io/model_file.hpp"
#include "io/shard_file.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {
namespace {

/// Whatever ends up in an answer.
volatile double sink = 0;

/// What every command does before it looks into cells.
void use_cells(const Dataset& dataset) {
  for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) dataset.verify(StripId{s});
  for (const Part part : kParts) {
    sink = sink + (dataset.held_out(part) ? 1 : 0);
    for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) {
      std::vector<std::uint32_t> of_user(dataset.grid().users_of(StripId{s}).size());
      for (std::uint32_t b = 0; b < dataset.grid().blocks(); ++b) {
        std::vector<std::uint32_t> of_item(dataset.grid().items_of(BlockId{b}).size());
        const CellView cell = dataset.cell(part, StripId{s}, BlockId{b});
        for_each_interaction(cell, [&](std::uint32_t user, std::size_t n) {
          ++of_user[user];
          ++of_item[cell.items[n]];
          sink = sink + double{cell.value(n)};
        });
      }
      if (part != Part::train) continue;
      // model.h5 is filled by these counts.
      for (std::size_t u = 0; u < of_user.size(); ++u) {
        const std::uint64_t row = dataset.grid().users_of(StripId{s}).begin + u;
        FACTORPS_CHECK(dataset.user_counts()[row] == of_user[u]);
      }
    }
  }
}

void use_ids(const IdTable& ids) {
  sink = sink + (ids.find("u3") ? 1 : 0) + (ids.find("103") ? 1 : 0);
  for (std::uint64_t row = 0; row < ids.size(); ++row) {
    sink = sink + static_cast<double>(ids.text(row).size());
  }
}

}  // namespace

void use_dataset(const std::filesystem::path& file) {
  static_cast<void>(accepts([&] {
    const Dataset dataset{file};
    static_cast<void>(accepts([&] { verify_all(dataset); }));
    static_cast<void>(accepts([&] { use_cells(dataset); }));
    static_cast<void>(accepts([&] { use_ids(dataset.user_ids()); }));
    static_cast<void>(accepts([&] { use_ids(dataset.item_ids()); }));
    static_cast<void>(accepts([&] {
      for (const std::string& name : dataset.item_attribute_names()) {
        const Attribute attribute = *dataset.item_attribute(name);
        for (std::uint64_t row = 0; row < attribute.rows(); ++row)
          sink = sink + (attribute.known(row) ? 1 : 0);
      }
    }));
    sink = sink + static_cast<double>(dataset.user_id_bytes() + dataset.item_id_bytes() +
                                      dataset.summary().size());
    const Normalisation& normalisation = dataset.normalisation();
    for (std::uint64_t u = 0; u < dataset.grid().users(); ++u)
      sink = sink + double{normalisation.invert(u, 0, 1)};
  }));
}

void use_model(const std::filesystem::path& file) {
  static_cast<void>(accepts([&] {
    const Model model{file};
    static_cast<void>(accepts([&] { model.verify(); }));
    static_cast<void>(accepts([&] { use_ids(model.user_ids()); }));
    static_cast<void>(accepts([&] { use_ids(model.item_ids()); }));
    for (std::uint64_t user = 0; user < model.info().users; ++user) {
      static_cast<void>(accepts([&] {
        for (const std::uint32_t item : model.seen(user).value_or(std::span<const std::uint32_t>{}))
          sink = sink + static_cast<double>(model.item(item).size()) +
                 double{model.predict(user, item, true)};
      }));
      sink = sink + double{model.predict(user, std::nullopt, true)};
    }
    for (std::uint64_t item = 0; item < model.info().items; ++item)
      sink = sink + double{model.predict(std::nullopt, item, false)};
  }));
}

void use_shard(const std::filesystem::path& file) {
  static_cast<void>(accepts([&] {
    ShardReader reader{{file}};
    std::vector<float> factors(kShardRows * kShardDim);
    std::vector<RowState> states(kShardRows);
    const RowsView rows{factors.data(), states.data(), kShardDim, kShardRows};
    for (const RowsKind kind : {RowsKind::strip, RowsKind::block}) {
      for (std::uint32_t index = 0; index < 2; ++index)
        static_cast<void>(accepts([&] { reader.read(kind, index, rows, kShardDim); }));
    }
    static_cast<void>(accepts([&] {
      reader.read_records("users", 0, factors.data(), kShardRows, kShardDim, kShardDim);
    }));
    static_cast<void>(accepts([&] { sink = sink + reader.read_sums(0, 2)[1]; }));
    static_cast<void>(accepts([&] { sink = sink + reader.read_record_sums("users", 0)[1]; }));
  }));
}

}  // namespace factorps::fuzz
