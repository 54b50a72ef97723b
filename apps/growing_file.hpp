/// A result that takes long: what an interrupted run has written of it is not lost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "common/timer.hpp"

namespace factorps::apps {

/// Grows as FILE.partial, beside FILE.partial.json that says how far it got; commit() gives it its
/// name. Whatever ends the process before that, another one can go on.
class GrowingFile {
 public:
  /// @param identity of the work: another one does not go on with it
  /// @param resume whether to go on with a FILE.partial if there is one; else it is replaced
  /// @throws ConfigError if that is of other work, DataError if it is damaged, ResourceError if
  ///         nothing can be written
  GrowingFile(std::filesystem::path path, std::string identity, bool resume);
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile();

  /// Units of work whose bytes are in the file.
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }
  /// @throws ResourceError; what was appended before stays
  void append(std::string_view bytes, std::uint64_t units);
  /// @param convert makes the final file of the bytes, or says false if it is the bytes
  void commit(const std::function<bool(const std::filesystem::path& bytes,
                                       const std::filesystem::path& file)>& convert);

 private:
  void load();
  void save();

  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::filesystem::path state_;
  std::string identity_;
  std::ofstream file_;
  std::uint64_t done_ = 0;
  std::uint64_t bytes_ = 0;
  bool saved_ = true;
  Stopwatch since_saved_;
};

}  // namespace factorps::apps
