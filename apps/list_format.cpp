#include "apps/list_format.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "apps/text_output.hpp"
#include "common/error.hpp"
#include "io/hdf5.hpp"

namespace factorps::apps {
namespace {

class Tsv final : public ListFormat {
 public:
  explicit Tsv(const Model& model) : item_ids_{model.item_ids()} {}
  [[nodiscard]] std::string head() const override { return "user\tposition\titem\tscore\tbasis\n"; }
  [[nodiscard]] std::string bytes(const Asked& user, const Recommendation& list) const override {
    std::string text;
    for (std::size_t n = 0; n < list.items.size(); ++n) {
      text += fmt::format("{}\t{}\t{}\t{:.6g}\t{}\n", tsv_field(user.id), n + 1,
                          tsv_field(item_ids_.text(list.items[n].item)), list.items[n].score,
                          tsv_field(list.basis));
    }
    return text;
  }

 private:
  IdTable item_ids_;
};

class JsonLines final : public ListFormat {
 public:
  explicit JsonLines(const Model& model) : item_ids_{model.item_ids()} {}
  [[nodiscard]] std::string bytes(const Asked& user, const Recommendation& list) const override {
    using Json = nlohmann::ordered_json;
    Json items = Json::array();
    for (const auto& [item, score] : list.items) {
      items.push_back({{"item", item_ids_.text(item)}, {"score", score}});
    }
    const Json line{{"user", user.id},
                    {"known", user.row.has_value()},
                    {"basis", list.basis},
                    {"items", std::move(items)}};
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  }

 private:
  IdTable item_ids_;
};

/// Per user while it is being made: the basis (u32), `count` items (u32) and as many scores (f32).
class Hdf5 final : public ListFormat {
 public:
  Hdf5(const Model& model, std::size_t count) : model_{model}, count_{count} {}

  [[nodiscard]] std::string_view file_format() const override { return "factorps-recommendations"; }

  [[nodiscard]] std::string bytes(const Asked& /*user*/,
                                  const Recommendation& list) const override {
    const std::size_t colon = list.basis.find(':');
    const auto basis = static_cast<std::uint32_t>(
        std::find(std::begin(kBases), std::end(kBases), list.basis.substr(0, colon)) -
        std::begin(kBases) + (colon == std::string::npos ? 0 : 1));
    std::vector<std::uint32_t> items(count_, kNone);
    std::vector<float> scores(count_, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t n = 0; n < list.items.size(); ++n) {
      items[n] = list.items[n].item;
      scores[n] = list.items[n].score;
    }
    std::string record{reinterpret_cast<const char*>(&basis), sizeof basis};
    record.append(reinterpret_cast<const char*>(items.data()), count_ * sizeof(std::uint32_t));
    return record.append(reinterpret_cast<const char*>(scores.data()), count_ * sizeof(float));
  }

  [[nodiscard]] bool convert(const std::filesystem::path& bytes, const std::filesystem::path& path,
                             const AskedUsers& users) const override {
    h5::File file = h5::File::create(path);
    file.set("/", "format", file_format());
    file.set("/", "version", std::uint64_t{1});
    file.set("/", "model_sha256", std::string_view{model_.sha256()});
    for (const char* group : {"/users", "/items", "/lists"}) file.create_group(group);
    user_ids(users).write(file, "/users");
    model_.item_ids().write(file, "/items");
    file.create_dataset("/lists/basis", h5::Type::u8, {users.size()});
    file.create_dataset("/lists/items", h5::Type::u32, {users.size(), count_});
    file.create_dataset("/lists/scores", h5::Type::f32, {users.size(), count_});
    copy_lists(bytes, users.size(), file);
    file.close();
    return true;
  }

 private:
  // 3: popularity of a segment, "popularity:NAME=VALUE"
  static constexpr std::string_view kBases[]{"factors", "fold-in", "popularity", "", "attributes"};
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  static IdTable user_ids(const AskedUsers& users) {
    std::vector<std::uint64_t> offsets{0};
    std::string bytes;
    for (std::size_t n = 0; n < users.size(); ++n) {
      bytes += users.at(n).id;
      offsets.push_back(bytes.size());
    }
    return IdTable::of_strings(std::move(offsets), std::move(bytes));
  }

  void copy_lists(const std::filesystem::path& path, std::size_t users, h5::File& file) const {
    constexpr std::size_t kUsers = 4096;
    std::ifstream in{path, std::ios::binary};
    const std::size_t width =
        sizeof(std::uint32_t) + count_ * (sizeof(std::uint32_t) + sizeof(float));
    for (std::size_t first = 0; first < users; first += kUsers) {
      const std::size_t size = std::min(kUsers, users - first);
      std::vector<char> records(size * width);
      in.read(records.data(), static_cast<std::streamsize>(records.size()));
      if (!in) throw ResourceError{fmt::format("{}: cannot read all of it", path.string())};
      std::vector<std::uint8_t> bases(size);
      std::vector<std::uint32_t> items(size * count_);
      std::vector<float> scores(size * count_);
      for (std::size_t n = 0; n < size; ++n) {
        const char* record = records.data() + n * width;
        bases[n] = static_cast<std::uint8_t>(*record);  // little-endian
        record += sizeof(std::uint32_t);
        std::memcpy(items.data() + n * count_, record, count_ * sizeof(std::uint32_t));
        record += count_ * sizeof(std::uint32_t);
        std::memcpy(scores.data() + n * count_, record, count_ * sizeof(float));
      }
      file.write_rows<std::uint8_t>("/lists/basis", first, bases);
      file.write_rows<std::uint32_t>("/lists/items", first, items);
      file.write_rows<float>("/lists/scores", first, scores);
    }
  }

  const Model& model_;
  std::size_t count_;
};

}  // namespace

std::unique_ptr<ListFormat> list_format(std::string_view name, const Model& model,
                                        std::size_t count) {
  if (name == "hdf5") return std::make_unique<Hdf5>(model, count);
  if (name == "jsonl") return std::make_unique<JsonLines>(model);
  return std::make_unique<Tsv>(model);
}

}  // namespace factorps::apps
