/// Every write, sync and rename of ours may fail, and it is said.
#include <numeric>

#include <gtest/gtest.h>

#include "common/error.hpp"
#include "common/faults.hpp"
#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps {
namespace {

class FileFaults : public testing::Test {
 protected:
  ~FileFaults() override { install_faults(nullptr); }
  static void inject(const std::string& text) {
    install_faults(std::make_unique<Faults>(parse_faults(text), 0));
  }
  /// What is thrown; empty: nothing.
  template <class Do>
  static std::string failure(Do&& act) {
    try {
      act();
    } catch (const ResourceError& error) {
      return error.what();
    }
    return {};
  }
  /// A file as a server writes it: 80 kB of rows, some attributes.
  void write_hdf5(const std::string& name) const {
    std::vector<float> rows(10'000);
    std::iota(rows.begin(), rows.end(), 0.0F);
    h5::File file = h5::File::create(directory_ / name);
    file.set("/", "format", std::string_view{"test"});
    file.write("/strips/000001/factors", {100, 100}, std::span<const float>{rows});
    file.write("/strips/000002/factors", {100, 100}, std::span<const float>{rows});
    file.close();
  }

  test::TemporaryDirectory directory_;
};

TEST_F(FileFaults, KeepTheOldFileWhenTheNewOneFails) {
  for (const std::string fault : {"fail write=1", "fail sync=1", "fail rename=1", "fill bytes=3"}) {
    const auto path = directory_.write("file", "old");
    inject(fault);
    const std::string error = failure([&] { write_file_atomically(path, "new text"); });
    EXPECT_NE(error.find("file"), std::string::npos) << fault;
    EXPECT_EQ(read_file(path), "old") << fault;
  }
}

TEST_F(FileFaults, LetAWriteThatIsAddedEndInTheMiddle) {
  const auto path = directory_.write("lines", "one\n");
  inject("fill bytes=2");
  EXPECT_EQ(failure([&] { append_to_file(path, "two\n"); }),
            path.string() + ": cannot write: No space left on device");
  EXPECT_EQ(read_file(path), "one\ntw");
}

TEST_F(FileFaults, DamageWhatWasCommitted) {
  inject("flip path=file byte=0 bit=0");
  write_file_atomically(directory_ / "file", "abc");
  EXPECT_EQ(read_file(directory_ / "file"), "`bc");
}

TEST_F(FileFaults, MeetEachWriteOfHdf5) {
  write_hdf5("whole.h5");
  const std::string whole = read_file(directory_ / "whole.h5");
  int writes = 0;
  for (;; ++writes) {
    inject("fail write=" + std::to_string(writes + 1));
    const std::string error = failure([&] { write_hdf5("file.h5"); });
    if (error.empty()) break;
    EXPECT_NE(error.find("file.h5"), std::string::npos) << error;
    // What HDF5 says when it could not create or close the file does not hold the reason.
    EXPECT_TRUE(error.find("Input/output error") != std::string::npos ||
                error.find("file.h5: cannot create: ") != std::string::npos ||
                error.find("file.h5: cannot write: ") != std::string::npos)
        << error;
  }
  EXPECT_GE(writes, 4);  // two datasets, and what describes them
  EXPECT_TRUE(read_file(directory_ / "file.h5") == whole);
}

TEST_F(FileFaults, FillTheDiskUnderHdf5AtAnyByte) {
  // The rows alone are 80000 bytes.
  for (const int bytes : {100, 2'000, 30'000, 41'000, 79'999}) {
    inject("fill bytes=" + std::to_string(bytes));
    const std::string error = failure([&] { write_hdf5("file.h5"); });
    EXPECT_NE(error.find("No space left on device"), std::string::npos) << bytes << ": " << error;
  }
}

TEST_F(FileFaults, MeetTheSyncOfAnHdf5File) {
  inject("fail sync=1 path=file.h5");
  EXPECT_NE(failure([&] { write_hdf5("file.h5"); }).find("cannot write to disk"),
            std::string::npos);
}

}  // namespace
}  // namespace factorps
