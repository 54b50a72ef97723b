#include "apps/interactions_file.hpp"

#include <limits>

#include <fmt/core.h>

#include "common/error.hpp"
#include "io/prepare/row_reader.hpp"

namespace factorps::apps {
namespace {

NamedRow named(std::string id, const IdFinder& table) {
  const auto row = table.find(id);
  return {std::move(id), row};
}

}  // namespace

NamedRows::NamedRows(const CollectedIds& ids, const IdFinder& table) {
  for (const std::int64_t id : ids.integers) {
    integers_.push_back(named(fmt::format("{}", id), table));
  }
  for (std::size_t n = 0; n < ids.texts(); ++n) {
    texts_.push_back(named(std::string{ids.text(n)}, table));
  }
}

InteractionsFile read_interactions(const std::filesystem::path& path, DataConfig config,
                                   bool values) {
  RowRules rules;
  if (values) {
    rules.events = parse_event_weights(config.event_weights);
  } else {
    config.value.clear();
    config.event.clear();
  }
  config.time.clear();
  const TextLayout layout = detect_layout(path, config);
  RowReader reader{rules};
  reader.read({path, layout, 0, std::numeric_limits<std::uint64_t>::max()});
  Chunk chunk = reader.release();
  if (chunk.bad.count > 0) throw DataError{chunk.bad.first.front()};
  if (!chunk.failure.empty()) throw DataError{chunk.failure};
  return {std::move(chunk), layout.value || layout.event};
}

}  // namespace factorps::apps
