#include "io/files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

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

TEST(WriteFileAtomically, DoesNotWriteThroughALinkThatWasPutWhereItMightWrite) {
  const test::TemporaryDirectory directory;
  const auto victim = directory.write("victim", "theirs");
  const std::string guess = ".f." + std::to_string(::getpid()) + ".tmp";
  std::filesystem::create_symlink(victim, directory / guess);
  write_file_atomically(directory / "f", "ours");
  EXPECT_EQ(read_file(victim), "theirs");
  EXPECT_EQ(read_file(directory / "f"), "ours");
}

TEST(CreateTemporary, MakesANewFileBesideTheTargetEachTime) {
  const test::TemporaryDirectory directory;
  const auto first = create_temporary(directory / "f");
  const auto second = create_temporary(directory / "f");
  EXPECT_NE(first, second);
  EXPECT_EQ(first.parent_path(), directory.path());
  EXPECT_EQ(std::filesystem::file_size(first), 0U);
  EXPECT_THROW(static_cast<void>(create_temporary(directory / "no/f")), ResourceError);
}

TEST(ReadFile, RefusesAMissingFile) {
  const test::TemporaryDirectory directory;
  EXPECT_THROW(static_cast<void>(read_file(directory / "missing")), DataError);
}

}  // namespace
}  // namespace factorps
