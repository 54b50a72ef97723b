#include "ps/layout.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps::ps {
namespace {

/// Workers of each node. [node]
std::vector<int> workers_per_node(const JobLayout& layout) {
  std::vector<int> count(static_cast<std::size_t>(layout.nodes), 0);
  for (int w = 0; w < layout.workers; ++w) {
    ++count[static_cast<std::size_t>(
        layout.node_of_role[static_cast<std::size_t>(layout.worker(w))])];
  }
  return count;
}

}  // namespace

JobLayout layout_of_job(int ranks, int servers, int node_size) {
  JobLayout layout;
  // A server needs a rank of its own only if a worker still gets one.
  const int serving = std::min(servers, std::max(0, ranks - 2));
  if (servers > std::max(1, ranks - 2)) {
    throw ConfigError{
        fmt::format("cluster.servers = {} with {} ranks leaves no worker; "
                    "expected at most {} (rank 0 schedules)",
                    servers, ranks, std::max(1, ranks - 2))};
  }
  layout.servers = std::max(1, serving);
  const int first_worker = ranks == 1 ? 0 : 1 + serving;
  layout.workers = ranks - first_worker;
  layout.rank_of_role.push_back(0);
  for (int s = 0; s < layout.servers; ++s) layout.rank_of_role.push_back(serving == 0 ? 0 : 1 + s);
  for (int w = 0; w < layout.workers; ++w) layout.rank_of_role.push_back(first_worker + w);
  for (const int rank : layout.rank_of_role) {
    layout.node_of_role.push_back(node_size == 0 ? 0 : rank / node_size);
  }
  layout.nodes = node_size == 0 ? 1 : (ranks + node_size - 1) / node_size;
  return layout;
}

JobLayout layout_of_process(int workers) {
  JobLayout layout;
  layout.workers = workers;
  layout.rank_of_role.assign(static_cast<std::size_t>(layout.roles()), 0);
  layout.node_of_role = layout.rank_of_role;
  return layout;
}

Share share_of(std::uint32_t n, int part, int parts) {
  const auto cut = [&](int k) {
    return static_cast<std::uint32_t>(std::uint64_t{n} * static_cast<std::uint64_t>(k) /
                                      static_cast<std::uint64_t>(parts));
  };
  return {cut(part), cut(part + 1)};
}

std::vector<int> place_strips(std::uint32_t strips, const JobLayout& layout) {
  const std::vector<int> workers = workers_per_node(layout);
  std::vector<int> node_of_strip(strips);
  std::uint32_t strip = 0;
  int seen = 0;
  for (int node = 0; node < layout.nodes; ++node) {
    seen += workers[static_cast<std::size_t>(node)];
    const Share until = share_of(strips, seen - 1, layout.workers);
    const std::uint32_t end = seen == 0 ? 0 : until.end;
    for (; strip < end; ++strip) node_of_strip[strip] = node;
  }
  return node_of_strip;
}

}  // namespace factorps::ps
