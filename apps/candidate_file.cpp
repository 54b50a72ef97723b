#include "apps/candidate_file.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include <fmt/core.h>

#include "apps/text_output.hpp"
#include "common/error.hpp"
#include "io/text/block_reader.hpp"
#include "io/text/fields.hpp"
#include "io/text/layout.hpp"

namespace factorps::apps {
namespace {

std::string delimiter_of(const std::filesystem::path& path) {
  DataConfig config;
  config.format = "lists";
  return detect_layout(path, config).delimiter;
}

}  // namespace

/// Reads line after line.
class CandidateFile::Reader {
 public:
  Reader(CandidateFile& file, const Dataset& dataset, const std::optional<IdKey>& key)
      : file_{file},
        users_{dataset.user_ids(), key, IdSide::user},
        items_{dataset.item_ids(), key, IdSide::item},
        delimiter_{delimiter_of(file.path_)} {}

  void run() {
    BlockReader blocks{open_source(file_.path_)};
    while (blocks.fill()) {
      const std::string_view window = blocks.window();
      std::size_t begin = 0;
      for (std::size_t end = window.find('\n'); end != std::string_view::npos;
           end = window.find('\n', begin)) {
        read_line(window.substr(begin, end - begin));
        begin = end + 1;
      }
      blocks.consume(begin);
    }
  }

 private:
  void read_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    split_fields(line, delimiter_, fields_);
    if (fields_.empty() || fields_.front().empty()) return;
    const auto user = find_user(fields_.front());
    if (!user) {
      ++file_.unknown_users_;
      return;
    }
    for (const std::string_view field : std::span{fields_}.subspan(1)) {
      const auto item = find(items_, field);
      if (item) file_.items_[*user].push_back(static_cast<std::uint32_t>(*item));
      file_.unknown_items_ += !item && !field.empty();
    }
  }

  std::optional<std::uint64_t> find_user(std::string_view field) const {
    const auto user = find(users_, field);
    const std::size_t comma = field.rfind(',');
    const bool pair = field.starts_with('(') && field.ends_with(')') && comma != field.npos;
    return user || !pair ? user : users_.find(field.substr(1, comma - 1));
  }

  static std::optional<std::uint64_t> find(const IdFinder& ids, std::string_view field) {
    const auto row = ids.find(field);
    const auto plain = row ? std::nullopt : from_tsv_field(field);
    return plain ? ids.find(*plain) : row;
  }

  CandidateFile& file_;
  IdFinder users_;
  IdFinder items_;
  std::string delimiter_;
  std::vector<std::string_view> fields_;
};

CandidateFile::CandidateFile(const std::filesystem::path& path, const Dataset& dataset,
                             const std::optional<IdKey>& key)
    : path_{path}, items_(dataset.grid().users()) {
  Reader{*this, dataset, key}.run();
  least_ = std::numeric_limits<std::uint64_t>::max();
  for (auto& items : items_) {
    if (items.empty()) continue;
    std::ranges::sort(items);
    items.erase(std::unique(items.begin(), items.end()), items.end());
    least_ = std::min<std::uint64_t>(least_, items.size());
    most_ = std::max<std::uint64_t>(most_, items.size());
  }
  if (most_ > 0) return;
  throw DataError{fmt::format(
      "{}: no line names a user of the dataset and one of its items; expected lines of a user and "
      "items, separated by tabs",
      path.string())};
}

std::string CandidateFile::label() const {
  return least_ == most_ ? fmt::format("given:{}", most_) : std::string{"given"};
}

std::string CandidateFile::describe() const {
  const std::string count =
      least_ == most_ ? fmt::format("{}", most_) : fmt::format("{} to {}", least_, most_);
  return fmt::format(
      "{} of each user, given in {} ({} lines of unknown users and {} unknown items left out)",
      count, path_.filename().string(), unknown_users_, unknown_items_);
}

std::string candidate_line(const IdTable& users, const IdTable& items, std::uint64_t user,
                           std::span<const std::uint32_t> rows) {
  std::string line = tsv_field(users.text(user));
  for (const std::uint32_t row : rows) line += '\t' + tsv_field(items.text(row));
  return line + '\n';
}

}  // namespace factorps::apps
