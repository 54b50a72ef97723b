/// Errors that a user or the world can cause. Each carries the exit code of the process it ends.
///
/// Messages name the place (file and line, key, rank), the value found and what was expected.
/// Bugs do not throw: they fail a FACTORPS_CHECK (common/check.hpp).
#pragma once

#include <stdexcept>

namespace factorps {

/// Exit codes of the executable; documented in docs/configuration.md, scripts depend on them.
enum class ExitCode : int {
  done = 0,
  internal = 1,       ///< a bug, or a failure of the MPI library
  usage = 2,          ///< command line or configuration
  data = 3,           ///< raw data, dataset or model file
  checkpoint = 4,     ///< a checkpoint that cannot be used
  resources = 5,      ///< memory, disk, shared memory, or a wait that passed its deadline
  stopped_early = 75  ///< time limit or signal; a good checkpoint exists
};

/// Base of everything this project throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] virtual ExitCode exit_code() const noexcept { return ExitCode::internal; }
};

namespace detail {
template <ExitCode Code>
class CodedError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return Code; }
};
}  // namespace detail

/// A bad command line or configuration.
class ConfigError : public detail::CodedError<ExitCode::usage> {
 public:
  using CodedError::CodedError;
};

/// Raw data, a dataset or a model that is malformed, damaged or of the wrong kind.
class DataError : public detail::CodedError<ExitCode::data> {
 public:
  using CodedError::CodedError;
};

/// A checkpoint that is damaged or belongs to other data or another configuration.
class CheckpointError : public detail::CodedError<ExitCode::checkpoint> {
 public:
  using CodedError::CodedError;
};

/// Memory, disk, shared memory or time that the machine does not have.
class ResourceError : public detail::CodedError<ExitCode::resources> {
 public:
  using CodedError::CodedError;
};

/// A message from another rank that breaks the protocol.
class ProtocolError : public Error {
 public:
  using Error::Error;
};

}  // namespace factorps
