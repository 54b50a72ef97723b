#include "apps/id_file.hpp"

#include <fstream>

#include <fmt/core.h>

#include "apps/text_output.hpp"
#include "common/error.hpp"

namespace factorps::apps {

void for_each_id(const std::filesystem::path& path, const char* what,
                 const std::function<void(std::string id)>& visit) {
  for_each_id_line(path, what, [&](std::uint64_t, std::string id) { visit(std::move(id)); });
}

void for_each_id_line(const std::filesystem::path& path, const char* what,
                      const std::function<void(std::uint64_t line, std::string id)>& visit) {
  if (std::filesystem::is_directory(path)) {
    throw DataError{
        fmt::format("{}: is a directory, expected a file with a {} per line", path.string(), what)};
  }
  std::ifstream in{path};
  if (!in) throw DataError{fmt::format("{}: cannot read the file of {}s", path.string(), what)};
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    auto id = from_tsv_field(line);
    if (!id) {
      throw DataError{fmt::format(
          "{}:{}: {} '{}', expected \\t, \\n, \\r or \\\\ (which stands for \\) at each \\",
          path.string(), number, what, line)};
    }
    visit(number, std::move(*id));
  }
  if (in.bad()) throw DataError{fmt::format("{}: cannot read all of it", path.string())};
}

}  // namespace factorps::apps
