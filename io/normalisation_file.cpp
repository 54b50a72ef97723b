#include "io/normalisation_file.hpp"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {
namespace {

const std::string kGroup = "/normalisation";

const char* name_of(NormaliseBy by) noexcept {
  switch (by) {
    case NormaliseBy::user:
      return "user";
    case NormaliseBy::item:
      return "item";
    default:
      return "global";
  }
}

NormaliseBy scope_of(const h5::File& file) {
  const std::string by = file.text(kGroup, "by");
  for (const NormaliseBy scope : {NormaliseBy::global, NormaliseBy::user, NormaliseBy::item}) {
    if (by == name_of(scope)) return scope;
  }
  throw DataError{fmt::format("{}: attribute 'by' of {} is '{}', expected global, user or item",
                              file.path().string(), kGroup, by)};
}

std::vector<float> read_column(const h5::File& file, const std::string& name, std::uint64_t rows) {
  if (const h5::Shape shape = file.shape(name); shape != h5::Shape{rows}) {
    throw DataError{fmt::format("{}: {} has {} values, expected {}", file.path().string(), name,
                                shape.empty() ? 1 : shape.front(), rows)};
  }
  return file.read<float>(name);
}

}  // namespace

void write_normalisation(h5::File& file, const Normalisation& normalisation) {
  file.create_group(kGroup);
  file.set(kGroup, "by", std::string_view{name_of(normalisation.by)});
  file.write(kGroup + "/offset", normalisation.offset);
  file.write(kGroup + "/scale", normalisation.scale);
}

Normalisation read_normalisation(const h5::File& file, std::uint64_t users, std::uint64_t items) {
  const NormaliseBy by = scope_of(file);
  const std::uint64_t rows = by == NormaliseBy::global ? 1
                             : by == NormaliseBy::user ? users
                                                       : items;
  Normalisation result{by, read_column(file, kGroup + "/offset", rows),
                       read_column(file, kGroup + "/scale", rows)};
  for (std::size_t n = 0; n < rows; ++n) {
    if (!std::isfinite(result.offset[n]) || !std::isfinite(result.scale[n]) ||
        result.scale[n] == 0) {
      throw DataError{fmt::format("{}: {} of row {} is offset {}, scale {}; expected finite, not 0",
                                  file.path().string(), kGroup, n, result.offset[n],
                                  result.scale[n])};
    }
  }
  return result;
}

}  // namespace factorps
