#include "apps/privacy.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <sys/stat.h>

#include "common/error.hpp"

namespace factorps::apps {

void keep_private(const Config& config) {
  if (!config.run.own_only) return;
  ::umask(S_IRWXG | S_IRWXO);
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(config.run.dir, error)) return;
  fs::permissions(config.run.dir, fs::perms::owner_all, error);
  if (!error) return;
  throw ResourceError{fmt::format("{}: cannot be made private (run.private): {}",
                                  config.run.dir.string(), error.message())};
}

}  // namespace factorps::apps
