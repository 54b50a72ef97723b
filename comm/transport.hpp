/// How a role talks to other roles: the seam between logic and MPI.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "comm/messages.hpp"

namespace factorps::comm {

/// Number of a role in the job: 0 is the scheduler, then servers, then workers.
using RoleId = int;

struct Envelope {
  RoleId from = 0;
  Tag tag = Tag::shutdown;
  std::vector<std::byte> body;
};

/// The link of one role. Messages between two roles arrive in the order sent; none is lost.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  /// Never blocks.
  virtual void send(RoleId to, Tag tag, std::vector<std::byte> body) = 0;
  /// The next message for this role, if one has arrived. Never blocks.
  [[nodiscard]] virtual std::optional<Envelope> poll() = 0;
};

}  // namespace factorps::comm
