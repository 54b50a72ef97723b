/// Signs of life between the machines of a job, whatever their main threads are at.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comm/environment.hpp"

namespace factorps::comm {

/// What a peer has said.
struct Sign {
  std::size_t peer = 0;  ///< its place in the list of peers
  bool leaves = false;   ///< the last that will come
  std::string words;
};

/// Small messages beside all others, sent and received by a thread of its own in turns with the
/// main thread: say() and hear() by that thread, all else by the main thread.
class SignsOfLife {
 public:
  /// Collective over all ranks, each of which lists those that list it. Each object takes a
  /// communicator until the end of MPI.
  /// @param peers ranks; none: this rank says and hears nothing
  SignsOfLife(const Environment& environment, const std::vector<int>& peers);
  SignsOfLife(const SignsOfLife&) = delete;
  SignsOfLife& operator=(const SignsOfLife&) = delete;
  /// Tells the peers. Nobody may say or hear any more.
  ~SignsOfLife();

  /// To all peers but those that have not taken what was said before. Never waits; nothing is said
  /// while the main thread is in a long call of MPI. @param words lines; the last are left out
  /// where there are too many
  void say(std::string_view words);
  /// What has come. Never waits. @return none if the main thread is in a long call of MPI
  [[nodiscard]] std::optional<std::vector<Sign>> hear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace factorps::comm
