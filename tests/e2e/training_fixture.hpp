/// A small prepared dataset and the ways to train on it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/factorps.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {

/// 300 users, 200 items, 20000 synthetic ratings on a grid of 8 x 8; six epochs in DIRECTORY/run.
class Training : public testing::Test {
 protected:
  using Settings = std::vector<std::string>;  // "key=value"

  void SetUp() override;
  /// Changes train.epochs in the file, for programs that start from now on.
  void set_epochs(std::size_t epochs) const;
  /// Arguments of `train`. @param run directory of the run, under the test's own
  [[nodiscard]] std::vector<std::string> train(const std::string& run,
                                               const Settings& settings = {},
                                               const std::vector<std::string>& flags = {}) const;
  /// Trains to the end. @param ranks 0: without the launcher
  /// @return summary.json
  [[nodiscard]] nlohmann::json trained(int ranks, const std::string& run,
                                       const Settings& settings = {},
                                       const std::vector<std::string>& flags = {}) const;
  /// The SHA-256 of the model.
  [[nodiscard]] std::string hash(int ranks, const std::string& run, const Settings& settings = {},
                                 const std::vector<std::string>& flags = {}) const {
    return trained(ranks, run, settings, flags).value("model_sha256", "none");
  }
  /// Epochs that metrics.jsonl of a run holds.
  [[nodiscard]] std::size_t epochs_of(const std::string& run) const;
  /// Waits until a run has done so many epochs; false if the program ends before.
  [[nodiscard]] bool reaches_epoch(Program& program, const std::string& run,
                                   std::size_t epochs) const;
  /// Processes that have the test's directory in their command line, and their MPI rank or -1.
  [[nodiscard]] std::vector<std::pair<int, int>> processes() const;
  /// The first of them with a rank, or 0.
  [[nodiscard]] int process_of_rank(int rank) const;
  /// Whether none is left, within a few seconds.
  [[nodiscard]] bool no_process_is_left() const;

  TemporaryDirectory directory_;
  std::string config_;
};

}  // namespace factorps::test
