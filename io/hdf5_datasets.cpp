#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "common/activity.hpp"
#include "common/check.hpp"
#include "common/error.hpp"
#include "io/hdf5_detail.hpp"

namespace factorps::h5 {
namespace {

hid_t disk_type(Type type) {
  switch (type) {
    case Type::u8:
      return H5T_STD_U8LE;
    case Type::u16:
      return H5T_STD_U16LE;
    case Type::u32:
      return H5T_STD_U32LE;
    case Type::u64:
      return H5T_STD_U64LE;
    case Type::i64:
      return H5T_STD_I64LE;
    case Type::f32:
      return H5T_IEEE_F32LE;
    case Type::f64:
      return H5T_IEEE_F64LE;
  }
  return -1;
}

constexpr Type kTypes[] = {Type::u8,  Type::u16, Type::u32, Type::u64,
                           Type::i64, Type::f32, Type::f64};

/// hsize_t is another 64-bit type than std::uint64_t.
std::vector<hsize_t> extents_of(const Shape& shape) { return {shape.begin(), shape.end()}; }

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

}  // namespace

std::size_t size_of(Type type) noexcept {
  switch (type) {
    case Type::u8:
      return 1;
    case Type::u16:
      return 2;
    case Type::u32:
    case Type::f32:
      return 4;
    default:
      return 8;
  }
}

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

void File::create_dataset(const std::string& name, Type type, const Shape& shape) {
  const Handle space{
      H5Screate_simple(static_cast<int>(shape.size()), extents_of(shape).data(), nullptr),
      H5Sclose};
  if (const std::size_t end = name.rfind('/'); end != std::string::npos && end > 0) {
    create_group(name.substr(0, end));
  }
  const Handle creation{H5Pcreate(H5P_DATASET_CREATE), H5Pclose};
  H5Pset_layout(creation.get(), H5D_CONTIGUOUS);
  H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(creation.get(), 0);
  const Handle dataset{check(H5Dcreate2(id_, name.c_str(), disk_type(type), space.get(),
                                        H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                             path_, "cannot create dataset " + name),
                       H5Dclose};
}

Shape File::shape(const std::string& name) const {
  const Handle dataset = open_dataset(id_, path_, name);
  const Handle space{H5Dget_space(dataset.get()), H5Sclose};
  std::vector<hsize_t> extents(
      static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

Type File::type(const std::string& name) const {
  const Handle dataset = open_dataset(id_, path_, name);
  const Handle found{H5Dget_type(dataset.get()), H5Tclose};
  for (const Type type : kTypes) {
    if (H5Tequal(found.get(), disk_type(type)) > 0) return type;
  }
  throw DataError{fmt::format("{}: {} has an element type that this program does not store",
                              path_.string(), name)};
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
    throw DataError{
        fmt::format("{}: {} has another element type than expected", path_.string(), name)};
  }
  const Shape extents = shape(name);
  if (extents.empty()) {
    throw DataError{fmt::format("{}: {} has no dimension, expected rows", path_.string(), name)};
  }
  const std::uint64_t total = extents.front();
  if (first_row > total || rows > total - first_row) {
    throw DataError{fmt::format("{}: {} has {} rows, expected at least {}", path_.string(), name,
                                total, first_row + rows)};
  }
  static_cast<void>(offset(name));  // the whole dataset lies inside the file
  return elements(extents, rows, name, path_);
}

void File::write_raw(const std::string& name, std::uint64_t first_row, Type type,
                     const void* values, std::size_t count) {
  if (count == 0) return;
  Handle dataset = open_dataset(id_, path_, name);
  const Shape extents = shape(name);
  const std::uint64_t per_row = elements(extents, 1, name, path_);
  FACTORPS_CHECK(!extents.empty() && per_row > 0 && count % per_row == 0 &&
                 first_row + count / per_row <= extents.front());
  const Selection selection =
      select_rows(dataset.get(), extents, first_row, count / per_row, count, path_);
  check(H5Dwrite(dataset.get(), disk_type(type), selection.memory_space.get(),
                 selection.file_space.get(), H5P_DEFAULT, values),
        path_, "cannot write " + name);
  // HDF5 keeps small writes until it closes the dataset, and then forgets those that fail.
  check(dataset.close_now(), path_, "cannot write " + name);
  note_progress();
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
  note_progress();
}

}  // namespace factorps::h5
