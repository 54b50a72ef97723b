/// Users in moments, of factorization machines with features of moments (model.context).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "io/dataset.hpp"
#include "io/model_file.hpp"
#include "model/heads/head.hpp"

namespace factorps::apps {

/// Whether scores of the model depend on when.
[[nodiscard]] bool knows_moments(const Model& model);

/// A user and a moment are one row: the sum of both, with what they have to do with each other in
/// the bias.
/// @param factors [dim]; empty: a user of whom nothing is known @param time unix seconds
[[nodiscard]] PlainRow row_in_moment(const Model& model, std::span<const float> factors, float bias,
                                     std::int64_t time);

/// Prediction in original units, not clipped. @param user whose values it is about; none: who is
/// not in the model
[[nodiscard]] float predict_in_moment(const Model& model, std::span<const float> factors,
                                      float bias, std::optional<std::uint64_t> item,
                                      std::optional<std::uint64_t> user, std::int64_t time);
/// The same of the user's own row.
[[nodiscard]] float predict_in_moment(const Model& model, std::optional<std::uint64_t> user,
                                      std::optional<std::uint64_t> item, std::int64_t time);

/// The moment that an option names, or else the latest of the training.
/// @return nothing if the model does not know moments
/// @throws ConfigError if the option is no time, or the model has no use for it
[[nodiscard]] std::optional<std::int64_t> asked_moment(const Model& model, const std::string& time);
/// "2017-11-24T18:00:00Z: Friday, November", as far as the model looks at it.
[[nodiscard]] std::string describe_moment(const Model& model, std::int64_t time);

/// @throws DataError if the model knows moments and the dataset does not
void require_times(const Model& model, const Dataset& dataset);

}  // namespace factorps::apps
