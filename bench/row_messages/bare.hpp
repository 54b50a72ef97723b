/// The least that pulls and pushes of rows over MPI are.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include <mpi.h>

#include "bench/row_messages/work.hpp"
#include "ps/rows/row_node.hpp"

namespace factorps::bench {

/// With bsp a step's rows are read when the gradients of the step before are added, else before.
class Bare {
 public:
  Bare(const ps::RowNode& node, bool reads_before) : node_{node}, reads_before_{reads_before} {}

  void run(int rank, const Work& work) { rank == 0 ? serve(work) : train(work); }

 private:
  using Requests = std::vector<MPI_Request>;
  static constexpr std::size_t kPiece = 240;  // rows of a message of 60 KiB

  /// Calls one(first row, bytes, request) for each message of a step's rows.
  template <class One>
  static void in_pieces(const Work& work, std::uint64_t step, Requests& requests, One&& one) {
    const std::size_t rows = work.rows(step).size();
    requests.assign((rows + kPiece - 1) / kPiece, MPI_REQUEST_NULL);
    for (std::size_t n = 0; n < requests.size(); ++n) {
      const std::size_t count = std::min(kPiece, rows - n * kPiece);
      one(n * kPiece, static_cast<int>(count * kBytes), requests[n]);
    }
  }
  static void wait(Requests& requests) {
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  }

  void ask(const Work& work, std::uint64_t step) {
    const auto& rows = work.rows(step);
    MPI_Isend(rows.data(), static_cast<int>(rows.size()), MPI_UINT64_T, 0, 1, MPI_COMM_WORLD,
              &keys_sent_[step % 2]);
    in_pieces(work, step, pulls_[step % 2], [&](std::size_t row, int bytes, MPI_Request& request) {
      MPI_Irecv(&rows_[step % 2][row * kWidth], bytes, MPI_BYTE, 0, 2, MPI_COMM_WORLD, &request);
    });
  }

  void train(const Work& work) {
    ask(work, 0);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      if (step + 1 < kSteps) ask(work, step + 1);
      wait(pulls_[step % 2]);
      in_pieces(work, step, pushes_, [&](std::size_t row, int bytes, MPI_Request& request) {
        MPI_Isend(&gradients_[row * kWidth], bytes, MPI_BYTE, 0, 3, MPI_COMM_WORLD, &request);
      });
      wait(pushes_);
      MPI_Wait(&keys_sent_[step % 2], MPI_STATUS_IGNORE);
    }
  }

  void answer(const Work& work, std::uint64_t step) {
    auto& keys = keys_[step % 2];
    keys.resize(work.rows(step).size());
    MPI_Recv(keys.data(), static_cast<int>(keys.size()), MPI_UINT64_T, 1, 1, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    wait(pulls_[step % 2]);  // the rows of the step before the last have left
    in_pieces(work, step, pulls_[step % 2], [&](std::size_t row, int bytes, MPI_Request& request) {
      float* to = &rows_[step % 2][row * kWidth];
      const std::size_t count = static_cast<std::size_t>(bytes) / kBytes;
      for (std::size_t n = 0; n < count; ++n) {
        std::memcpy(to + n * kWidth, node_.record(0, keys[row + n]), kBytes);
      }
      MPI_Isend(to, bytes, MPI_BYTE, 1, 2, MPI_COMM_WORLD, &request);
    });
  }

  void add(const std::vector<std::uint64_t>& keys, std::size_t begin, std::size_t end) const {
    for (std::size_t n = begin; n < end; ++n) {
      if (n + ps::RowNode::kAhead < keys.size()) {
        node_.fetch(0, keys[n + ps::RowNode::kAhead], kBytes);
      }
      float* record = node_.record(0, keys[n]);
      const float* gradient = &gradients_[n * kWidth];
      for (std::size_t d = 0; d < kWidth; ++d) record[d] -= 1e-3F * gradient[d];
    }
  }

  void serve(const Work& work) {
    answer(work, 0);
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      in_pieces(work, step, pushes_, [&](std::size_t row, int bytes, MPI_Request& request) {
        MPI_Irecv(&gradients_[row * kWidth], bytes, MPI_BYTE, 1, 3, MPI_COMM_WORLD, &request);
      });
      const bool more = step + 1 < kSteps;
      if (more && reads_before_) answer(work, step + 1);
      const auto& keys = keys_[step % 2];
      for (std::size_t n = 0; n < pushes_.size(); ++n) {
        MPI_Wait(&pushes_[n], MPI_STATUS_IGNORE);
        add(keys, n * kPiece, std::min(keys.size(), (n + 1) * kPiece));
      }
      if (more && !reads_before_) answer(work, step + 1);
    }
    for (Requests& last : pulls_) wait(last);
  }

  const ps::RowNode& node_;
  bool reads_before_;
  std::array<std::vector<float>, 2> rows_{std::vector<float>(kBatch * kWidth),
                                          std::vector<float>(kBatch* kWidth)};
  std::vector<float> gradients_{std::vector<float>(kBatch * kWidth)};
  std::array<std::vector<std::uint64_t>, 2> keys_;
  std::array<MPI_Request, 2> keys_sent_{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::array<Requests, 2> pulls_;
  Requests pushes_;
};

}  // namespace factorps::bench
