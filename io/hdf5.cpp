#include "io/hdf5.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/check.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/files.hpp"

namespace factorps::h5 {
namespace {

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

 private:
  hid_t id_;
  Close close_;
};

/// The innermost message of HDF5's error stack.
std::string last_error() {
  std::string text;
  const auto visit = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc != nullptr && *entry->desc != '\0') *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit, &text);
  return text;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  const std::string reason = last_error();
  H5Eclear2(H5E_DEFAULT);
  const std::string message =
      fmt::format("{}: {}{}{}", path.string(), what, reason.empty() ? "" : ": ", reason);
  for (const int full : {ENOSPC, EDQUOT}) {
    if (reason.find(fmt::format("errno = {},", full)) != std::string::npos) throw ResourceError{message};
  }
  throw DataError{message};
}

template <class Result>
Result check(Result result, const std::filesystem::path& path, const std::string& what) {
  if (result < 0) fail(path, what);
  return result;
}

void silence() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

hid_t disk_type(Type type) {
  switch (type) {
    case Type::u8: return H5T_STD_U8LE;
    case Type::u16: return H5T_STD_U16LE;
    case Type::u32: return H5T_STD_U32LE;
    case Type::u64: return H5T_STD_U64LE;
    case Type::i64: return H5T_STD_I64LE;
    case Type::f32: return H5T_IEEE_F32LE;
    case Type::f64: return H5T_IEEE_F64LE;
  }
  return -1;
}

constexpr Type kTypes[] = {Type::u8, Type::u16, Type::u32, Type::u64, Type::i64, Type::f32, Type::f64};

Handle open_object(hid_t file, const std::filesystem::path& path, const std::string& name) {
  return {check(H5Oopen(file, name.c_str(), H5P_DEFAULT), path, "cannot open " + name), H5Oclose};
}

Handle open_dataset(hid_t file, const std::filesystem::path& path, const std::string& name) {
  return {check(H5Dopen2(file, name.c_str(), H5P_DEFAULT), path, "no dataset " + name), H5Dclose};
}

/// hsize_t is another 64-bit type than std::uint64_t.
std::vector<hsize_t> extents_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// Elements in `rows` slices of the first dimension.
std::uint64_t elements(const Shape& shape, std::uint64_t rows, const std::string& name,
                       const std::filesystem::path& path) {
  std::uint64_t count = rows;
  for (std::size_t d = 1; d < shape.size(); ++d) {
    if (__builtin_mul_overflow(count, shape[d], &count)) {
      throw DataError{fmt::format("{}: {} has more than 2^64 elements", path.string(), name)};
    }
  }
  return count;
}

struct Selection {
  Handle file_space;
  Handle memory_space;
};

Selection select_rows(hid_t dataset, const Shape& shape, std::uint64_t first, std::uint64_t rows,
                      std::uint64_t count, const std::filesystem::path& path) {
  const hsize_t length = count;
  Selection selection{{H5Dget_space(dataset), H5Sclose},
                      {H5Screate_simple(1, &length, nullptr), H5Sclose}};
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> extent = extents_of(shape);
  start.front() = first;
  extent.front() = rows;
  check(H5Sselect_hyperslab(selection.file_space.get(), H5S_SELECT_SET, start.data(), nullptr,
                            extent.data(), nullptr),
        path, "cannot select rows");
  return selection;
}

void set_attribute(hid_t file, const std::filesystem::path& path, const std::string& object,
                   const std::string& name, hid_t type, const void* value) {
  const Handle target = open_object(file, path, object);
  const Handle space{H5Screate(H5S_SCALAR), H5Sclose};
  if (H5Aexists(target.get(), name.c_str()) > 0) H5Adelete(target.get(), name.c_str());
  const Handle attribute{check(H5Acreate2(target.get(), name.c_str(), type, space.get(),
                                          H5P_DEFAULT, H5P_DEFAULT),
                               path, "cannot create attribute " + name),
                         H5Aclose};
  check(H5Awrite(attribute.get(), type, value), path, "cannot write attribute " + name);
}

Handle open_attribute(hid_t file, const std::filesystem::path& path, const std::string& object,
                      const std::string& name) {
  const Handle target = open_object(file, path, object);
  return {check(H5Aopen(target.get(), name.c_str(), H5P_DEFAULT), path,
                fmt::format("{} has no attribute '{}'", object, name)),
          H5Aclose};
}

