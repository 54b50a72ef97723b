/// The main function of a fuzz target that is built without libFuzzer: gives it every file of the
/// directories, then mutations of them that depend on nothing but their number.
///
/// Usage: TARGET MUTATIONS DIRECTORY ...
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.hpp"
#include "tests/fuzz/target.hpp"

namespace factorps::fuzz {
namespace {

constexpr std::size_t kLongest = 1 << 16;

/// All files of the directories, in the order of their names.
std::vector<std::string> read_corpus(std::span<char* const> directories) {
  std::vector<std::filesystem::path> paths;
  for (const char* directory : directories) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream in{path, std::ios::binary};
    corpus.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  }
  return corpus;
}

/// Random numbers of one mutation.
class Dice {
 public:
  explicit Dice(std::uint64_t number) : number_{number} {}
  std::size_t below(std::size_t n) { return n == 0 ? 0 : stream_.below(n, number_, next_++); }

 private:
  RandomStream stream_{1, Purpose::generate};
  std::uint64_t number_;
  std::uint32_t next_ = 0;
};

void overwrite(std::string& text, Dice& dice) {
  constexpr std::array<std::uint64_t, 10> kEdges{
      0, 1, 0x7F, 0xFF, 0x7FFF'FFFF, 0x8000'0000, 0xFFFF'FFFF, 1ULL << 32, ~0ULL >> 1, ~0ULL};
  const std::uint64_t edge = kEdges[dice.below(kEdges.size())];
  const std::size_t width = std::size_t{1} << dice.below(4);
  const std::size_t at = dice.below(text.size());
  std::memcpy(text.data() + at, &edge, std::min(width, text.size() - at));
}

void change(std::string& text, const std::vector<std::string>& corpus, Dice& dice) {
  const std::size_t at = dice.below(text.size());
  const std::size_t length = 1 + dice.below(std::min<std::size_t>(64, text.size()));
  switch (text.empty() ? 5 : dice.below(7)) {
    case 0:
      text[at] = static_cast<char>(text[at] ^ (1 << dice.below(8)));
      return;
    case 1:
      text[at] = static_cast<char>(dice.below(256));
      return;
    case 2:
      text.erase(at, length);
      return;
    case 3:
      text.insert(at, text.substr(dice.below(text.size()), length));
      return;
    case 4:
      overwrite(text, dice);
      return;
    case 5: {  // what another file has
      const std::string& other = corpus[dice.below(corpus.size())];
      const std::size_t from = dice.below(other.size());
      text.insert(at, other.substr(from, 1 + dice.below(256)));
      return;
    }
    default:
      text.resize(at);
  }
}

std::string mutation(std::uint64_t number, const std::vector<std::string>& corpus) {
  Dice dice{number};
  std::string text = corpus[dice.below(corpus.size())];
  for (std::size_t changes = 1 + dice.below(4); changes > 0; --changes) change(text, corpus, dice);
  text.resize(std::min(text.size(), kLongest));
  return text;
}

void give(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace
}  // namespace factorps::fuzz

int main(int argc, char** argv) {
  using namespace factorps::fuzz;
  std::uint64_t mutations = 0;
  const std::string_view number = argc > 1 ? argv[1] : "";
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), mutations);
  if (argc < 3 || parsed.ec != std::errc{}) {
    std::cerr << "usage: " << argv[0] << " MUTATIONS DIRECTORY ...\n";
    return 2;
  }
  const auto corpus = read_corpus(std::span{argv, static_cast<std::size_t>(argc)}.subspan(2));
  if (corpus.empty()) {
    std::cerr << argv[0] << ": the directories hold no file\n";
    return 2;
  }
  for (const std::string& input : corpus) give(input);
  for (std::uint64_t n = 0; n < mutations; ++n) {
    const std::string input = mutation(n, corpus);
    // Left behind by a crash: what to look at.
    if (const char* keep = std::getenv("FACTORPS_FUZZ_KEEP"))
      std::ofstream{keep, std::ios::binary | std::ios::trunc} << input;
    give(input);
  }
  std::cout << corpus.size() << " files and " << mutations << " mutations\n";
  return 0;
}
