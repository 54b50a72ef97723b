#include "tests/support/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <stdlib.h>

#include "common/error.hpp"

namespace factorps::test {
namespace {

std::filesystem::path make_unique_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "factorps-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::system_error{errno, std::generic_category(), name};
  return name;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : path_{make_unique_directory()} {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // a destructor must not throw; the system cleans its own folder
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryDirectory::write(const std::filesystem::path& name,
                                                std::string_view text) const {
  std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out{file, std::ios::binary};
  out << text;
  if (!out.flush()) throw ResourceError{"cannot write " + file.string()};
  return file;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::filesystem::path shared_data(const std::filesystem::path& name) {
  const char* directory = std::getenv("FACTORPS_DATA_DIR");
  return (directory != nullptr ? std::filesystem::path{directory}
                               : std::filesystem::path{FACTORPS_DEFAULT_DATA_DIR}) /
         name;
}

}  // namespace factorps::test