/// Reads a scalar numeric attribute, converted by HDF5.
template <class T>
T number(hid_t file, const std::filesystem::path& path, const std::string& object,
         const std::string& name, hid_t memory_type) {
  const Handle attribute = open_attribute(file, path, object, name);
  const Handle space{H5Aget_space(attribute.get()), H5Sclose};
  const Handle type{H5Aget_type(attribute.get()), H5Tclose};
  const H5T_class_t kind = H5Tget_class(type.get());
  if (H5Sget_simple_extent_npoints(space.get()) != 1 || (kind != H5T_INTEGER && kind != H5T_FLOAT)) {
    throw DataError{fmt::format("{}: attribute '{}' of {} is not one number", path.string(), name, object)};
  }
  T value{};
  check(H5Aread(attribute.get(), memory_type, &value), path, "cannot read attribute " + name);
  return value;
}

}  // namespace

std::size_t size_of(Type type) noexcept {
  switch (type) {
    case Type::u8: return 1;
    case Type::u16: return 2;
    case Type::u32:
    case Type::f32: return 4;
    default: return 8;
  }
}

File::File(std::filesystem::path path, std::int64_t id, bool writing)
    : path_{std::move(path)}, id_{id}, writing_{writing} {
  std::error_code ignored;
  size_bytes_ = writing ? 0 : std::filesystem::file_size(path_, ignored);
}

File File::create(const std::filesystem::path& path) {
  silence();
  const Handle creation{H5Pcreate(H5P_FILE_CREATE), H5Pclose};
  const Handle access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  H5Pset_alignment(access.get(), 1, 64);  // small datasets too, or they cannot be mapped
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V110);
  H5Pset_obj_track_times(creation.get(), 0);
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
  if (std::filesystem::is_directory(path)) {
    throw DataError{fmt::format("{}: is a directory, expected an HDF5 file", path.string())};
  }
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  return File{path, check(id, path, "cannot open, expected an HDF5 file"), false};
}

File File::modify(const std::filesystem::path& path) {
  silence();
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
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
  check(H5Fclose(std::exchange(id_, -1)), path_, "cannot close");
  if (writing_) sync_file(path_);
}

void File::create_group(const std::string& name) {
  // One by one: groups that HDF5 makes on the way to another object always carry a time.
  const Handle creation{H5Pcreate(H5P_GROUP_CREATE), H5Pclose};
  H5Pset_obj_track_times(creation.get(), 0);
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (!exists(prefix)) {
      const Handle group{check(H5Gcreate2(id_, prefix.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                               path_, "cannot create group " + prefix),
                         H5Gclose};
    }
    if (end == std::string::npos) return;
  }
}

