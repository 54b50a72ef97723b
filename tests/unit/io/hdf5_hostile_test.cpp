// Files that HDF5 reads and we must not.
#include <array>
#include <fstream>

#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include "common/error.hpp"
#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

class HostileHdf5 : public testing::Test {
 protected:
  HostileHdf5() {
    h5::File file = h5::File::create(path_);
    file.write("/a/values", std::vector<float>{1, 2, 3});
    file.close();
  }
  /// Changes the file with HDF5 itself.
  template <class Change>
  void change(Change change) {
    const hid_t file = H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    change(file);
    H5Fclose(file);
  }
  /// What reading /a/values complains about.
  std::string problem() {
    try {
      static_cast<void>(h5::File::open(path_).read<float>("/a/values"));
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }
  void expect_problem(const std::string& part) {
    const std::string said = problem();
    EXPECT_NE(said.find(part), std::string::npos) << said;
  }
  void overwrite(std::streamoff at, char byte) {
    std::fstream file{path_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(at);
    file.put(byte);
  }
  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "file.h5";
};

TEST_F(HostileHdf5, AGoodFileIsRead) { EXPECT_EQ(problem(), "no error"); }

TEST_F(HostileHdf5, AScalarHasNoRows) {
  change([](hid_t file) {
    H5Ldelete(file, "/a/values", H5P_DEFAULT);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t made = H5Dcreate2(file, "/a/values", H5T_IEEE_F32LE, scalar, H5P_DEFAULT,
                                  H5P_DEFAULT, H5P_DEFAULT);
    const float value = 1;
    H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
    H5Dclose(made);
    H5Sclose(scalar);
  });
  expect_problem("no dimension");
}

TEST_F(HostileHdf5, LinksLeadToNoOtherFile) {
  const auto other = directory_ / "other.h5";
  std::filesystem::copy_file(path_, other);
  change([&](hid_t file) {
    H5Ldelete(file, "/a/values", H5P_DEFAULT);
    H5Lcreate_external(other.c_str(), "/a/values", file, "/a/values", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(other.c_str(), "/a", file, "/b", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_problem("no dataset /a/values");
  const h5::File file = h5::File::open(path_);
  EXPECT_FALSE(file.exists("/b/values"));
  EXPECT_THROW(static_cast<void>(file.members("/b")), DataError);
  EXPECT_FALSE(file.has("/b/values", "checksum"));
}

TEST_F(HostileHdf5, ContentsLieInTheFile) {
  const auto outside = directory_.write("outside", "0123456789ab");
  change([&](hid_t file) {
    H5Ldelete(file, "/a/values", H5P_DEFAULT);
    const hsize_t three = 3;
    const hid_t space = H5Screate_simple(1, &three, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, outside.c_str(), 0, 12);
    H5Dclose(
        H5Dcreate2(file, "/a/values", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
  });
  expect_problem("reaches past the end");
}

TEST_F(HostileHdf5, AnAttributeIsNoLongerThanTheFile) {
  change([](hid_t file) {
    // Dense storage holds what an object header cannot; the space is never written.
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 1 << 20);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    H5Aclose(H5Acreate2(file, "text", type, scalar, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(scalar);
    H5Tclose(type);
  });
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_));
  const h5::File file = h5::File::open(path_);
  if (file.has("/", "text") && file.size_bytes() < (1 << 20)) {
    EXPECT_THROW(static_cast<void>(file.text("/", "text")), DataError);
  }
}

TEST_F(HostileHdf5, OldKindsOfMetadataAreNotRead) {
  std::filesystem::remove(path_);
  const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);  // superblock 0: groups in B-trees without checksums
  expect_problem("a kind that this program does not write");
}

TEST_F(HostileHdf5, ATruncatedFileSaysSo) {
  const std::uintmax_t size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size - 1);
  expect_problem("has " + std::to_string(size - 1) + " bytes, expected " + std::to_string(size));
  std::filesystem::resize_file(path_, 20);
  expect_problem("expected an HDF5 file");
}

TEST_F(HostileHdf5, OffsetsAreEightBytesWide) {
  overwrite(9, 4);
  expect_problem("a kind that this program does not write");
}

TEST_F(HostileHdf5, APipeIsNotWaitedFor) {
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  expect_problem("no regular file");
}

}  // namespace
}  // namespace factorps
