#include "io/config.hpp"

#include <iostream>

#include "apps/commands.hpp"
#include "comm/environment.hpp"

namespace factorps::apps {

ExitCode run_config(const ShowConfigOptions& options, comm::Environment& environment) {
  const Config config = load_config(options.config, options.assignments);
  if (environment.rank() == 0) {
    std::cout << (options.markdown      ? configuration_markdown()
                  : options.output.json ? to_json(config)
                                        : to_toml(config));
  }
  return ExitCode::done;
}

}  // namespace factorps::apps
