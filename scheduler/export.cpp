#include "scheduler/export.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

namespace factorps::scheduler {
namespace {

/// A directory that is gone when the model is written, or could not be.
class TemporaryShards {
 public:
  explicit TemporaryShards(std::filesystem::path path) : path_{std::move(path)} {
    std::filesystem::create_directory(path_);
  }
  TemporaryShards(const TemporaryShards&) = delete;
  TemporaryShards& operator=(const TemporaryShards&) = delete;
  ~TemporaryShards() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

std::string export_model(Cluster& cluster, const RunDirectory& run, int nodes,
                         const std::string& provenance) {
  comm::Command command{comm::CommandKind::export_model, run.path().string(), provenance};
  if (nodes == 1) return cluster.run(command).front().digest;
  const TemporaryShards directory{run.path() / "model.shards.tmp"};
  for (const auto& reply : cluster.run({comm::CommandKind::save, directory.path().string(), {}})) {
    for (const auto& file : reply.files) {
      command.shards.push_back((directory.path() / file.name).string());
    }
  }
  return cluster.run(command).front().digest;
}

}  // namespace factorps::scheduler
