/// Recommendations as bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "apps/asked_users.hpp"
#include "apps/recommender.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// How the list of a user is written; the bytes of users follow each other.
class ListFormat {
 public:
  virtual ~ListFormat() = default;
  [[nodiscard]] virtual std::string head() const { return {}; }
  /// What the final file says it is, if it is an HDF5 file.
  [[nodiscard]] virtual std::string_view file_format() const { return {}; }
  [[nodiscard]] virtual std::string bytes(const Asked& user, const Recommendation& list) const = 0;
  /// Makes the final file of the bytes of all users; if there is nothing to make, false.
  [[nodiscard]] virtual bool convert(const std::filesystem::path& /*bytes*/,
                                     const std::filesystem::path& /*file*/,
                                     const AskedUsers& /*users*/) const {
    return false;
  }
};

/// @param name tsv | jsonl | hdf5 @param count items per list @param model must outlive the result
[[nodiscard]] std::unique_ptr<ListFormat> list_format(std::string_view name, const Model& model,
                                                      std::size_t count);

}  // namespace factorps::apps
