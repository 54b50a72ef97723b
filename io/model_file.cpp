#include "io/model_file.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "io/files.hpp"
#include "io/normalisation_file.hpp"

namespace factorps {
namespace {

static_assert(std::endian::native == std::endian::little, "digests are of little-endian bytes");

constexpr std::string_view kFormat = "factorps-model";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw DataError{fmt::format("{}: {}", path.string(), what)};
}

/// A digest of the sizes and mu, to be continued with the tables.
Sha256 begin_digest(const ModelInfo& info) {
  Sha256 sha;
  for (const std::uint64_t size : {info.dim, info.users, info.items}) {
    sha.update(std::as_bytes(std::span{&size, 1}));
  }
  sha.update(std::as_bytes(std::span{&info.mu, 1}));
  return sha;
}

void create_table(h5::File& file, const std::string& table, std::uint64_t rows, std::uint64_t dim) {
  file.create_dataset(table + "/factors", h5::Type::f32, {rows, dim});
  file.create_dataset(table + "/bias", h5::Type::f32, {rows});
}

void write_attributes(h5::File& file, const ModelInfo& info) {
  file.set("/", "format", kFormat);
  file.set("/", "version", info.version());
  file.set("/", "kind", std::string_view{info.kind});
  file.set("/", "dim", info.dim);
  file.set("/", "mu", info.mu);
  file.set("/", "value_min", double{info.value_min});
  file.set("/", "value_max", double{info.value_max});
  file.set("/", "provenance", std::string_view{info.provenance});
}

}  // namespace

ModelWriter::ModelWriter(const std::filesystem::path& path, const ModelInfo& info)
    : path_{path},
      temporary_{create_temporary(path)},
      info_{info},
      file_{h5::File::create(temporary_)},
      sha_{begin_digest(info)} {
  write_attributes(file_, info_);
  create_table(file_, "/users", info_.users, info_.dim);
  create_table(file_, "/items", info_.items, info_.dim);
  write_normalisation(file_, info_.normalisation);
  if (info_.layers) write_layers(file_, info_.kind, *info_.layers);
  if (info_.features) write_features(file_, *info_.features, info_.dim);
}

ModelWriter::~ModelWriter() {
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);  // gone already if commit() renamed it
}

void ModelWriter::append(const std::string& table, std::uint64_t rows, std::uint64_t& next,
                         std::span<const float> factors, std::span<const float> bias) {
  FACTORPS_CHECK(factors.size() == bias.size() * info_.dim && bias.size() <= rows - next);
  file_.write_rows(table + "/factors", next, factors);
  file_.write_rows(table + "/bias", next, bias);
  sha_.update(std::as_bytes(factors));
  biases_.insert(biases_.end(), bias.begin(), bias.end());
  next += bias.size();
  if (next == rows) {
    sha_.update(std::as_bytes(std::span{biases_}));
    biases_.clear();
  }
}

void ModelWriter::append_users(std::span<const float> factors, std::span<const float> bias) {
  append("/users", info_.users, next_user_, factors, bias);
}

void ModelWriter::append_items(std::span<const float> factors, std::span<const float> bias) {
  FACTORPS_CHECK(next_user_ == info_.users);
  append("/items", info_.items, next_item_, factors, bias);
}

void ModelWriter::write_ids(const IdTable& users, const IdTable& items) {
  FACTORPS_CHECK(users.size() == info_.users && items.size() == info_.items);
  users.write(file_, "/users");
  items.write(file_, "/items");
}

void ModelWriter::write_counts(std::span<const std::uint32_t> users,
                               std::span<const std::uint32_t> items) {
  FACTORPS_CHECK(users.size() == info_.users && items.size() == info_.items);
  file_.write("/users/train_count", {info_.users}, users);
  file_.write("/items/train_count", {info_.items}, items);
}

void ModelWriter::create_seen(std::span<const std::uint64_t> offsets) {
  FACTORPS_CHECK(offsets.size() == info_.users + 1);
  seen_ = offsets.back();
  file_.write("/seen/offsets", {offsets.size()}, offsets);
  file_.create_dataset("/seen/items", h5::Type::u32, {seen_});
}

void ModelWriter::append_seen(std::span<const std::uint32_t> items) {
  FACTORPS_CHECK(items.size() <= seen_ - next_seen_);
  file_.write_rows("/seen/items", next_seen_, items);
  next_seen_ += items.size();
}

namespace {

/// Names of all datasets; but for features none lies deeper than one group.
std::vector<std::string> datasets_of(const h5::File& file) {
  std::vector<std::string> names;
  for (const std::string& group : file.members("/")) {
    if (group == "features") {
      const auto features = feature_datasets(file);
      names.insert(names.end(), features.begin(), features.end());
      continue;
    }
    for (const std::string& name : file.members("/" + group)) {
      names.push_back(fmt::format("/{}/{}", group, name));
    }
  }
  return names;
}

/// Adds the checksums to a complete file.
void seal(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::uint64_t>> checksums;
  {
    const h5::MappedFile map{path};
    for (const std::string& name : datasets_of(map.file())) {
      checksums.emplace_back(name, map.checksum(name));
    }
  }
  h5::File file = h5::File::modify(path);
  for (const auto& [name, value] : checksums) file.set(name, "checksum", value);
  file.close();
}

}  // namespace

