/// Good dataset files that were changed object by object: see hdf5_edits.hpp.
#include "tests/fuzz/hdf5_edits.hpp"
#include "tests/fuzz/readers.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps;
  static const std::string good = fuzz::bytes_of(fuzz::write_dataset_seed);
  const fuzz::InputFile file{good};
  fuzz::Input input{fuzz::as_text(data, size)};
  fuzz::edit(file.path(), input);
  fuzz::use_dataset(file.path());
  return 0;
}
