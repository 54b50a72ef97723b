#include "apps/inject_faults.hpp"

#include <cstdlib>
#include <memory>
#include <utility>

#include "comm/faulty_link.hpp"
#include "common/error.hpp"
#include "common/faults.hpp"

namespace factorps::apps {

void inject_faults(const std::vector<std::string>& inject, const comm::Environment& environment) {
  std::vector<Fault> found;
  if (const char* text = std::getenv("FACTORPS_FAULTS"); text != nullptr) {
    try {
      found = parse_faults(text);
    } catch (const ConfigError& error) {
      throw ConfigError{std::string{"FACTORPS_FAULTS: "} + error.what()};
    }
  }
  for (const std::string& text : inject) found.push_back(parse_fault(text));
  static_cast<void>(comm::message_faults(found));  // or it would be said in the middle of a job
  install_faults(found.empty() ? nullptr : std::make_unique<Faults>(found, environment.rank()));
}

}  // namespace factorps::apps
