/// Configuration files and --set. Input: TOML text, a zero byte, then assignments with a zero byte
/// behind each.
#include "io/config.hpp"

#include "common/check.hpp"
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace factorps;
  fuzz::Input input{fuzz::as_text(data, size)};
  const fuzz::InputFile file{input.line()};
  std::vector<std::string> assignments;
  while (!input.empty()) assignments.emplace_back(input.line());
  static_cast<void>(fuzz::accepts([&] {
    const Config config = load_config(file.path(), assignments);
    static_cast<void>(to_json(config));
    static_cast<void>(training_identity(config));
    // A run stores its configuration and is resumed with it.
    const std::string text = to_toml(config);
    const fuzz::InputFile stored{text};
    FACTORPS_CHECK(to_toml(load_config(stored.path())) == text);
  }));
  return 0;
}
