#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "common/error.hpp"
#include "io/hdf5_detail.hpp"

namespace factorps::h5 {
namespace {

void set_attribute(hid_t file, const std::filesystem::path& path, const std::string& object,
                   const std::string& name, hid_t type, const void* value) {
  const Handle target = open_object(file, path, object);
  const Handle space{H5Screate(H5S_SCALAR), H5Sclose};
  if (H5Aexists(target.get(), name.c_str()) > 0) H5Adelete(target.get(), name.c_str());
  const Handle attribute{
      check(H5Acreate2(target.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
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
  if (H5Sget_simple_extent_npoints(space.get()) != 1 ||
      (kind != H5T_INTEGER && kind != H5T_FLOAT)) {
    throw DataError{
        fmt::format("{}: attribute '{}' of {} is not one number", path.string(), name, object)};
  }
  T value{};
  check(H5Aread(attribute.get(), memory_type, &value), path, "cannot read attribute " + name);
  return value;
}

}  // namespace

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
  return exists(object) && H5Aexists_by_name(id_, object.c_str(), name.c_str(), links_inside()) > 0;
}

std::string File::text(const std::string& object, const std::string& name) const {
  const Handle attribute = open_attribute(id_, path_, object, name);
  const Handle type{H5Aget_type(attribute.get()), H5Tclose};
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) {
    throw DataError{fmt::format("{}: attribute '{}' of {} is not a fixed-length string",
                                path_.string(), name, object)};
  }
  const Handle space{H5Aget_space(attribute.get()), H5Sclose};
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw DataError{
        fmt::format("{}: attribute '{}' of {} is not one string", path_.string(), name, object)};
  }
  const std::size_t size = H5Tget_size(type.get());
  if (!writing_ && size > size_bytes_) {
    throw DataError{fmt::format("{}: attribute '{}' of {} has {} bytes, the file {}",
                                path_.string(), name, object, size, size_bytes_)};
  }
  std::string value(size, '\0');
  check(H5Aread(attribute.get(), type.get(), value.data()), path_, "cannot read attribute " + name);
  value.resize(std::strlen(value.c_str()) < value.size() ? std::strlen(value.c_str())
                                                         : value.size());
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

}  // namespace factorps::h5
