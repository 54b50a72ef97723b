/// main() of a test under an MPI launcher: every rank runs the same tests; a failure on any rank
/// is a failure of all.
#include "tests/support/mpi_test_main.hpp"

#include <cstdio>
#include <exception>
#include <string>

#include <gtest/gtest.h>

namespace factorps::test {
namespace {

const comm::Environment* job = nullptr;

/// Says which rank failed where: the launcher mixes the output of all ranks.
class FailureReporter : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", job->rank(),
                 result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(),
                 result.message());
  }
};

int run(int argc, char** argv) {
  const comm::Environment environment{true};
  job = &environment;
  testing::InitGoogleTest(&argc, argv);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (environment.rank() != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FailureReporter);
  const int passed = RUN_ALL_TESTS() == 0 ? 1 : 0;
  return environment.minimum(passed) == 1 ? 0 : 1;
}

}  // namespace

const comm::Environment& environment() { return *job; }

}  // namespace factorps::test

int main(int argc, char** argv) {
  try {
    return factorps::test::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
