/// Writes the seeds that the repository does not hold. Usage: factorps_fuzz_seeds DIRECTORY
#include <exception>
#include <iostream>

#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/seeds.hpp"

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error{"usage: factorps_fuzz_seeds DIRECTORY"};
    factorps::fuzz::write_seeds(argv[1]);
    factorps::fuzz::write_message_seeds(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
