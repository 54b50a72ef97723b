#include "apps/version.hpp"

#include "model/kernels/sgd_kernel.hpp"

namespace factorps::apps {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

}  // namespace

std::vector<std::pair<std::string, std::string>> versions() {
  return {{"factorps", FACTORPS_VERSION},
          {"compiler", kCompiler},
          {"mpi", FACTORPS_MPI_VERSION},
          {"boost", FACTORPS_BOOST_VERSION},
          {"eigen", FACTORPS_EIGEN_VERSION},
          {"hdf5", FACTORPS_HDF5_VERSION},
          {"highway", FACTORPS_HIGHWAY_VERSION},
          {"instruction_set", std::string{name_of(best_kernels().set)}}};
}

std::string version_text() {
  std::string text;
  for (const auto& [name, version] : versions())
    text += (text.empty() ? "" : "\n") + name + ' ' + version;
  return text;
}

}  // namespace factorps::apps
