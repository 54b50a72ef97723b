#include "common/deadline.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace factorps {

Deadline::Deadline(double seconds, std::string what)
    : thread_{[this, seconds, what = std::move(what)](const std::stop_token& stop) {
        std::unique_lock lock{mutex_};
        const std::chrono::duration<double> time{seconds};
        if (over_.wait_for(lock, stop, time, [&] { return stop.stop_requested(); })) return;
        if (stop.stop_requested()) return;
        const std::string text =
            fmt::format("factorps: error: waited {:.3g} s for {}\n", seconds, what);
        std::fwrite(text.data(), 1, text.size(), stderr);
        std::_Exit(static_cast<int>(ExitCode::resources));
      }} {}

}  // namespace factorps
