/// What the sources of io/hdf5.hpp share: owned identifiers and checked calls.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <hdf5.h>

#include "io/hdf5.hpp"

namespace factorps::h5 {

static_assert(std::is_same_v<hid_t, std::int64_t>);

/// Sole owner of one HDF5 identifier.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_{id}, close_{close} {}
  Handle(Handle&& other) noexcept : id_{std::exchange(other.id_, -1)}, close_{other.close_} {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] hid_t get() const noexcept { return id_; }
  /// For callers who want the error. @return negative: it failed
  [[nodiscard]] herr_t close_now() { return close_(std::exchange(id_, -1)); }

 private:
  hid_t id_;
  Close close_;
};

/// Throws ResourceError if HDF5's last error was of the disk, else DataError.
[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what);

template <class Result>
Result check(Result result, const std::filesystem::path& path, const std::string& what) {
  if (result < 0) fail(path, what);
  return result;
}

/// A property list with which no object is looked for in another file, whatever links say.
[[nodiscard]] hid_t links_inside();

/// Opens a group or dataset, or a dataset. @throws DataError if it is missing
[[nodiscard]] Handle open_object(hid_t file, const std::filesystem::path& path,
                                 const std::string& name);
[[nodiscard]] Handle open_dataset(hid_t file, const std::filesystem::path& path,
                                  const std::string& name);

/// Files that are written with these properties fail as the faults of the process want it.
void let_writes_fail(hid_t access);

/// Elements in `rows` slices of the first dimension. @throws DataError if 64 bits cannot hold them
[[nodiscard]] std::uint64_t elements(const Shape& shape, std::uint64_t rows,
                                     const std::string& name, const std::filesystem::path& path);

}  // namespace factorps::h5
