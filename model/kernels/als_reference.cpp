#include <Eigen/Cholesky>

#include "model/kernels/als_kernel.hpp"

namespace factorps {
namespace {

using Index = Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd vector_of(const float* x, std::size_t size) {
  return Eigen::Map<const Eigen::VectorXf>{x, static_cast<Index>(size)}.cast<double>();
}

double weight(const AlsTask& task, std::size_t n) {
  return task.weights == nullptr ? 1.0 : double{task.weights[n]};
}

double target(const AlsTask& task, std::size_t n) {
  return task.targets == nullptr ? 1.0 : double{task.targets[n]};
}

VectorXd other(const AlsProblem& problem, const AlsTask& task, std::size_t n) {
  return vector_of(problem.fixed + task.others[n] * problem.stride, problem.stride);
}

/// Half of the second derivative of the loss: sum of w q q^T + G + penalties.
MatrixXd hessian(const AlsProblem& problem, const AlsTask& task) {
  const auto d = static_cast<Index>(problem.stride);
  MatrixXd h = Eigen::Map<const Eigen::MatrixXf>{problem.gram, d, d}.cast<double>();
  h.diagonal().array() += double{task.l2};
  if (problem.bias != kNoColumn) {
    const auto bias = static_cast<Index>(problem.bias);
    h(bias, bias) += double{task.l2_bias} - double{task.l2};
  }
  for (std::size_t n = 0; n < task.others.size(); ++n) {
    const VectorXd q = other(problem, task, n);
    h += weight(task, n) * q * q.transpose();
  }
  return h;
}

VectorXd right_side(const AlsProblem& problem, const AlsTask& task) {
  VectorXd b = VectorXd::Zero(static_cast<Index>(problem.stride));
  for (std::size_t n = 0; n < task.others.size(); ++n) {
    b += weight(task, n) * target(task, n) * other(problem, task, n);
  }
  return b;
}

/// The loss as a function of all columns but `constant`: <p, H p> - 2 <b, p>.
struct Quadratic {
  MatrixXd h;
  VectorXd b;
};
Quadratic quadratic(const AlsProblem& problem, const AlsTask& task, const VectorXd& start) {
  Quadratic q{hessian(problem, task), right_side(problem, task)};
  if (problem.constant == kNoColumn) return q;
  const auto column = static_cast<Index>(problem.constant);
  q.b -= q.h.col(column) * start(column);
  q.b(column) = 0;
  q.h.row(column).setZero();
  q.h.col(column).setZero();
  return q;
}

/// LDLT: columns beyond the dimension have no curvature without L2.
VectorXd by_blocks(const Quadratic& q, VectorXd p, std::size_t block) {
  const auto width = static_cast<Index>(block);
  for (Index first = 0; first < p.size(); first += width) {
    const Index size = std::min(width, p.size() - first);
    const VectorXd g = (q.h * p - q.b).segment(first, size);
    p.segment(first, size) -= q.h.block(first, first, size, size).ldlt().solve(g);
  }
  return p;
}

VectorXd by_gradients(const Quadratic& q, VectorXd p, std::size_t steps) {
  VectorXd r = q.b - q.h * p;
  VectorXd direction = r;
  for (std::size_t step = 0; step < steps; ++step) {
    const VectorXd image = q.h * direction;
    const double before = r.squaredNorm();
    const double curvature = direction.dot(image);
    if (before == 0 || curvature == 0) break;
    p += before / curvature * direction;
    r -= before / curvature * image;
    direction = r + r.squaredNorm() / before * direction;
  }
  return p;
}

}  // namespace

double als_solve_reference(const AlsProblem& problem, std::span<const AlsTask> tasks,
                           AlsWorkspace&) {
  double loss = 0;
  for (const AlsTask& task : tasks) {
    VectorXd p = vector_of(task.row, problem.stride);
    const double constant = problem.constant == kNoColumn ? 0 : double{task.row[problem.constant]};
    if (task.others.empty()) {
      p.setZero();
    } else {
      const Quadratic q = quadratic(problem, task, p);
      p = problem.cg_steps > 0 ? by_gradients(q, p, problem.cg_steps)
                               : by_blocks(q, p, problem.block);
    }
    if (problem.constant != kNoColumn) p(static_cast<Index>(problem.constant)) = constant;
    Eigen::Map<Eigen::VectorXf>{task.row, p.size()} = p.cast<float>();
    for (std::size_t n = 0; n < task.others.size(); ++n) {
      const double error = p.dot(other(problem, task, n)) - target(task, n);
      loss += weight(task, n) * error * error;
    }
  }
  return loss;
}

void als_gram_reference(const float* rows, std::size_t count, std::size_t stride, std::size_t i0,
                        std::size_t j0, std::size_t width, double* sums) {
  for (std::size_t r = 0; r < count; ++r) {
    const float* row = rows + r * stride;
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        sums[i * width + j] += double{row[i0 + i]} * double{row[j0 + j]};
      }
    }
  }
}

}  // namespace factorps
