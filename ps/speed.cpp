#include "ps/speed.hpp"

#include <algorithm>

namespace factorps::ps {

std::vector<std::uint64_t> speeds_of_nodes(const JobLayout& layout,
                                           std::span<const comm::WorkerDone> workers) {
  std::vector<std::uint64_t> speeds;
  for (int node = 0; node < layout.nodes; ++node) {
    double interactions = 0;
    double seconds = 0;
    for (std::size_t w = 0; w < workers.size(); ++w) {
      if (layout.node_of_role[static_cast<std::size_t>(layout.worker(static_cast<int>(w)))] != node)
        continue;
      interactions += static_cast<double>(workers[w].interactions);
      seconds += workers[w].compute_seconds;
    }
    const double speed = interactions * workers_of_node(layout, node) / seconds;
    if (!(speed >= 1)) return {};
    // So much at most: place_strips() multiplies it.
    speeds.push_back(static_cast<std::uint64_t>(std::min(speed, 1e10)));
  }
  return speeds;
}

double longest_computing(std::span<const std::uint64_t> strips, std::span<const int> node_of_strip,
                         std::span<const std::uint64_t> speeds) {
  std::vector<std::uint64_t> interactions(speeds.size());
  for (std::size_t s = 0; s < strips.size(); ++s) {
    interactions[static_cast<std::size_t>(node_of_strip[s])] += strips[s];
  }
  double longest = 0;
  for (std::size_t node = 0; node < speeds.size(); ++node) {
    longest = std::max(longest,
                       static_cast<double>(interactions[node]) / static_cast<double>(speeds[node]));
  }
  return longest;
}

}  // namespace factorps::ps