std::string ModelWriter::commit() {
  FACTORPS_CHECK(next_user_ == info_.users && next_item_ == info_.items && next_seen_ == seen_);
  FACTORPS_CHECK(file_.exists("/users/train_count"));
  FACTORPS_CHECK(file_.exists("/users/ids") || file_.exists("/users/id_offsets"));
  if (info_.layers) factorps::digest(*info_.layers, sha_);
  if (info_.features) factorps::digest(*info_.features, sha_);
  std::string digest = sha_.finish();
  file_.set("/", "sha256", std::string_view{digest});
  file_.close();
  seal(temporary_);
  commit_rename(temporary_, path_);
  return digest;
}

namespace {

void check_header(const h5::File& file) {
  if (!file.has("/", "format") || file.text("/", "format") != kFormat) {
    fail(file.path(), fmt::format("not a model: attribute 'format' of / is not '{}'", kFormat));
  }
  const std::uint64_t version = file.natural("/", "version");
  if (version == 0 || version > kModelVersion) {
    fail(file.path(), fmt::format("model version {}, this program reads versions 1 to {}", version,
                                  kModelVersion));
  }
}

std::uint64_t rows_of(const h5::File& file, const std::string& name, std::uint64_t dim) {
  const h5::Shape shape = file.shape(name);
  if (shape.size() != 2 || shape[1] != dim) {
    fail(file.path(),
         fmt::format("{} has shape [{}], expected [rows, {}]", name, fmt::join(shape, ", "), dim));
  }
  return shape[0];
}

void check_length(const h5::File& file, const std::string& name, std::uint64_t expected) {
  if (const h5::Shape shape = file.shape(name); shape != h5::Shape{expected}) {
    fail(file.path(),
         fmt::format("{} has shape [{}], expected [{}]", name, fmt::join(shape, ", "), expected));
  }
}

ModelInfo read_info(const h5::File& file) {
  check_header(file);
  ModelInfo info;
  info.kind = file.text("/", "kind");
  const bool known = info.kind == "mf" || info.kind == "fm" || has_layers(info.kind);
  info.dim = file.natural("/", "dim");
  if (info.dim == 0) fail(file.path(), "dim is 0, expected at least 1");
  if (info.kind == "fm") info.features = read_features(file, info.dim);
  if (!known || info.version() != file.natural("/", "version")) {
    fail(file.path(),
         fmt::format("kind is '{}', expected 'mf' in version 1, 'mlp', 'neumf' or 'fm' in version "
                     "2, 'fm' with /features/context in version 3",
                     info.kind));
  }
  info.users = rows_of(file, "/users/factors", info.dim);
  info.items = rows_of(file, "/items/factors", info.dim);
  info.mu = file.real("/", "mu");
  info.value_min = static_cast<float>(file.real("/", "value_min"));
  info.value_max = static_cast<float>(file.real("/", "value_max"));
  if (!std::isfinite(info.mu) || !(info.value_min <= info.value_max)) {
    fail(file.path(), fmt::format("mu is {}, values are {} to {}: expected finite and ascending",
                                  info.mu, info.value_min, info.value_max));
  }
  info.normalisation = read_normalisation(file, info.users, info.items);
  info.provenance = file.text("/", "provenance");
  if (has_layers(info.kind)) info.layers = read_layers(file, info.kind, info.dim);
  return info;
}

template <class T>
std::span<const T> view_rows(const h5::MappedFile& map, const std::string& name,
                             std::uint64_t rows) {
  check_length(map.file(), name, rows);
  return map.view<T>(name);
}

/// Lengths only: IdTable::read() looks inside.
void check_ids(const h5::MappedFile& map, const std::string& table, std::uint64_t rows) {
  if (map.file().exists(table + "/ids")) {
    static_cast<void>(view_rows<std::int64_t>(map, table + "/ids", rows));
  } else {
    static_cast<void>(view_rows<std::uint64_t>(map, table + "/id_offsets", rows + 1));
    static_cast<void>(map.view<std::uint8_t>(table + "/id_bytes"));
  }
}

void check_offsets(const std::filesystem::path& path, std::span<const std::uint64_t> offsets,
                   std::uint64_t end) {
  if (offsets.front() != 0 || offsets.back() != end ||
      !std::is_sorted(offsets.begin(), offsets.end())) {
    fail(path, fmt::format("/seen/offsets do not ascend from 0 to {}", end));
  }
}

float weighted_mean(std::span<const float> values, std::span<const std::uint32_t> weights) {
  double sum = 0;
  double total = 0;
  for (std::size_t n = 0; n < values.size(); ++n) {
    sum += double{values[n]} * weights[n];
    total += weights[n];
  }
  return static_cast<float>(sum / total);
}

}  // namespace

