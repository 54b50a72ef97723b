/// A job without a launcher; tests/mpi has the same under one.
#include "comm/environment.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <unistd.h>

#include "comm/memory_use.hpp"
#include "comm/shared_memory.hpp"

namespace factorps::comm {
namespace {

TEST(Environment, IsAJobOfOneRankWithoutALauncher) {
  const Environment alone{false};
  EXPECT_FALSE(alone.launched());
  EXPECT_EQ(alone.rank(), 0);
  EXPECT_EQ(alone.size(), 1);
  EXPECT_EQ(alone.hosts().size(), 1U);
  EXPECT_EQ(alone.minimum(-3), -3);
  const std::vector bytes{std::byte{1}, std::byte{2}};
  EXPECT_EQ(alone.gather(bytes), (std::vector<std::vector<std::byte>>{bytes}));
  auto copy = bytes;
  alone.broadcast(copy);
  EXPECT_EQ(copy, bytes);
  alone.barrier();
}

TEST(SharedMemory, IsZeroedMemoryWithoutALauncher) {
  const Environment alone{false};
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096 * 3 + 1}}) {
    const SharedMemory memory{alone, 0, 1, size, size};
    EXPECT_EQ(memory.bytes().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % 4096, 0U);
    EXPECT_TRUE(std::ranges::all_of(memory.bytes(), [](std::byte b) { return b == std::byte{0}; }));
    std::ranges::fill(memory.bytes(), std::byte{1});
  }
}

TEST(MemoryUse, CountsThePagesOfThisProcess) {
  const MemoryUse before = memory_use();
  EXPECT_EQ(before.process, ::getpid());
  const std::vector<char> more(64U << 20, 'x');
  // Other allocations may come and go meanwhile, but not half of these 64 MiB.
  const MemoryUse after = memory_use();
  EXPECT_GT(after.bytes, before.bytes + more.size() / 2);
  EXPECT_GT(after.held, before.held + more.size() / 2);
  EXPECT_LT(after.held, after.bytes);               // the program itself is a file
  EXPECT_EQ(more[after.bytes % more.size()], 'x');  // or a compiler may leave the pages out
}

}  // namespace
}  // namespace factorps::comm
