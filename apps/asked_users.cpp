#include "apps/asked_users.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <unordered_map>

#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apps/id_file.hpp"
#include "apps/interactions_file.hpp"
#include "common/error.hpp"

namespace factorps::apps {
namespace {

/// What stands on standard input, as a file that can be read twice.
class StandardInput {
 public:
  StandardInput() : descriptor_{::memfd_create("stdin", MFD_CLOEXEC)} {
    if (descriptor_ < 0) throw ResourceError{"standard input: no memory for it"};
    std::ofstream copy{path(), std::ios::binary};
    if (std::cin.peek() != std::istream::traits_type::eof()) copy << std::cin.rdbuf();
    if (!copy.flush()) throw ResourceError{"standard input: no memory for all of it"};
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() { ::close(descriptor_); }
  [[nodiscard]] std::filesystem::path path() const {
    return fmt::format("/proc/self/fd/{}", descriptor_);
  }

 private:
  int descriptor_;
};

/// In the units of the training.
float stored_value(const Model& model, std::uint64_t item, float value) {
  return model.info().normalisation.apply(0, item, value);
}

/// Histories while they are read.
class Histories {
 public:
  Histories(const Model& model, bool sum) : model_{model}, sum_{sum} {}

  void add(std::uint32_t number, const NamedRow& user, const NamedRow& item, float value) {
    const auto [place, is_new] = places_.try_emplace(number, histories_.size());
    if (is_new) histories_.push_back({user.id, {}});
    if (!item.row) {
      ++unknown_;
      return;
    }
    auto& values = histories_[place->second].values;
    const auto [entry, first] = values.try_emplace(static_cast<std::uint32_t>(*item.row), value);
    if (!first) entry->second = sum_ ? entry->second + value : value;
  }

  [[nodiscard]] std::vector<Asked> users() const {
    std::vector<Asked> users;
    for (const auto& [id, values] : histories_) {
      users.push_back({id, {}, true, {}, {}});
      for (const auto& [item, value] : values) {
        users.back().items.push_back(item);
        users.back().values.push_back(stored_value(model_, item, value));
      }
    }
    return users;
  }
  [[nodiscard]] std::uint64_t unknown() const noexcept { return unknown_; }

 private:
  struct One {
    std::string id;
    std::map<std::uint32_t, float> values;  // [item] in original units
  };
  const Model& model_;
  bool sum_;
  std::unordered_map<std::uint32_t, std::size_t> places_;  // [number of the user]
  std::vector<One> histories_;
  std::uint64_t unknown_ = 0;
};

}  // namespace

AskedUsers::AskedUsers(const Model& model) : ids_{model.user_ids()} {}

AskedUsers AskedUsers::of_file(const std::filesystem::path& path, const Model& model) {
  const IdFinder ids = model.find_users();
  AskedUsers asked;
  asked.hint_ = ids.hint();
  for_each_id(path, "user", [&](std::string id) {
    const auto row = ids.find(id);
    asked.users_.push_back({std::move(id), row, false, {}, {}});
  });
  return asked;
}

AskedUsers AskedUsers::of_histories(const std::filesystem::path& path, const DataConfig& config,
                                    const Model& model, bool values, bool sum) {
  std::optional<StandardInput> standard_input;
  if (path == "-") standard_input.emplace();
  const InteractionsFile file =
      read_interactions(standard_input ? standard_input->path() : path, config, true);
  if (values && !file.has_values) {
    throw DataError{fmt::format(
        "{}: has no values, expected user, item and value: the model was trained on them",
        path.string())};
  }
  const Chunk& chunk = file.chunk;
  const NamedRows users{chunk.users, model.find_users()};
  const NamedRows items{chunk.items, model.find_items()};
  Histories histories{model, sum};
  for (std::size_t n = 0; n < chunk.rows.size(); ++n) {
    const std::uint32_t user = chunk.rows.users[n];
    histories.add(user, users.at(user), items.at(chunk.rows.items[n]), chunk.rows.values[n]);
  }
  AskedUsers asked;
  asked.users_ = histories.users();
  asked.unknown_items_ = histories.unknown();
  return asked;
}

}  // namespace factorps::apps
