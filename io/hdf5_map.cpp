#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/hdf5_detail.hpp"

namespace factorps::h5 {

MappedFile::MappedFile(const std::filesystem::path& path) : file_{File::open(path)} {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  size_ = file_.size_bytes();
  void* memory = descriptor < 0 || size_ == 0
                     ? MAP_FAILED
                     : ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (memory == MAP_FAILED) {
    throw DataError{fmt::format("{}: cannot map: {}", path.string(), std::strerror(error))};
  }
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : file_{std::move(other.file_)},
      data_{std::exchange(other.data_, nullptr)},
      size_{std::exchange(other.size_, 0)} {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::uint64_t MappedFile::checksum(const std::string& name) const {
  return factorps::checksum(raw_view(name, file_.type(name)));
}

std::span<const std::byte> MappedFile::raw_view(const std::string& name, Type expected) const {
  if (file_.type(name) != expected) {
    throw DataError{
        fmt::format("{}: {} has another element type than expected", file_.path().string(), name)};
  }
  const Shape extents = file_.shape(name);
  const std::uint64_t count =
      elements(extents, extents.empty() ? 1 : extents.front(), name, file_.path());
  const std::uint64_t start = file_.offset(name);  // checks the end
  if (start % size_of(expected) != 0) {
    throw DataError{fmt::format("{}: {} is not aligned", file_.path().string(), name)};
  }
  return {data_ + start, count * size_of(expected)};
}

}  // namespace factorps::h5
