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

std::vector<std::uint64_t> weights_of_nodes(const JobLayout& layout) {
  if (!layout.speed_of_node.empty()) return layout.speed_of_node;
  const std::vector<int> workers = workers_per_node(layout);
  return {workers.begin(), workers.end()};
}

JobLayout layout_of_node(int ranks, int servers) {
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
  layout.node_of_role.assign(layout.rank_of_role.size(), 0);
  return layout;
}

/// Ranks of each node, ascending. [node]
std::vector<std::vector<int>> ranks_per_node(const std::vector<int>& node_of_rank, int nodes) {
  std::vector<std::vector<int>> ranks(static_cast<std::size_t>(nodes));
  for (std::size_t r = 0; r < node_of_rank.size(); ++r) {
    ranks[static_cast<std::size_t>(node_of_rank[r])].push_back(static_cast<int>(r));
  }
  return ranks;
}

JobLayout layout_of_nodes(const std::vector<int>& node_of_rank, int nodes, int servers) {
  JobLayout layout;
  layout.nodes = nodes;
  layout.servers = 0;
  layout.workers = 0;
  layout.rank_of_role.push_back(0);
  std::vector<int> workers;
  const int per_node = std::max(1, (servers + nodes - 1) / nodes);
  for (const auto& ranks : ranks_per_node(node_of_rank, nodes)) {
    const auto size = static_cast<int>(ranks.size());
    if (size > 1 && per_node >= size) {
      throw ConfigError{fmt::format(
          "cluster.servers = {} on {} nodes means {} for each, a node with {} ranks has "
          "no worker left; expected at most {}",
          servers, nodes, per_node, size, (size - 1) * nodes)};
    }
    const int serving = std::min(per_node, size);
    layout.rank_of_role.insert(layout.rank_of_role.end(), ranks.begin(), ranks.begin() + serving);
    workers.insert(workers.end(), ranks.begin() + (size == 1 ? 0 : serving), ranks.end());
    layout.servers += serving;
  }
  layout.rank_of_role.insert(layout.rank_of_role.end(), workers.begin(), workers.end());
  layout.workers = static_cast<int>(workers.size());
  for (const int rank : layout.rank_of_role) {
    layout.node_of_role.push_back(node_of_rank[static_cast<std::size_t>(rank)]);
  }
  return layout;
}

}  // namespace

JobLayout layout_of_job(const std::vector<int>& node_of_rank, int servers) {
  const int nodes = node_of_rank.empty() ? 1 : std::ranges::max(node_of_rank) + 1;
  return nodes == 1 ? layout_of_node(static_cast<int>(node_of_rank.size()), servers)
                    : layout_of_nodes(node_of_rank, nodes, servers);
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

std::vector<int> place_strips(std::uint32_t strips, const JobLayout& layout,
                              StripPlacement placement) {
  const auto nodes = static_cast<std::uint32_t>(layout.nodes);
  if (strips < nodes) {
    throw ConfigError{fmt::format(
        "{} nodes but the dataset's grid has {} strips; expected at least one strip per "
        "node: prepare it with a larger grid.parallelism",
        nodes, strips)};
  }
  const std::vector<std::uint64_t> weight = placement == StripPlacement::evenly
                                                ? std::vector<std::uint64_t>(nodes, 1)
                                                : weights_of_nodes(layout);
  const std::uint64_t all = std::accumulate(weight.begin(), weight.end(), std::uint64_t{0});
  std::vector<int> node_of_strip(strips);
  std::uint32_t strip = 0;
  std::uint64_t seen = 0;
  for (std::uint32_t node = 0; node < nodes; ++node) {
    seen += weight[node];
    const auto fair = static_cast<std::uint32_t>(strips * seen / all);
    const std::uint32_t end = std::clamp(fair, strip + 1, strips - (nodes - 1 - node));
    for (; strip < end; ++strip) node_of_strip[strip] = static_cast<int>(node);
  }
  return node_of_strip;
}

std::vector<int> nodes_of_ranks(const JobLayout& layout) {
  std::vector<int> nodes(static_cast<std::size_t>(std::ranges::max(layout.rank_of_role)) + 1);
  for (std::size_t role = 0; role < layout.rank_of_role.size(); ++role) {
    nodes[static_cast<std::size_t>(layout.rank_of_role[role])] = layout.node_of_role[role];
  }
  return nodes;
}

int workers_of_node(const JobLayout& layout, int node) {
  return workers_per_node(layout).at(static_cast<std::size_t>(node));
}

std::vector<int> servers_of_node(const JobLayout& layout, int node) {
  std::vector<int> servers;
  for (int s = 0; s < layout.servers; ++s) {
    if (layout.node_of_role[static_cast<std::size_t>(layout.server(s))] == node) {
      servers.push_back(s);
    }
  }
  return servers;
}

}  // namespace factorps::ps
