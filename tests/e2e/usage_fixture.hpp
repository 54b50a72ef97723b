/// A small dataset and a model of it whose answers can be found by hand.
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "io/dataset_writer.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::test {

/// Users anna, bert, cleo (cold); items 7, 8, 9 (cold), 10. Two strips, two blocks.
[[nodiscard]] DatasetContents small_contents();

/// mu 3, dim 1: anna 1, bert -1; items 1, 0.5, cold, 2; biases of items 0, 0.5, cold, 0.5.
/// @param trained_by settings of the training, a line each; empty: the model does not say
void write_model(const std::filesystem::path& path, const std::string& fingerprint,
                 bool with_seen = true, const IdTable& users = small_contents().user_ids,
                 const std::string& trained_by = {});

/// No biases of users, a penalty of 0.25.
inline constexpr const char* kTrainedBySgd =
    "order_of_cells = 2\nmodel.biases = false\ntrain.l2 = 0.25\ntrain.l2_user = \n";

class Usage : public testing::Test {
 protected:
  Usage() { write_model(model_, write_dataset(dataset_, small_contents())); }
  TemporaryDirectory directory_;
  std::string dataset_ = directory_ / "dataset.h5";
  std::string model_ = directory_ / "model.h5";
};

}  // namespace factorps::test
