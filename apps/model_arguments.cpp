#include "apps/model_arguments.hpp"

#include <fmt/core.h>

#include "common/error.hpp"

namespace factorps::apps {

std::vector<std::string> arguments_after_model(ModelOptions& options,
                                               std::vector<std::string> arguments,
                                               std::size_t least, const char* what) {
  if (options.config.empty()) {
    if (arguments.empty()) throw ConfigError{fmt::format("expected MODEL {}", what)};
    options.model = arguments.front();
    arguments.erase(arguments.begin());
  }
  if (arguments.size() < least) throw ConfigError{fmt::format("expected {}", what)};
  return arguments;
}

std::uint32_t row_of(const std::string& id, const IdFinder& ids, const char* what,
                     const Model& model) {
  if (const auto row = ids.find(id)) return static_cast<std::uint32_t>(*row);
  throw DataError{
      fmt::format("{} '{}' is not in the model {}{}", what, id, model.path().string(), ids.hint())};
}

}  // namespace factorps::apps
