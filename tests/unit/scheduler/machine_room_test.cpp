/// Directories stand for the root of a machine; the files are as man 5 proc and man 7 cgroups say.
#include "scheduler/machine_room.hpp"

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace factorps::scheduler {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class Machine : public testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) { root_.write(file, text + '\n'); }

  /// A group of version 2.
  void group(const std::string& name, const std::string& limit, std::uint64_t used,
             std::uint64_t file_pages = 0) {
    const std::string directory = "sys/fs/cgroup" + name;
    write(directory + "/memory.max", limit);
    write(directory + "/memory.current", std::to_string(used));
    write(directory + "/memory.stat", "anon 5\ninactive_file " + std::to_string(file_pages));
  }

  void use_version_2(const std::string& mine, const std::string& mounted = "/") {
    write("proc/self/cgroup", "0::" + mine);
    write("proc/self/mountinfo",
          "22 1 0:5 / /proc rw - proc proc rw\n"
          "31 23 0:41 " +
              mounted + " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate");
  }

  [[nodiscard]] MemoryRoom room() const { return control_group_memory(root_.path()); }

  test::TemporaryDirectory root_;
};

TEST_F(Machine, HasTheMemoryThatIsAvailable) {
  write("proc/meminfo",
        "MemTotal:       8000 kB\nMemFree:  10 kB\nHugePages_Total:   0\nMemAvailable:   3000 kB");
  EXPECT_EQ(machine_memory(root_.path()).free, 3000U * 1024);
  EXPECT_EQ(machine_memory(root_.path()).limit, 8000U * 1024);
  EXPECT_EQ(free_memory(root_.path()).of, "the machine");
}

TEST_F(Machine, HasNoMoreThanItsGroup) {
  write("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 3000000 kB");
  use_version_2("/job");
  group("/job", std::to_string(500 * kMiB), 200 * kMiB);
  EXPECT_EQ(free_memory(root_.path()).free, 300 * kMiB);
  write("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 1024 kB");
  EXPECT_EQ(free_memory(root_.path()).free, kMiB);
}

TEST_F(Machine, MayNotSayWhatItHas) {
  EXPECT_EQ(free_memory(root_.path()).free, kNoLimit);
  write("proc/self/cgroup", "nonsense\n1:memory");
  write("proc/self/mountinfo", "nonsense\n1 2 3 - \n - cgroup2");
  EXPECT_EQ(room().free, kNoLimit);
}

TEST_F(Machine, MayHaveGroupsOfWhichItIsInNone) {
  use_version_2("/job");
  write("proc/self/cgroup", "1:name=systemd:/");
  group("", std::to_string(kMiB), 0);
  EXPECT_EQ(room().free, kNoLimit);
  use_version_2("/job");
  write("proc/self/mountinfo", " - cgroup2\n31 23 0:41 / elsewhere rw - cgroup2 cgroup2 rw");
  write("lsewhere/memory.max", std::to_string(kMiB));
  EXPECT_EQ(room().free, kNoLimit);
}

TEST_F(Machine, IsLimitedByTheTightestGroup) {
  use_version_2("/slurm/job_7/step_0");
  group("", "max", 900 * kMiB);
  group("/slurm", "max", 900 * kMiB);
  group("/slurm/job_7", std::to_string(500 * kMiB), 200 * kMiB);
  group("/slurm/job_7/step_0", std::to_string(450 * kMiB), 100 * kMiB);
  EXPECT_EQ(room().free, 300 * kMiB);
  EXPECT_EQ(room().limit, 500 * kMiB);
  EXPECT_EQ(room().of, "control group /slurm/job_7");
}

TEST_F(Machine, DoesNotCountPagesThatTheKernelDrops) {
  use_version_2("/job");
  group("/job", std::to_string(500 * kMiB), 480 * kMiB, 400 * kMiB);
  EXPECT_EQ(room().free, 420 * kMiB);
  group("/job", std::to_string(500 * kMiB), 600 * kMiB);  // above its limit for a moment
  EXPECT_EQ(room().free, 0U);
}

/// In a container the group of the process may be the top of what is mounted, or not be there.
TEST_F(Machine, IsLimitedByWhatAContainerSees) {
  for (const char* mine : {"/docker/abc", "/", "/../../other"}) {
    use_version_2(mine, "/docker/abc");
    group("", std::to_string(300 * kMiB), 100 * kMiB);
    group("/..", std::to_string(kMiB), 0);  // outside of what is mounted
    EXPECT_EQ(room().free, 200 * kMiB) << mine;
  }
}

TEST_F(Machine, FindsItsGroupAmongThoseOfOtherHierarchies) {
  use_version_2("/job");
  write("proc/self/cgroup", "9:name=systemd:/other\n0::/job");
  group("/other", std::to_string(kMiB), 0);
  group("/job", std::to_string(300 * kMiB), 100 * kMiB);
  EXPECT_EQ(room().free, 200 * kMiB);
}

TEST_F(Machine, IsLimitedByGroupsOfVersion1) {
  write("proc/self/cgroup", "9:name=systemd:/\n5:mymemory:/\n4:cpuset,memory:/slurm/job_7\n0::/");
  write("proc/self/mountinfo",
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpuset,memory\n"
        "36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices");
  const std::string job = "sys/fs/cgroup/memory/slurm/job_7/";
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(room().free, kNoLimit);
  write(job + "memory.limit_in_bytes", std::to_string(500 * kMiB));
  write(job + "memory.usage_in_bytes", std::to_string(300 * kMiB));
  write(job + "memory.stat", "cache 7\ninactive_file 1\ntotal_inactive_file " +
                                 std::to_string(40 * kMiB) + "\ntotal_active_file " +
                                 std::to_string(10 * kMiB));
  EXPECT_EQ(room().free, 250 * kMiB);
  EXPECT_EQ(room().of, "control group /slurm/job_7");
}

TEST_F(Machine, HasTheDiskOfTheNearestDirectory) {
  EXPECT_EQ(free_disk(root_ / "runs/first/checkpoints"), free_disk(root_.path()));
  EXPECT_GT(free_disk(root_.path()), 0U);
}

TEST_F(Machine, CountsTheFilesOfARun) {
  EXPECT_EQ(bytes_below(root_ / "run"), 0U);
  root_.write("run/epoch-000001/a", "12345");
  root_.write("run/b", "67");
  EXPECT_EQ(bytes_below(root_ / "run"), 7U);
}

}  // namespace
}  // namespace factorps::scheduler
