/// Commands that take `[MODEL] NAMES...`: with a configuration the model may be left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "io/id_table.hpp"
#include "io/model_file.hpp"

namespace factorps::apps {

/// Takes the model off the front, unless the configuration says which it is.
/// @param least how many must follow @param what they are, for the message
/// @throws ConfigError
[[nodiscard]] std::vector<std::string> arguments_after_model(ModelOptions& options,
                                                             std::vector<std::string> arguments,
                                                             std::size_t least, const char* what);

/// @param what the id is of @throws DataError if the model does not know it
[[nodiscard]] std::uint32_t row_of(const std::string& id, const IdFinder& ids, const char* what,
                                   const Model& model);

}  // namespace factorps::apps