bool File::exists(const std::string& name) const {
  for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
    const std::string prefix = name.substr(0, end);
    if (prefix != "/" && H5Lexists(id_, prefix.c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

std::vector<std::string> File::members(const std::string& group) const {
  const Handle target{check(H5Gopen2(id_, group.c_str(), H5P_DEFAULT), path_, "no group " + group), H5Gclose};
  std::vector<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  check(H5Literate(target.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names), path_,
        "cannot list " + group);
  return names;
}

void File::set(const std::string& object, const std::string& name, std::string_view value) {
  const Handle type{H5Tcopy(H5T_C_S1), H5Tclose};
  H5Tset_size(type.get(), std::max<std::size_t>(value.size(), 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const std::string padded = value.empty() ? std::string(1, '\0') : std::string{value};
  set_attribute(id_, path_, object, name, type.get(), padded.data());
}

void File::set(const std::string& object, const std::string& name, std::int64_t value) {
  set_attribute(id_, path_, object, name, H5T_STD_I64LE, &value);
}
void File::set(const std::string& object, const std::string& name, std::uint64_t value) {
  set_attribute(id_, path_, object, name, H5T_STD_U64LE, &value);
}
void File::set(const std::string& object, const std::string& name, double value) {
  set_attribute(id_, path_, object, name, H5T_IEEE_F64LE, &value);
}

bool File::has(const std::string& object, const std::string& name) const {
  return exists(object) && H5Aexists_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string File::text(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(id_, path_, object, name);
  const Handle type{H5Aget_type(attribute.get()), H5Tclose};
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) {
    throw DataError{fmt::format("{}: attribute '{}' of {} is not a fixed-length string", path_.string(), name, object)};
  }
  const Handle space{H5Aget_space(attribute.get()), H5Sclose};
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw DataError{fmt::format("{}: attribute '{}' of {} is not one string", path_.string(), name, object)};
  }
  std::string value(H5Tget_size(type.get()), '\0');
  check(H5Aread(attribute.get(), type.get(), value.data()), path_, "cannot read attribute " + name);
  value.resize(std::strlen(value.c_str()) < value.size() ? std::strlen(value.c_str()) : value.size());
  return value;
}

std::int64_t File::integer(const std::string& object, const std::string& name) const {
  return number<std::int64_t>(id_, path_, object, name, H5T_NATIVE_INT64);
}
std::uint64_t File::natural(const std::string& object, const std::string& name) const {
  return number<std::uint64_t>(id_, path_, object, name, H5T_NATIVE_UINT64);
}
double File::real(const std::string& object, const std::string& name) const {
  return number<double>(id_, path_, object, name, H5T_NATIVE_DOUBLE);
}

std::vector<std::string> File::attributes(const std::string& object) const {
  const Handle target = open_object(id_, path_, object);
  std::vector<std::string> names;
  const auto visit = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  check(H5Aiterate2(target.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, &names), path_,
        "cannot list the attributes of " + object);
  return names;
}

void File::create_dataset(const std::string& name, Type type, const Shape& shape) {
  const Handle space{H5Screate_simple(static_cast<int>(shape.size()), extents_of(shape).data(), nullptr), H5Sclose};
  if (const std::size_t end = name.rfind('/'); end != std::string::npos && end > 0) {
    create_group(name.substr(0, end));
  }
  const Handle creation{H5Pcreate(H5P_DATASET_CREATE), H5Pclose};
  H5Pset_layout(creation.get(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(creation.get(), 0);
  const Handle dataset{check(H5Dcreate2(id_, name.c_str(), disk_type(type), space.get(), H5P_DEFAULT,
                                        creation.get(), H5P_DEFAULT),
                             path_, "cannot create dataset " + name),
                       H5Dclose};
}

Shape File::shape(const std::string& name) const {
  const Handle dataset = open_dataset(id_, path_, name);
  const Handle space{H5Dget_space(dataset.get()), H5Sclose};
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

Type File::type(const std::string& name) const {
  const Handle dataset = open_dataset(id_, path_, name);
  const Handle found{H5Dget_type(dataset.get()), H5Tclose};
  for (const Type type : kTypes) {
    if (H5Tequal(found.get(), disk_type(type)) > 0) return type;
  }
  throw DataError{fmt::format("{}: {} has an element type that this program does not store", path_.string(), name)};
}

std::uint64_t File::offset(const std::string& name) const {
  const Handle dataset = open_dataset(id_, path_, name);
  const haddr_t address = H5Dget_offset(dataset.get());
  const Shape extents = shape(name);
  const std::uint64_t count = elements(extents, extents.empty() ? 1 : extents.front(), name, path_);
  if (count == 0) return 0;
  std::uint64_t end = 0;
  const bool overflow = __builtin_mul_overflow(count, size_of(type(name)), &end) ||
                        __builtin_add_overflow(end, address, &end);
  if (address == HADDR_UNDEF || overflow || end > size_bytes_) {
    throw DataError{fmt::format("{}: {} reaches past the end of the file ({} bytes): truncated?",
                                path_.string(), name, size_bytes_)};
  }
  return address;
}

std::size_t File::checked_elements(const std::string& name, Type expected, std::uint64_t first_row,
                                   std::uint64_t rows) const {
  if (type(name) != expected) {
    throw DataError{fmt::format("{}: {} has another element type than expected", path_.string(), name)};
  }
  const Shape extents = shape(name);
  const std::uint64_t total = extents.empty() ? 1 : extents.front();
  if (first_row > total || rows > total - first_row) {
    throw DataError{fmt::format("{}: {} has {} rows, expected at least {}", path_.string(), name, total, first_row + rows)};
  }
  static_cast<void>(offset(name));  // the whole dataset lies inside the file
  return elements(extents, rows, name, path_);
}

void File::write_raw(const std::string& name, std::uint64_t first_row, Type type, const void* values,
                     std::size_t count) {
  if (count == 0) return;
  const Handle dataset = open_dataset(id_, path_, name);
  const Shape extents = shape(name);
  const std::uint64_t per_row = elements(extents, 1, name, path_);
  FACTORPS_CHECK(!extents.empty() && per_row > 0 && count % per_row == 0 &&
                 first_row + count / per_row <= extents.front());
  const Selection selection =
      select_rows(dataset.get(), extents, first_row, count / per_row, count, path_);
  check(H5Dwrite(dataset.get(), disk_type(type), selection.memory_space.get(),
                 selection.file_space.get(), H5P_DEFAULT, values),
        path_, "cannot write " + name);
}

void File::read_raw(const std::string& name, std::uint64_t first_row, std::uint64_t rows, Type type,
                    void* values) const {
  const Shape extents = shape(name);
  const std::uint64_t count = elements(extents, rows, name, path_);
  if (count == 0) return;
  const Handle dataset = open_dataset(id_, path_, name);
  const Selection selection = select_rows(dataset.get(), extents, first_row, rows, count, path_);
  check(H5Dread(dataset.get(), disk_type(type), selection.memory_space.get(),
                selection.file_space.get(), H5P_DEFAULT, values),
        path_, "cannot read " + name);
}

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
    throw DataError{fmt::format("{}: {} has another element type than expected", file_.path().string(), name)};
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
