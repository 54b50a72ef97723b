/// Arbitrary bytes as dataset, model and checkpoint shard. What HDF5 itself makes of them is its
/// own affair (docs/security.md); this finds out what we make of what it lets through.
#include "io/attributes.hpp"
#include "io/dataset.hpp"
#include "io/dataset_check.hpp"
#include "io/model_file.hpp"
#include "io/shard_file.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps;
  const fuzz::InputFile file{fuzz::as_text(data, size)};
  fuzz::use_dataset(file.path());
  fuzz::use_model(file.path());
  fuzz::use_shard(file.path());
  return 0;
}
