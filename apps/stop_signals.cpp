#include "apps/stop_signals.hpp"

#include <csignal>

namespace factorps::apps {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

void handle(int signal) {
  stop_signal = signal;
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
}

}  // namespace

void note_early_stop() { std::signal(SIGUSR1, handle); }

StopSignals::StopSignals(bool alone) {
  note(SIGUSR1);
  note(SIGTERM);
  if (alone) note(SIGINT);
}

StopSignals::~StopSignals() {
  for (const auto& [signal, before] : before_) std::signal(signal, before);
  stop_signal = 0;
}

bool StopSignals::requested() { return stop_signal != 0; }

void StopSignals::note(int signal) {
  const Handler before = std::signal(signal, handle);
  if (signal == SIGINT && before == SIG_IGN) {  // a background job of a shell
    std::signal(signal, SIG_IGN);
    return;
  }
  before_.emplace_back(signal, before);
}

}  // namespace factorps::apps
