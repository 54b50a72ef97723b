/// A file driver of HDF5 between the library and its usual one: each of its writes is one that a
/// fault may meet, with its true size and at its true moment, most of them in flush and close.
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "common/check.hpp"
#include "common/faults.hpp"
#include "io/hdf5_detail.hpp"

namespace factorps::h5 {
namespace {

/// HDF5 knows the first member only.
struct FaultyFile {
  H5FD_t base{};
  H5FD_t* below = nullptr;
  std::filesystem::path path;
};

FaultyFile& of(H5FD_t* file) { return *reinterpret_cast<FaultyFile*>(file); }
const FaultyFile& of(const H5FD_t* file) { return *reinterpret_cast<const FaultyFile*>(file); }
H5FD_t* below(H5FD_t* file) { return of(file).below; }
const H5FD_t* below(const H5FD_t* file) { return of(file).below; }

H5FD_t* open_file(const char* name, unsigned flags, hid_t, haddr_t largest) {
  const Handle access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  H5Pset_fapl_sec2(access.get());
  H5FD_t* const file = H5FDopen(name, flags, access.get(), largest);
  if (file == nullptr) return nullptr;
  auto* const mine = new FaultyFile;  // until close_file()
  mine->below = file;
  mine->path = name;
  return &mine->base;
}

herr_t close_file(H5FD_t* file) {
  const std::unique_ptr<FaultyFile> mine{&of(file)};
  return H5FDclose(mine->below);
}

herr_t fail_with(int error) {
  H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_VFL, H5E_WRITEERROR, "%s",
           fmt::format("file write failed: errno = {}, error message = '{}'", error,
                       std::strerror(error))
               .c_str());
  return -1;
}

herr_t write_file(H5FD_t* file, H5FD_mem_t type, hid_t transfer, haddr_t address, std::size_t size,
                  const void* bytes) {
  H5FD_t* const target = below(file);
  Faults* const faults = factorps::faults();
  Faults::Write allowed{size, 0};
  if (faults != nullptr) allowed = faults->write(of(file).path, size);
  if (allowed.bytes > 0 &&
      target->cls->write(target, type, transfer, address, allowed.bytes, bytes) < 0) {
    return -1;
  }
  return allowed.error == 0 ? 0 : fail_with(allowed.error);
}

/// @param usual the library's own driver, of which what is not said here is taken over
H5FD_class_t driver_over(const H5FD_class_t& usual) {
  H5FD_class_t driver{};
  driver.name = "factorps-faults";
  driver.maxaddr = usual.maxaddr;
  driver.fc_degree = usual.fc_degree;
  std::memcpy(driver.fl_map, usual.fl_map, sizeof driver.fl_map);
  driver.open = open_file;
  driver.close = close_file;
  driver.cmp = [](const H5FD_t* a, const H5FD_t* b) {
    return a->cls == b->cls ? H5FDcmp(below(a), below(b)) : -1;
  };
  driver.query = [](const H5FD_t* file, unsigned long* flags) -> herr_t {
    // HDF5 also asks when there is no file yet.
    return file == nullptr ? H5FDdriver_query(H5FD_SEC2, flags) : H5FDquery(below(file), flags);
  };
  driver.get_eoa = [](const H5FD_t* file, H5FD_mem_t type) {
    return below(file)->cls->get_eoa(below(file), type);
  };
  driver.set_eoa = [](H5FD_t* file, H5FD_mem_t type, haddr_t address) {
    return below(file)->cls->set_eoa(below(file), type, address);
  };
  driver.get_eof = [](const H5FD_t* file, H5FD_mem_t type) {
    return below(file)->cls->get_eof(below(file), type);
  };
  driver.get_handle = [](H5FD_t* file, hid_t access, void** handle) {
    return below(file)->cls->get_handle(below(file), access, handle);
  };
  driver.read = [](H5FD_t* file, H5FD_mem_t type, hid_t transfer, haddr_t address, std::size_t size,
                   void* bytes) {
    return below(file)->cls->read(below(file), type, transfer, address, size, bytes);
  };
  driver.write = write_file;
  driver.truncate = [](H5FD_t* file, hid_t transfer, hbool_t closing) {
    return below(file)->cls->truncate(below(file), transfer, closing);
  };
  driver.lock = [](H5FD_t* file, hbool_t writes) {
    return below(file)->cls->lock(below(file), writes);
  };
  driver.unlock = [](H5FD_t* file) { return below(file)->cls->unlock(below(file)); };
  return driver;
}

/// The class of the library's own driver, as one of its files has it.
const H5FD_class_t* usual_driver() {
  const Handle access{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  H5Pset_fapl_sec2(access.get());
  H5FD_t* const file = H5FDopen("/dev/null", H5F_ACC_RDWR, access.get(), HADDR_UNDEF);
  if (file == nullptr) return nullptr;
  const H5FD_class_t* const found = file->cls;
  H5FDclose(file);
  return found;
}

}  // namespace

void let_writes_fail(hid_t access) {
  // Registered once and for good: were a file's reference to it the last, HDF5 1.10 would free the
  // driver and then call it to close the file.
  static const hid_t kDriver = [] {
    const H5FD_class_t* const usual = usual_driver();
    FACTORPS_CHECK(usual != nullptr);
    const H5FD_class_t driver = driver_over(*usual);  // HDF5 takes a copy
    return H5FDregister(&driver);
  }();
  FACTORPS_CHECK(kDriver >= 0);
  H5Pset_driver(access, kDriver, nullptr);
}

}  // namespace factorps::h5
