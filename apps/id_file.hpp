/// Files with an external id per line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace factorps::apps {

/// Calls visit(id) for each line that is not empty. Ids are written as in outputs (tsv_field), so
/// that a column of one can be given back.
/// @param what the ids are of: "user", "item"
/// @throws DataError naming file and line
void for_each_id(const std::filesystem::path& path, const char* what,
                 const std::function<void(std::string id)>& visit);
/// The same with the number of the line, from 1.
void for_each_id_line(const std::filesystem::path& path, const char* what,
                      const std::function<void(std::uint64_t line, std::string id)>& visit);

}  // namespace factorps::apps
