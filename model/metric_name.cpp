#include "model/metric_name.hpp"

#include <algorithm>
#include <charconv>

namespace factorps {
namespace {

constexpr std::uint64_t kLargestK = 1'000'000;

}  // namespace

std::string MetricAtK::name() const {
  return std::string{kRankingMetrics.at(metric)} + '@' + std::to_string(k);
}

std::optional<MetricAtK> parse_metric(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto name = std::ranges::find(kRankingMetrics, text.substr(0, at));
  const std::string_view digits = text.substr(at + 1);
  const char* last = digits.data() + digits.size();
  MetricAtK result;
  const auto [end, error] = std::from_chars(digits.data(), last, result.k);
  const bool number = error == std::errc{} && end == last && result.k > 0 && result.k <= kLargestK;
  if (name == kRankingMetrics.end() || !number) return std::nullopt;
  result.metric = static_cast<std::size_t>(name - kRankingMetrics.begin());
  return result;
}

}  // namespace factorps
