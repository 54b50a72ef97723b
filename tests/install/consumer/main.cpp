#include <cstdio>

#include "io/config.hpp"

int main(int argc, char** argv) {
  const factorps::Config config = factorps::load_config(argc > 1 ? argv[1] : "");
  std::printf("dim %lld\n", static_cast<long long>(config.model.dim));
}
