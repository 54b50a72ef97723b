/// Files of attributes. Input: two bytes of settings, then the file.
#include <array>

#include "common/check.hpp"
#include "io/prepare/attribute_files.hpp"
#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {
namespace {

AttributeFilesConfig settings(Input& input) {
  constexpr std::array kDelimiters{"auto", "space", "tab", "comma", "semicolon", "::"};
  AttributeFilesConfig files;
  files.delimiter = kDelimiters[input.below(kDelimiters.size())];
  const std::size_t flags = input.byte();
  if ((flags & 1) != 0) {
    files.header = "no";
    files.columns = {"id", "genre", "tags", "year", "new"};
  }
  files.id = (flags & 2) != 0 ? "id" : "";
  if ((flags & 4) != 0) files.categories = {"genre"};
  if ((flags & 8) != 0) files.tags = {"tags"};
  if ((flags & 16) != 0) files.numbers = {"year"};
  if ((flags & 32) != 0) files.flags = {"new"};
  if ((flags & 64) != 0) files.missing = {"NA"};
  return files;
}

/// Every row has what its attribute allows.
void check(const Attribute& attribute, std::size_t rows) {
  FACTORPS_CHECK(attribute.rows() == rows);
  for (std::uint64_t row = 0; row < rows; ++row) {
    static_cast<void>(attribute.known(row));
    if (attribute.kind == AttributeKind::number) continue;
    for (const std::uint32_t code : attribute.codes_of(row))
      FACTORPS_CHECK(code < attribute.values.size());
  }
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps;
  fuzz::Input input{fuzz::as_text(data, size)};
  AttributeFilesConfig files = fuzz::settings(input);
  const fuzz::InputFile file{input.rest()};
  files.source = {file.path()};
  static_cast<void>(fuzz::accepts([&] {
    const IdTable ids = IdTable::of_strings({0, 1, 2, 4}, "12ab");
    check_attribute_files(files, "items");
    for (const Attribute& attribute : read_attribute_files(files, "items", ids).attributes)
      fuzz::check(attribute, ids.size());
  }));
  return 0;
}
