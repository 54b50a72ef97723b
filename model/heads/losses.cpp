#include "common/check.hpp"
#include "model/heads/head.hpp"
#include "model/heads/logistic.hpp"

namespace factorps {
namespace {

double squared(float target, float score, float& slope) {
  const double error = double{score} - double{target};
  slope = static_cast<float>(2 * error);
  return error * error;
}

double logistic(float target, float score, float& slope) {
  const double s = double{score};
  const double t = double{target};
  slope = static_cast<float>(sigmoid(s) - t);
  return softplus(s) - t * s;
}

double pairwise(std::span<const float> scores, std::vector<float>& slopes) {
  FACTORPS_CHECK(scores.size() % 2 == 0);
  double sum = 0;
  for (std::size_t n = 0; n < scores.size(); n += 2) {
    const double lead = double{scores[n]} - double{scores[n + 1]};
    slopes[n + 1] = static_cast<float>(sigmoid(-lead));
    slopes[n] = -slopes[n + 1];
    sum += softplus(-lead);
  }
  return sum;
}

}  // namespace

double losses_of(HeadLoss loss, std::span<const float> targets, std::span<const float> scores,
                 std::vector<float>& slopes) {
  slopes.resize(scores.size());
  if (loss == HeadLoss::bpr) return pairwise(scores, slopes);
  FACTORPS_CHECK(targets.size() == scores.size());
  double sum = 0;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    sum += loss == HeadLoss::squared ? squared(targets[n], scores[n], slopes[n])
                                     : logistic(targets[n], scores[n], slopes[n]);
  }
  return sum;
}

}  // namespace factorps
