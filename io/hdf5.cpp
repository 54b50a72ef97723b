#include "io/hdf5.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "io/files.hpp"
#include "io/hdf5_detail.hpp"

namespace factorps::h5 {
namespace {

/// The innermost message of HDF5's error stack.
std::string last_error() {
  std::string text;
  const auto visit = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc != nullptr && *entry->desc != '\0')
      *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit, &text);
  return text;
}

/// Errors become exceptions, not text on stderr. At exit the library must not close files a second
/// time: one whose close failed on a full disk crashed there.
void silence() {
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

template <class T>
T number_at(const std::array<char, 48>& bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// What can be told of a file before HDF5 reads it: the superblock that HDF5 1.8 and later write
/// (version 2 or 3, "HDF5 File Format Specification" II.A), in the shape that File::create asks
/// for. It leaves the older kinds of metadata, which have no checksums, out of the game.
/// @throws DataError
void check_superblock(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& what) {
    throw DataError{fmt::format("{}: {}", path.string(), what)};
  };
  if (std::filesystem::is_directory(path)) refuse("is a directory, expected an HDF5 file");
  if (!std::filesystem::is_regular_file(path)) refuse("is no regular file, expected an HDF5 file");
  std::array<char, 48> start{};
  std::ifstream in{path, std::ios::binary};
  in.read(start.data(), start.size());
  constexpr std::string_view kSignature = "\211HDF\r\n\032\n";
  if (!std::string_view{start.data(), start.size()}.starts_with(kSignature) || !in)
    refuse("cannot open, expected an HDF5 file");
  const bool known = (start[8] == 2 || start[8] == 3) && start[9] == 8 && start[10] == 8;
  if (!known || number_at<std::uint64_t>(start, 12) != 0 ||
      number_at<std::uint64_t>(start, 20) != ~std::uint64_t{0}) {
    refuse("is an HDF5 file of a kind that this program does not write");
  }
  const auto stored = number_at<std::uint64_t>(start, 28);
  const std::uint64_t found = std::filesystem::file_size(path);
  if (stored > found) refuse(fmt::format("has {} bytes, expected {}: truncated", found, stored));
}

}  // namespace

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  const std::string reason = last_error();
  H5Eclear2(H5E_DEFAULT);
  for (const int full : {ENOSPC, EDQUOT, EIO, EROFS}) {  // HDF5 adds addresses and sizes in bytes
    if (reason.find(fmt::format("errno = {},", full)) != std::string::npos)
      throw ResourceError{fmt::format("{}: {}: {}", path.string(), what, std::strerror(full))};
  }
  throw DataError{
      fmt::format("{}: {}{}{}", path.string(), what, reason.empty() ? "" : ": ", reason)};
}

hid_t links_inside() {
  static const Handle kAccess = [] {
    Handle access{H5Pcreate(H5P_LINK_ACCESS), H5Pclose};
    const auto refuse = [](const char*, const char*, const char*, const char*, unsigned*, hid_t,
                           void*) -> herr_t { return -1; };
    H5Pset_elink_cb(access.get(), refuse, nullptr);
    return access;
  }();
  return kAccess.get();
}

Handle open_object(hid_t file, const std::filesystem::path& path, const std::string& name) {
  return {check(H5Oopen(file, name.c_str(), links_inside()), path, "cannot open " + name),
          H5Oclose};
}

Handle open_dataset(hid_t file, const std::filesystem::path& path, const std::string& name) {
  Handle object{check(H5Oopen(file, name.c_str(), links_inside()), path, "no dataset " + name),
                H5Oclose};
  if (H5Iget_type(object.get()) == H5I_DATASET) return object;
  throw DataError{fmt::format("{}: {} is no dataset", path.string(), name)};
}

File::File(std::filesystem::path path, std::int64_t id, bool writing)
    : path_{std::move(path)}, id_{id}, writing_{writing} {
  std::error_code ignored;
  size_bytes_ = writing ? 0 : std::filesystem::file_size(path_, ignored);
}

File File::create(const std::filesystem::path& path) {
  return create(path, 1, 64);  // small datasets too, or they cannot be mapped
}

File File::create(const std::filesystem::path& path, std::size_t large, std::size_t alignment) {
  silence();
  const Handle creation{H5Pcreate(H5P_FILE_CREATE), H5Pclose};
  const Handle access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  H5Pset_alignment(access.get(), large, alignment);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V110);
  H5Pset_obj_track_times(creation.get(), 0);
  if (faults() != nullptr && faults()->has_files()) let_writes_fail(access.get());
  const hid_t id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get());
  if (id < 0) {
    const std::string reason = last_error();
    H5Eclear2(H5E_DEFAULT);
    throw ResourceError{fmt::format("{}: cannot create: {}", path.string(), reason)};
  }
  return File{path, id, true};
}

File File::open(const std::filesystem::path& path) {
  silence();
  if (::access(path.c_str(), R_OK) != 0) {
    throw DataError{fmt::format("{}: {}", path.string(), std::strerror(errno))};
  }
  check_superblock(path);
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  return File{path, check(id, path, "cannot open, expected an HDF5 file"), false};
}

File File::modify(const std::filesystem::path& path) {
  silence();
  const Handle access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  if (faults() != nullptr && faults()->has_files()) let_writes_fail(access.get());
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get());
  return File{path, check(id, path, "cannot open for writing"), true};
}

File::File(File&& other) noexcept
    : path_{std::move(other.path_)},
      id_{std::exchange(other.id_, -1)},
      size_bytes_{other.size_bytes_},
      writing_{other.writing_} {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(id_, other.id_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(writing_, other.writing_);
  return *this;
}

File::~File() {
  if (id_ >= 0) H5Fclose(id_);
}

void File::close() {
  if (id_ < 0) return;
  if (writing_) check(H5Fflush(id_, H5F_SCOPE_GLOBAL), path_, "cannot write");
  const bool closed = H5Fclose(std::exchange(id_, -1)) >= 0;
  if (!closed && writing_) {  // whatever HDF5 says of it: the last bytes did not get there
    const std::string reason = last_error();
    H5Eclear2(H5E_DEFAULT);
    throw ResourceError{fmt::format("{}: cannot write: {}", path_.string(), reason)};
  }
  if (!closed) fail(path_, "cannot close");
  if (writing_) sync_file(path_);
}

void File::create_group(const std::string& name) {
  // One by one: groups that HDF5 makes on the way to another object always carry a time.
  const Handle creation{H5Pcreate(H5P_GROUP_CREATE), H5Pclose};
  H5Pset_obj_track_times(creation.get(), 0);
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (!exists(prefix)) {
      const Handle group{
          check(H5Gcreate2(id_, prefix.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), path_,
                "cannot create group " + prefix),
          H5Gclose};
    }
    if (end == std::string::npos) return;
  }
}

bool File::exists(const std::string& name) const {
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (prefix != "/" && H5Lexists(id_, prefix.c_str(), links_inside()) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> File::members(const std::string& group) const {
  const Handle target{
      check(H5Oopen(id_, group.c_str(), links_inside()), path_, "no group " + group), H5Oclose};
  std::vector<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  check(H5Literate(target.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names), path_,
        "cannot list " + group);
  return names;
}

}  // namespace factorps::h5
