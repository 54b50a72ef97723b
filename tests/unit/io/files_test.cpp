#include "io/files.hpp"

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

TEST(MakeDirectories, MakesParentsAndAcceptsWhatIsThere) {
  const test::TemporaryDirectory directory;
  make_directories(directory / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(directory / "a/b/c"));
  EXPECT_NO_THROW(make_directories(directory / "a/b/c"));
}

TEST(MakeDirectories, RefusesToGoThroughAFile) {
  const test::TemporaryDirectory directory;
  directory.write("file", "");
  EXPECT_THROW(make_directories(directory / "file/below"), ResourceError);
}

TEST(WriteFileAtomically, ReplacesAndLeavesNothingElse) {
  const test::TemporaryDirectory directory;
  write_file_atomically(directory / "f", "old");
  write_file_atomically(directory / "f", "new");
  EXPECT_EQ(read_file(directory / "f"), "new");
  const std::filesystem::directory_iterator files{directory.path()};
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(WriteFileAtomically, SaysWhatItCouldNotWrite) {
  const test::TemporaryDirectory directory;
  try {
    write_file_atomically(directory / "no/such/directory", "text");
    FAIL() << "no error";
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string{error.what()}.find("no/such"), std::string::npos) << error.what();
  }
}

TEST(ReadFile, RefusesAMissingFile) {
  const test::TemporaryDirectory directory;
  EXPECT_THROW(static_cast<void>(read_file(directory / "missing")), DataError);
}

}  // namespace
}  // namespace factorps
