#include "scheduler/uptime.hpp"

#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "io/files.hpp"
#include "io/json_text.hpp"

namespace factorps::scheduler {

using nlohmann::json;

std::string Uptime::begin() {
  std::string problem;
  try {
    if (std::filesystem::exists(path_)) read();
  } catch (const std::exception& error) {  // of JSON, or a number that is none
    problem = fmt::format("{}: damaged, counts from now on: {}", path_.string(), error.what());
  }
  running_ = true;
  since_begin_.restart();
  write();
  return problem;
}

void Uptime::read() {
  const json file = parse_json(read_file(path_));
  if (!file.is_object()) throw DataError{"expected a JSON object"};
  const std::uint64_t failures = natural_at(file, "failures");
  const std::uint64_t unended = natural_at(file, "running", 1);
  const auto seconds = file.find("seconds");
  if (seconds == file.end() || !seconds->is_number() || !(seconds->get<double>() >= 0)) {
    throw DataError{fmt::format("seconds = {}, expected a number of at least 0",
                                seconds == file.end() ? "nothing" : seconds->dump())};
  }
  failures_ = failures + unended;
  earlier_ = seconds->get<double>();
}

void Uptime::write() const {
  const json file{{"failures", failures_}, {"running", running_ ? 1 : 0}, {"seconds", seconds()}};
  write_file_atomically(path_, file.dump() + '\n');
}

void Uptime::keep() {
  if (running_) write();
}

void Uptime::end() {
  if (!running_) return;
  earlier_ = seconds();
  running_ = false;
  write();
}

double Uptime::seconds() const noexcept {
  return earlier_ + (running_ ? since_begin_.seconds() : 0);
}

}  // namespace factorps::scheduler
