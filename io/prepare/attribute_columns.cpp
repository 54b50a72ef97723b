#include "io/prepare/attribute_columns.hpp"

#include <algorithm>
#include <limits>

#include "common/error.hpp"

namespace factorps {

void TextColumn::add(std::uint64_t row, std::string_view text) {
  auto found = numbers_.find(text);
  if (found == numbers_.end()) {
    if (numbers_.size() == std::numeric_limits<std::uint32_t>::max())
      throw DataError{"an attribute has more than 2^32 - 1 distinct texts"};
    found = numbers_.emplace(text, static_cast<std::uint32_t>(numbers_.size())).first;
  }
  entries_.emplace_back(static_cast<std::uint32_t>(row), found->second);
}

Attribute TextColumn::release(std::string name, AttributeKind kind, std::uint64_t rows) {
  Attribute attribute;
  attribute.name = std::move(name);
  attribute.kind = kind;
  for (const auto& [text, number] : numbers_) attribute.values.push_back(text);
  std::ranges::sort(attribute.values);
  std::vector<std::uint32_t> code(numbers_.size());  // [number]
  for (std::uint32_t n = 0; n < code.size(); ++n)
    code[numbers_.find(attribute.values[n])->second] = n;
  for (auto& entry : entries_) entry.second = code[entry.second];
  std::ranges::sort(entries_);
  entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  attribute.offsets.assign(rows + 1, 0);
  for (const auto& [row, text] : entries_) {
    ++attribute.offsets[row + 1];
    attribute.codes.push_back(text);
  }
  for (std::uint64_t row = 0; row < rows; ++row)
    attribute.offsets[row + 1] += attribute.offsets[row];
  return attribute;
}

void for_each_tag(std::string_view field, std::string_view separator,
                  const std::function<void(std::string_view)>& add) {
  constexpr std::string_view kBlank = " \t";
  for (std::size_t begin = 0; begin != std::string_view::npos;) {
    const std::size_t end = field.find(separator, begin);
    std::string_view tag = field.substr(begin, end - begin);
    tag.remove_prefix(std::min(tag.find_first_not_of(kBlank), tag.size()));
    tag = tag.substr(0, tag.find_last_not_of(kBlank) + 1);
    if (!tag.empty()) add(tag);
    begin = end == std::string_view::npos ? end : end + separator.size();
  }
}

}  // namespace factorps
