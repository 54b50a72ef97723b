/// Attributes in the making: fields in the order of a file become columns in the order of rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/attributes.hpp"

namespace factorps {

/// Texts of rows, met in any order. The result does not depend on it.
class TextColumn {
 public:
  /// @throws DataError at 2^32 distinct texts
  void add(std::uint64_t row, std::string_view text);
  /// The column is of no further use. @param kind category or tags
  [[nodiscard]] Attribute release(std::string name, AttributeKind kind, std::uint64_t rows);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;  // [text]
  std::vector<std::pair<std::uint32_t, std::uint32_t>> entries_;  // row, number of a text
};

/// Calls `add` for each text between separators, without blanks around it, if there is any left.
void for_each_tag(std::string_view field, std::string_view separator,
                  const std::function<void(std::string_view)>& add);

}  // namespace factorps
