/// Fails on the last rank; its entry in CTest expects that.
#include <gtest/gtest.h>

#include "tests/support/mpi_test_main.hpp"

namespace factorps::test {
namespace {

TEST(MpiTestMain, FailsWhereOneRankFails) {
  if (environment().rank() == environment().size() - 1) ADD_FAILURE() << "only the last rank fails";
}

}  // namespace
}  // namespace factorps::test