Model::Model(const std::filesystem::path& path)
    : map_{path},
      info_{read_info(map_.file())},
      head_{info_.layers ? head_of(info_.kind, *info_.layers) : nullptr},
      sha256_{map_.file().text("/", "sha256")},
      user_factors_{map_.view<float>("/users/factors")},
      item_factors_{map_.view<float>("/items/factors")},
      user_bias_{view_rows<float>(map_, "/users/bias", info_.users)},
      item_bias_{view_rows<float>(map_, "/items/bias", info_.items)},
      user_counts_{view_rows<std::uint32_t>(map_, "/users/train_count", info_.users)},
      item_counts_{view_rows<std::uint32_t>(map_, "/items/train_count", info_.items)} {
  check_ids(map_, "/users", info_.users);
  check_ids(map_, "/items", info_.items);
  if (map_.file().exists("/seen")) {
    seen_offsets_ = view_rows<std::uint64_t>(map_, "/seen/offsets", info_.users + 1);
    seen_items_ = map_.view<std::uint32_t>("/seen/items");
    check_offsets(path, seen_offsets_, seen_items_.size());
  }
  const Normalisation& normalisation = info_.normalisation;
  if (normalisation.by == NormaliseBy::global) return;
  const auto weights = normalisation.by == NormaliseBy::user ? user_counts_ : item_counts_;
  if (std::ranges::any_of(weights, [](std::uint32_t count) { return count > 0; })) {
    absent_offset_ = weighted_mean(normalisation.offset, weights);
    absent_scale_ = weighted_mean(normalisation.scale, weights);
  }
}

std::optional<std::span<const std::uint32_t>> Model::seen(std::uint64_t user) const {
  FACTORPS_CHECK(user < info_.users);
  if (seen_offsets_.empty()) return std::nullopt;
  const std::uint64_t begin = seen_offsets_[user];
  const auto items = seen_items_.subspan(begin, seen_offsets_[user + 1] - begin);
  const bool ascend = std::ranges::is_sorted(items);  // a pair may be there twice
  if (!ascend || (!items.empty() && items.back() >= info_.items)) {
    fail(path(),
         fmt::format("/seen/items of user row {} do not ascend below {}", user, info_.items));
  }
  return items;
}

std::string Model::computed_sha256() const {
  Sha256 sha = begin_digest(info_);
  for (const auto part : {user_factors_, user_bias_, item_factors_, item_bias_}) {
    sha.update(std::as_bytes(part));
  }
  if (info_.layers) digest(*info_.layers, sha);
  if (info_.features) digest(*info_.features, sha);
  return sha.finish();
}

void Model::verify() const {
  for (const std::string& name : datasets_of(map_.file())) {
    if (map_.file().natural(name, "checksum") != map_.checksum(name)) {
      fail(path(), fmt::format("{} is damaged: its checksum does not match", name));
    }
  }
  if (const std::string computed = computed_sha256(); computed != sha256_) {
    fail(path(), fmt::format("SHA-256 is {}, expected {}", computed, sha256_));
  }
  static_cast<void>(user_ids());
  static_cast<void>(item_ids());
  for (std::uint64_t user = 0; user < info_.users; ++user) static_cast<void>(seen(user));
}

float Model::predict(std::optional<std::uint64_t> user_row, std::optional<std::uint64_t> item_row,
                     bool clip) const {
  const float stored =
      user_row ? score(user(*user_row), user_bias_[*user_row], item_row) : score({}, 0, item_row);
  const float original = invert(user_row, item_row, stored);
  return clip ? std::clamp(original, info_.value_min, info_.value_max) : original;
}

float Model::predict(std::span<const float> factors, float bias,
                     std::optional<std::uint64_t> item_row,
                     std::optional<std::uint64_t> user_row) const {
  return invert(user_row, item_row, score(factors, bias, item_row));
}

/// An absent row is one of zeros, as a cold one.
float Model::score_by_layers(std::span<const float> factors,
                             std::optional<std::uint64_t> item_row) const {
  const std::vector<float> zeros(info_.dim);
  HeadWorkspace workspace;
  float score = 0;
  head_->score(factors.empty() ? zeros : factors, item_row ? item(*item_row) : zeros,
               info_.layers->dense, {&score, 1}, workspace);
  return score;
}

float Model::score(std::span<const float> factors, float bias,
                   std::optional<std::uint64_t> item_row) const {
  if (head_) return score_by_layers(factors, item_row);
  double sum = info_.mu + double{bias};
  if (!item_row) return static_cast<float>(sum);
  sum += double{item_bias_[*item_row]};
  const auto row = item(*item_row);
  for (std::size_t d = 0; d < factors.size(); ++d) sum += double{factors[d]} * double{row[d]};
  return static_cast<float>(sum);
}

float Model::invert(std::optional<std::uint64_t> user_row, std::optional<std::uint64_t> item_row,
                    float stored) const {
  const NormaliseBy by = info_.normalisation.by;
  const bool known = by == NormaliseBy::global || (by == NormaliseBy::user ? user_row : item_row);
  if (!known) return stored * absent_scale_ + absent_offset_;
  return info_.normalisation.invert(user_row.value_or(0), item_row.value_or(0), stored);
}

}  // namespace factorps
