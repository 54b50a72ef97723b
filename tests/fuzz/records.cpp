/// What a run and a scaling experiment left behind, as `report`, `inspect` and `bench scaling`
/// read it. Input: a byte that says which file, then its text; the others are good.
#include <fstream>

#include <nlohmann/json.hpp>

#include "common/check.hpp"
#include "scheduler/plan_record.hpp"
#include "scheduler/report/page.hpp"
#include "scheduler/scaling/record.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::fuzz {
namespace {

constexpr const char* kWorkers =
    R"([{"cells":4,"interactions":100,"compute_seconds":0.5,"wait_turn_seconds":0.1,)"
    R"("wait_block_seconds":0,"cpu_seconds":0.5}])";

std::string metrics_line(int epoch) {
  return R"({"epoch":)" + std::to_string(epoch) +
         R"(,"train_rmse":0.9,"learning_rate_factor":1,"seconds":{"train":1,"evaluate":0.1,)"
         R"("checkpoint":0.1},"block_bytes":{"train":0,"evaluate":0},"workers":)" +
         kWorkers + R"(,"validation":{"rmse":0.95},"best":true})" + "\n";
}

/// A run directory whose files are written anew for each input.
class Run {
 public:
  Run() {
    directory_.write("config.toml", "[train]\nepochs = 2\n");
    directory_.write("model.h5", "not looked into");
  }
  void write(std::size_t kind, std::string_view text) {
    directory_.write("metrics.jsonl", metrics_line(1) + metrics_line(2));
    std::filesystem::remove(directory_ / "summary.json");
    if (kind == 0) directory_.write("metrics.jsonl", text);
    if (kind == 1) directory_.write("summary.json", text);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return directory_.path(); }

 private:
  test::TemporaryDirectory directory_;
};

void use_run(const std::filesystem::path& path) {
  const scheduler::RunRecord run = scheduler::read_run(path);
  FACTORPS_CHECK(!scheduler::report_page(run).empty());
}

void use_plan(const std::filesystem::path& path, std::string_view text) {
  const auto plan = nlohmann::ordered_json::parse(text, nullptr, false);
  FACTORPS_CHECK(scheduler::plan_check(plan, scheduler::read_run(path)).is_object());
}

void use_scaling_record(std::string_view text) {
  const InputFile file{text};
  const scheduler::ScalingRecord record = scheduler::read_record(file.path());
  const std::string again = scheduler::to_json(record).dump();
  const InputFile stored{again};
  FACTORPS_CHECK(scheduler::to_json(scheduler::read_record(stored.path())).dump() == again);
}

void use(Run& run, std::size_t kind, std::string_view text) {
  if (kind == 2) return use_scaling_record(text);
  run.write(kind, text);
  if (kind == 3) return use_plan(run.path(), text);
  use_run(run.path());
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps::fuzz;
  static Run run;
  Input input{as_text(data, size)};
  const std::size_t kind = input.below(4);
  static_cast<void>(accepts([&] { use(run, kind, input.rest()); }));
  return 0;
}
