/// Manifests of checkpoints. Input: the text of manifest.json; a shard lies beside it.
#include <fstream>

#include "common/check.hpp"
#include "io/checkpoint.hpp"
#include "scheduler/early_stopping.hpp"
#include "scheduler/resume.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/temporary_directory.hpp"

namespace factorps::fuzz {
namespace {

void use(const CheckpointManifest& manifest) {
  for (const CheckpointFile& file : manifest.files) {
    // Whatever it says, it names files beside it.
    FACTORPS_CHECK(std::filesystem::path{file.name}.filename() == file.name);
    FACTORPS_CHECK(file.name != ".." && file.name != ".");
  }
  LearningRate rate{Schedule::constant, 1};
  scheduler::EarlyStopping stopping{1, 0};
  scheduler::restore_state(manifest.state, rate, stopping);
  FACTORPS_CHECK(!scheduler::state_text(rate, stopping).empty());
}

}  // namespace
}  // namespace factorps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps;
  static const test::TemporaryDirectory directory;
  static const auto shard = directory.write("shard-000.h5", "rows");
  std::ofstream{directory / "manifest.json", std::ios::binary | std::ios::trunc}
      << fuzz::as_text(data, size);
  static_cast<void>(fuzz::accepts([&] { fuzz::use(read_manifest(directory.path())); }));
  static_cast<void>(fuzz::accepts([&] { fuzz::use(verify_checkpoint(directory.path())); }));
  return 0;
}
