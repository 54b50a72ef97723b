/// Servers and workers of a job in one process, and their ends of the hub.
#pragma once

#include <memory>
#include <vector>

#include "comm/transport.hpp"
#include "ps/server.hpp"
#include "worker/worker.hpp"

namespace factorps::test {

struct LocalRoles {
  std::vector<std::unique_ptr<comm::Transport>> links;
  std::vector<std::unique_ptr<ps::Server>> servers;
  std::vector<std::unique_ptr<worker::Worker>> workers;

  bool step() {
    bool worked = false;
    for (auto& server : servers) worked = server->step() || worked;
    for (auto& worker : workers) worked = worker->step() || worked;
    return worked;
  }
};

}  // namespace factorps::test
