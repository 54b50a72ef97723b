#include <gtest/gtest.h>
#include <hdf5.h>

#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

TEST(Hdf5File, NoGroupOrDatasetCarriesATime) {
  const test::TemporaryDirectory directory;
  h5::File file = h5::File::create(directory / "file.h5");
  file.create_group("/a/b");
  file.write("/c/d/values", std::vector<float>{1});
  file.close();
  const hid_t id = H5Fopen((directory / "file.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  for (const char* name : {"/", "/a", "/a/b", "/c", "/c/d", "/c/d/values"}) {
    H5O_info_t info{};
    EXPECT_GE(H5Oget_info_by_name(id, name, &info, H5P_DEFAULT), 0) << name;
    EXPECT_EQ(info.ctime, 0) << name;
    EXPECT_EQ(info.mtime, 0) << name;
  }
  H5Fclose(id);
}

}  // namespace
}  // namespace factorps
