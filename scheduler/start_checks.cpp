#include "scheduler/start_checks.hpp"

#include <cstddef>
#include <sstream>

#include <fmt/format.h>

namespace factorps::scheduler {
namespace {

/// The first key that two configurations do not have alike: "[train] seed = 2 instead of 1".
std::string first_key(const std::string& theirs, const std::string& expected) {
  std::istringstream left{theirs};
  std::istringstream right{expected};
  std::string section;
  std::string a;
  std::string b;
  while (std::getline(left, a) && std::getline(right, b)) {
    if (a != b) {
      const auto equals = b.find(" = ");
      const bool same_key = equals != std::string::npos && a.starts_with(b.substr(0, equals + 3));
      return fmt::format("{} {} instead of {}", section, a, same_key ? b.substr(equals + 3) : b);
    }
    if (a.starts_with('[')) section = a;
  }
  return "keys that the other does not have";
}

std::string difference(std::size_t rank, const RankIdentity& found, const RankIdentity& expected) {
  const std::string who = fmt::format("rank {} on {}", rank, found.host);
  const std::string other = "rank 0 on " + expected.host;
  if (found.program != expected.program) {
    return fmt::format(
        "{} runs another executable (checksum {}) than {} (checksum {}); expected "
        "the same build on every machine",
        who, found.program, other, expected.program);
  }
  if (found.configuration != expected.configuration) {
    return fmt::format(
        "{} has another configuration than {}: {}; expected the same file and --set "
        "for every rank",
        who, other, first_key(found.configuration, expected.configuration));
  }
  if (found.dataset != expected.dataset) {
    return fmt::format(
        "{} has another dataset (fingerprint {:.16}) than {} (fingerprint {:.16}); "
        "expected the same file on every machine",
        who, found.dataset, other, expected.dataset);
  }
  return {};
}

}  // namespace

std::string difference(std::span<const RankIdentity> ranks) {
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    std::string text = difference(rank, ranks[rank], ranks[0]);
    if (!text.empty()) return text;
  }
  return {};
}

std::string shortage(const Needs& needs, const Found& found) {
  if (needs.memory > found.memory.free) {
    return fmt::format(
        "memory of {}: the ranks there need {} bytes, {} of {} are free ({}), {} are missing; use "
        "more nodes, fewer dimensions or, under SLURM, a larger --mem",
        found.host, needs.memory, found.memory.free, found.memory.limit, found.memory.of,
        needs.memory - found.memory.free);
  }
  if (needs.disk > found.disk) {
    return fmt::format(
        "{}: checkpoints and model need {} bytes more, {} are free, {} are missing; make room, "
        "lower checkpoint.keep or choose another run.dir",
        found.run.string(), needs.disk, found.disk, needs.disk - found.disk);
  }
  if (needs.files > found.files) {
    return fmt::format(
        "open files on {}: a rank needs {}, the limit is {}; raise it (ulimit -n, "
        "or LimitNOFILE of slurmd)",
        found.host, needs.files, found.files);
  }
  return {};
}

}  // namespace factorps::scheduler
