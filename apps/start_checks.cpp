#include "apps/start_checks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "apps/copies.hpp"
#include "apps/plan_input.hpp"
#include "apps/stop_requests.hpp"
#include "comm/agreement.hpp"
#include "common/error.hpp"
#include "common/hash.hpp"
#include "scheduler/resume.hpp"
#include "scheduler/start_checks.hpp"

namespace factorps::apps {
namespace {

namespace fs = std::filesystem;
using scheduler::RankIdentity;

/// Also of a file that has been replaced since it was started; empty where there is no /proc.
std::string checksum_of_executable() {
  std::ifstream in{"/proc/self/exe", std::ios::binary};
  if (!in) return {};
  StreamChecksum sum;
  std::vector<char> piece(std::size_t{1} << 20);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    sum.update(std::as_bytes(std::span{piece}.first(static_cast<std::size_t>(in.gcount()))));
  }
  return fmt::format("{:016x}", sum.value());
}

/// None of the texts holds a zero.
std::string packed(const RankIdentity& identity) {
  return identity.host + '\0' + identity.program + '\0' + identity.configuration + '\0' +
         identity.dataset;
}

RankIdentity unpacked(std::span<const std::byte> bytes) {
  RankIdentity identity;
  const std::array fields{&identity.host, &identity.program, &identity.configuration,
                          &identity.dataset};
  std::size_t field = 0;
  for (const std::byte byte : bytes) {
    const char letter = static_cast<char>(byte);
    if (letter == '\0') {
      ++field;
    } else {
      *fields.at(field) += letter;
    }
  }
  return identity;
}

const std::string& host_of(const comm::Environment& environment) {
  return environment.hosts()[static_cast<std::size_t>(environment.rank())];
}

void require_alike(RankIdentity mine, const comm::Environment& environment) {
  mine.host = host_of(environment);
  const std::string text = packed(mine);
  std::vector<RankIdentity> all;
  for (const auto& bytes : environment.gather(std::as_bytes(std::span{text}))) {
    all.push_back(unpacked(bytes));
  }
  const std::string problem = comm::first_problem(environment, scheduler::difference(all));
  if (!problem.empty()) throw ConfigError{problem};
}

/// Bytes that the run has yet to write. What it has written may be replaced.
std::uint64_t bytes_to_write(const Config& config, const scheduler::PlanInput& input,
                             const scheduler::Plan& plan) {
  const std::uint64_t checkpoints = input.saves ? plan.checkpoints : plan.checkpoint;
  const std::uint64_t there = scheduler::bytes_below(config.run.dir / "checkpoints");
  return plan.model + checkpoints - std::min(checkpoints, there);
}

/// Files that are open now (libraries of MPI among them), two connections to each rank, and what a
/// training opens at a time.
std::uint64_t files_needed(const comm::Environment& environment) {
  constexpr std::uint64_t kOfTraining = 32;
  std::error_code error;
  std::uint64_t open = 0;
  for (fs::directory_iterator at{"/proc/self/fd", error}, end; !error && at != end;
       at.increment(error)) {
    ++open;
  }
  return open + 2 * static_cast<std::uint64_t>(environment.size()) + kOfTraining;
}

/// @return the limit, raised as far as it may be if that is needed
std::uint64_t limit_of_files(std::uint64_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return scheduler::kNoLimit;
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

/// Attributes and times that are features are no part of the fingerprint.
std::string identity_of_data(const Config& config, const Dataset& dataset) {
  std::string identity = dataset.fingerprint();
  const std::string run = scheduler::run_identity(config, dataset);
  if (run == training_identity(config)) return identity;
  Sha256 sha;
  sha.update(run);
  return identity + ", attributes and times " + sha.finish();
}

}  // namespace

void check_ranks(const Config& config, const comm::Environment& environment) {
  require_alike({{}, checksum_of_executable(), to_toml(config), {}}, environment);
  const fs::path file = stop_file(config);
  std::string problem;
  if (environment.rank() == 0 && fs::exists(file)) {
    problem = fmt::format("{}: this run was asked to stop; remove the file to let it go on",
                          file.string());
  }
  problem = comm::first_problem(environment, problem);
  if (!problem.empty()) throw ConfigError{problem};
}

Dataset open_dataset(const Config& config, const comm::Environment& environment) {
  if (!fs::exists(config.data.dataset)) {
    throw DataError{fmt::format("{}: no such dataset; make it with: factorps prepare CONFIG",
                                config.data.dataset.string())};
  }
  Dataset dataset{config.data.dataset};
  if (dataset.interactions(Part::train) == 0) {
    throw DataError{fmt::format("{}: holds no training interactions", dataset.path().string())};
  }
  const auto ranks = static_cast<std::uint32_t>(environment.size());
  for (auto s = static_cast<std::uint32_t>(environment.rank()); s < dataset.grid().strips();
       s += ranks) {
    dataset.verify(StripId{s});
  }
  require_alike({{}, {}, {}, identity_of_data(config, dataset)}, environment);
  return dataset;
}

void check_machines(const Config& config, const Dataset& dataset, const ps::JobLayout& layout,
                    const comm::Environment& environment) {
  const auto input = sizes_of_job(config, dataset, layout, environment);
  const scheduler::Plan plan = make_plan(input);
  const std::uint64_t files = files_needed(environment);
  const auto nodes = nodes_here(ps::nodes_of_ranks(layout), environment).size();
  const scheduler::Needs needs{nodes * (plan.tables + plan.ranks),
                               environment.rank() == 0 ? bytes_to_write(config, input, plan) : 0,
                               files};
  const scheduler::Found found{host_of(environment), scheduler::free_memory(), config.run.dir,
                               scheduler::free_disk(config.run.dir), limit_of_files(files)};
  const std::string problem = comm::first_problem(environment, scheduler::shortage(needs, found));
  if (!problem.empty()) throw ResourceError{problem};
}

}  // namespace factorps::apps
