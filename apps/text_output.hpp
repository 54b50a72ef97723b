/// Where a command writes its result: stdout, or a file that appears only when it is complete.
/// Pipes and devices (/dev/null) are written to as they are.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace factorps::apps {

/// A mistyped output must not cost a dataset, a model or the input itself.
/// @param input what is read meanwhile; empty: nothing
/// @param format of HDF5 files that may be replaced; empty: none
/// @throws ConfigError if `path` is the input or another HDF5 file
void refuse_to_replace(const std::filesystem::path& path, const std::filesystem::path& input,
                       std::string_view format);

class TextOutput {
 public:
  /// @param path empty: stdout
  /// @param input what is read meanwhile; empty: nothing
  /// @throws ConfigError if `path` is the input or an HDF5 file; ResourceError if it cannot be
  ///         created
  explicit TextOutput(const std::filesystem::path& path, const std::filesystem::path& input = {});
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;
  /// Removes what was not committed.
  ~TextOutput();

  void write(std::string_view text);
  /// Gives the file its name. @throws ResourceError if anything could not be written
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream file_;
};

/// @throws ConfigError if `out` is a file that `train` writes into this directory
void refuse_files_of_run(const std::filesystem::path& out, const std::filesystem::path& run);

/// A field of a TSV line: tabs, line ends and backslashes become \t, \n, \r and \\.
[[nodiscard]] std::string tsv_field(std::string_view text);
/// Back from tsv_field(); nothing if a backslash is followed by anything else, or by nothing.
[[nodiscard]] std::optional<std::string> from_tsv_field(std::string_view field);

}  // namespace factorps::apps
