#include "apps/job_facts.hpp"

#include <chrono>
#include <cstdlib>
#include <set>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "apps/version.hpp"

namespace factorps::apps {

using nlohmann::json;

scheduler::JobFacts facts_of_job(const ps::JobLayout& layout, const Kernels& kernels,
                                 const comm::Environment& environment) {
  json facts;
  for (const auto& [name, version] : versions()) facts["versions"][name] = version;
  facts["hosts"] = std::set<std::string>{environment.hosts().begin(), environment.hosts().end()};
  facts["started"] = fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  facts["launcher"] = environment.launched();
  facts["slurm"] = json();
  for (const char* name : {"SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_RESTART_COUNT",
                           "SLURM_JOB_NODELIST", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"}) {
    if (const char* value = std::getenv(name)) facts["slurm"][name] = value;
  }
  return {environment.size(),
          layout.servers,
          layout.workers,
          layout.nodes,
          std::string{name_of(kernels.set)},
          facts.dump()};
}

}  // namespace factorps::apps
