#include "tests/fuzz/hdf5_edits.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <vector>

#include <hdf5.h>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/dataset.hpp"
#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::fuzz {
namespace {

constexpr std::uint64_t kMostBytes = 1 << 16;  // of a dataset that is made

/// Paths of everything in a file; dataset contents have their place in it.
struct Objects {
  std::vector<std::string> all;
  std::vector<std::string> datasets;
};

Objects objects_of(hid_t file) {
  Objects objects;
  const auto visit = [](hid_t, const char* name, const H5O_info_t* info, void* out) -> herr_t {
    auto& into = *static_cast<Objects*>(out);
    into.all.push_back(std::string{"/"} + (std::string_view{name} == "." ? "" : name));
    if (info->type == H5O_TYPE_DATASET) into.datasets.push_back(into.all.back());
    return 0;
  };
  H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, &objects);
  return objects;
}

class Editor {
 public:
  Editor(hid_t file, Input& input) : file_{file}, input_{input}, objects_{objects_of(file)} {}

  void edit_once() {
    switch (input_.below(9)) {
      case 0:
        H5Ldelete(file_, any().c_str(), H5P_DEFAULT);
        return;
      case 1:
        return replace();
      case 2:
        return overwrite();
      case 3:
        return set_number();
      case 4:
        return set_text();
      case 5:
        return remove_attribute();
      case 6:
        return link();
      case 7:
        H5Ldelete(file_, any().c_str(), H5P_DEFAULT);
        H5Gclose(H5Gcreate2(file_, any().c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        return;
      default:
        H5Lmove(file_, any().c_str(), file_, any().c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
  }

 private:
  const std::string& any() { return objects_.all[input_.below(objects_.all.size())]; }
  const std::string& dataset() { return objects_.datasets[input_.below(objects_.datasets.size())]; }

  hsize_t extent() {
    constexpr std::array<std::uint64_t, 16> kExtents{
        0,          1,           2,          3,          4,          5,          7,          8,
        0x7FFFFFFF, 0x80000000U, 0xFFFFFFFF, 1ULL << 32, 1ULL << 33, 1ULL << 40, 1ULL << 62, 1000};
    const std::uint8_t choice = input_.byte();
    return choice < kExtents.size() ? kExtents[choice] : choice - kExtents.size();
  }

  hid_t type() {
    const std::array<hid_t, 12> types{H5T_STD_U8LE,   H5T_STD_U16LE,   H5T_STD_U32LE,
                                      H5T_STD_U64LE,  H5T_STD_I64LE,   H5T_IEEE_F32LE,
                                      H5T_IEEE_F64LE, H5T_STD_U64BE,   H5T_IEEE_F32BE,
                                      H5T_C_S1,       H5T_STD_REF_OBJ, H5T_STD_I8LE};
    return types[input_.below(types.size())];
  }

  hid_t space(std::uint64_t& elements) {
    const std::size_t rank = input_.below(5);
    elements = rank == 4 ? 0 : 1;
    if (rank == 4) return H5Screate(H5S_NULL);
    if (rank == 0) return H5Screate(H5S_SCALAR);
    std::array<hsize_t, 3> extents{};
    for (std::size_t d = 0; d < rank; ++d) {
      extents[d] = extent();
      if (__builtin_mul_overflow(elements, extents[d], &elements)) elements = ~std::uint64_t{0};
    }
    return H5Screate_simple(static_cast<int>(rank), extents.data(), nullptr);
  }

  /// A dataset of another type, shape or layout in the place of one.
  void replace() {
    const std::string name = any();
    const hid_t element = type();
    std::uint64_t elements = 0;
    const hid_t extents = space(elements);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, 0);
    const bool small = elements <= kMostBytes / 8;
    choose_layout(creation, small);
    H5Ldelete(file_, name.c_str(), H5P_DEFAULT);
    const hid_t made =
        H5Dcreate2(file_, name.c_str(), element, extents, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (made >= 0 && small) {
      std::vector<std::uint64_t> values(elements, input_.number());
      for (std::uint64_t& value : values) value += input_.byte();
      H5Dwrite(made, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    H5Dclose(made);
    H5Pclose(creation);
    H5Sclose(extents);
  }

  void choose_layout(hid_t creation, bool small) {
    const std::size_t layout = input_.below(8);
    const hsize_t chunk = 1;
    if (layout == 0) {
      H5Pset_layout(creation, H5D_COMPACT);
    } else if (layout == 1) {
      H5Pset_chunk(creation, 1, &chunk);
    } else if (layout == 2) {
      H5Pset_external(creation, "/proc/self/status", 0, H5F_UNLIMITED);
    } else {
      H5Pset_layout(creation, H5D_CONTIGUOUS);
      H5Pset_alloc_time(creation, small ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_LATE);
    }
  }

  /// Other elements in a dataset: eight bytes at a place.
  void overwrite() {
    const hid_t target = H5Dopen2(file_, dataset().c_str(), H5P_DEFAULT);
    const hid_t type_found = H5Dget_type(target);
    const hid_t extents = H5Dget_space(target);
    const hssize_t count = H5Sget_simple_extent_npoints(extents);
    const std::size_t width = H5Tget_size(type_found);
    if (count > 0 && width > 0 && static_cast<std::uint64_t>(count) * width <= kMostBytes) {
      std::vector<char> bytes(static_cast<std::size_t>(count) * width);
      H5Dread(target, type_found, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
      std::size_t at = (input_.below(256) * 256 + input_.below(256)) * width % bytes.size();
      for (const char byte : input_.take(1 + input_.below(8))) {
        bytes[at] = byte;
        at = (at + 1) % bytes.size();
      }
      H5Dwrite(target, type_found, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
    }
    H5Sclose(extents);
    H5Tclose(type_found);
    H5Dclose(target);
  }

  /// The name of an attribute that our files have, on any object.
  const char* attribute_name() {
    constexpr std::array kNames{"format", "version",      "fingerprint", "seed",       "value_min",
                                "kind",   "value_max",    "train_mean",  "value_base", "value_step",
                                "dim",    "value_narrow", "summary",     "by",         "checksum",
                                "mu",     "sha256",       "provenance",  "ids",        "privacy"};
    return kNames[input_.below(kNames.size())];
  }

  void set_attribute(hid_t memory_type, hid_t stored_type, const void* value, hid_t extents) {
    const hid_t target = H5Oopen(file_, owner().c_str(), H5P_DEFAULT);
    const char* name = attribute_name();
    H5Adelete(target, name);
    const hid_t made = H5Acreate2(target, name, stored_type, extents, H5P_DEFAULT, H5P_DEFAULT);
    if (value != nullptr) H5Awrite(made, memory_type, value);
    H5Aclose(made);
    H5Oclose(target);
  }

  std::string owner() { return input_.below(2) == 0 ? "/" : any(); }

  void set_number() {
    const bool array = input_.below(8) == 0;
    const hsize_t two = 2;
    const hid_t extents = array ? H5Screate_simple(1, &two, nullptr) : H5Screate(H5S_SCALAR);
    const std::array<std::uint64_t, 2> values{input_.number(), 0};
    const bool real = input_.below(2) == 0;
    set_attribute(real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_UINT64,
                  real ? H5T_IEEE_F64LE : H5T_STD_U64LE, values.data(), extents);
    H5Sclose(extents);
  }

  void set_text() {
    const std::string text{input_.take(input_.below(64))};
    const hid_t text_type = H5Tcopy(H5T_C_S1);
    const bool variable = input_.below(8) == 0;
    H5Tset_size(text_type, variable ? H5T_VARIABLE : text.size() + 1);
    const hid_t extents = H5Screate(input_.below(16) == 0 ? H5S_NULL : H5S_SCALAR);
    const char* pointer = text.c_str();
    set_attribute(text_type, text_type, variable ? static_cast<const void*>(&pointer) : pointer,
                  extents);
    H5Sclose(extents);
    H5Tclose(text_type);
  }

  void remove_attribute() {
    const hid_t target = H5Oopen(file_, owner().c_str(), H5P_DEFAULT);
    H5Adelete(target, attribute_name());
    H5Oclose(target);
  }

  /// A link in the place of an object: to another, to itself, into another file.
  void link() {
    const std::string name = any();
    const std::string other = any();
    H5Ldelete(file_, name.c_str(), H5P_DEFAULT);
    switch (input_.below(4)) {
      case 0:
        H5Lcreate_soft(other.c_str(), file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
        return;
      case 1:
        H5Lcreate_external("/proc/self/exe", other.c_str(), file_, name.c_str(), H5P_DEFAULT,
                           H5P_DEFAULT);
        return;
      case 2: {
        std::array<char, 64> path{};
        H5Fget_name(file_, path.data(), path.size());
        H5Lcreate_external(path.data(), other.c_str(), file_, name.c_str(), H5P_DEFAULT,
                           H5P_DEFAULT);
        return;
      }
      default:
        H5Lcreate_hard(file_, other.c_str(), file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
  }

  hid_t file_;
  Input& input_;
  Objects objects_;
};

/// Makes the attribute `checksum` of a dataset right, if it has one.
void seal_dataset(hid_t file, const std::string& name) {
  const hid_t target = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  const hid_t element = H5Dget_type(target);
  const hid_t extents = H5Dget_space(target);
  const hssize_t count = H5Sget_simple_extent_npoints(extents);
  const std::size_t width = H5Tget_size(element);
  if (H5Aexists(target, "checksum") > 0 && count >= 0 &&
      static_cast<std::uint64_t>(count) * width <= kMostBytes) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(count) * width);
    H5Dread(target, element, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
    const std::uint64_t sum = checksum(bytes);
    const hid_t attribute = H5Aopen(target, "checksum", H5P_DEFAULT);
    const hid_t numbers = H5Aget_space(attribute);  // an edit may have made it several
    if (H5Sget_simple_extent_npoints(numbers) == 1) H5Awrite(attribute, H5T_NATIVE_UINT64, &sum);
    H5Sclose(numbers);
    H5Aclose(attribute);
  }
  H5Sclose(extents);
  H5Tclose(element);
  H5Dclose(target);
}

/// Makes the checksums of cells right, where it still is a dataset.
void seal_cells(const std::filesystem::path& path) {
  std::array<std::vector<std::uint64_t>, kParts.size()> sums;
  const bool readable = accepts([&] {
    const Dataset dataset{path};
    for (const Part part : kParts) {
      if (!dataset.has(part)) continue;
      for (std::uint32_t s = 0; s < dataset.grid().strips(); ++s) {
        for (std::uint32_t b = 0; b < dataset.grid().blocks(); ++b) {
          sums[static_cast<std::size_t>(part)].push_back(
              cell_checksum(dataset.cell(part, StripId{s}, BlockId{b})));
        }
      }
    }
  });
  if (!readable) return;
  static_cast<void>(accepts([&] {
    h5::File file = h5::File::modify(path);
    for (const Part part : kParts) {
      const auto& own = sums[static_cast<std::size_t>(part)];
      if (!own.empty())
        file.write_rows(std::string{"/"} + part_name(part) + "/cell_checksum", 0, std::span{own});
    }
  }));
}

}  // namespace

std::string bytes_of(const std::function<void(const std::filesystem::path&)>& write) {
  const test::TemporaryDirectory directory;
  const auto path = directory / "file.h5";
  write(path);
  return test::read_text(path);
}

void edit(const std::filesystem::path& file, Input& input) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const bool seal = input.below(4) != 0;
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  Editor editor{opened, input};
  constexpr int kMostEdits = 8;
  for (int n = 0; n < kMostEdits && !input.empty(); ++n) editor.edit_once();
  for (const std::string& name : seal ? objects_of(opened).datasets : std::vector<std::string>{})
    seal_dataset(opened, name);
  H5Fclose(opened);
  if (seal) seal_cells(file);
}

}  // namespace factorps::fuzz
