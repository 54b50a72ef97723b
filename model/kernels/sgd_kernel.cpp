#include "model/kernels/sgd_kernel.hpp"

#include <utility>
#include <vector>

// Highway compiles this file once per instruction set. Older CPUs get the reference kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/kernels/sgd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#include "model/kernels/cell_trainer-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

/// Calls body with the row length as a constant if it is a common one, else with 0.
template <class Body>
HWY_INLINE auto for_stride(std::size_t stride, Body&& body) {
  switch (stride) {
    case 16:
      return body(std::integral_constant<std::size_t, 16>{});
    case 32:
      return body(std::integral_constant<std::size_t, 32>{});
    case 48:
      return body(std::integral_constant<std::size_t, 48>{});
    case 64:
      return body(std::integral_constant<std::size_t, 64>{});
    case 96:
      return body(std::integral_constant<std::size_t, 96>{});
    case 128:
      return body(std::integral_constant<std::size_t, 128>{});
    default:
      return body(std::integral_constant<std::size_t, 0>{});
  }
}

template <std::size_t Stride, bool Clamped>
HWY_NOINLINE double train_rows(const CellView& cell, RowsView users, RowsView items,
                               const SgdStep& step) {
  return CellTrainer<Stride, Clamped>{cell, users, items, step}.run();
}

double train_cell(const CellView& cell, RowsView users, RowsView items, const SgdStep& step) {
  // Only the usual loss is worth the code of a version for each row length.
  if (!step.is_squared()) return train_rows<0, true>(cell, users, items, step);
  return for_stride(users.stride, [&](auto stride) FACTORPS_LAMBDA {
    return train_rows<stride.value, false>(cell, users, items, step);
  });
}

void predict_cell(const CellView& cell, RowsView users, RowsView items, float mu,
                  float* predictions) {
  const RowTag d;
  const std::size_t stride = users.stride;
  std::size_t n = 0;
  for (const Run& run : cell.runs) {
    const float* user = users.factors + run.user * stride;
    const float known = mu + users.states[run.user].bias;
    for (std::size_t end = n + run.count; n < end; ++n) {
      const float* row = items.factors + cell.items[n] * stride;
      RowVec sum = hn::Mul(hn::Load(d, user), hn::Load(d, row));
      for (std::size_t f = kLanes; f < stride; f += kLanes) {
        sum = hn::MulAdd(hn::Load(d, user + f), hn::Load(d, row + f), sum);
      }
      predictions[n] = known + items.states[cell.items[n]].bias + sum_of(fold_blocks(sum));
    }
  }
}

Kernels kernels(InstructionSet set) { return {set, &train_cell, &predict_cell}; }

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace factorps {

std::string_view name_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::sse4:
      return "sse4";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::reference:
      break;
  }
  return "reference";
}

std::span<const Kernels> usable_kernels() {
  static const std::vector<Kernels> kUsable = [] {
    [[maybe_unused]] const std::int64_t targets = hwy::SupportedTargets();
    std::vector<Kernels> found{{InstructionSet::reference, &train_reference, &predict_reference}};
#if HWY_TARGETS & HWY_SSE4
    if (targets & HWY_SSE4) found.push_back(N_SSE4::kernels(InstructionSet::sse4));
#endif
#if HWY_TARGETS & HWY_AVX2
    if (targets & HWY_AVX2) found.push_back(N_AVX2::kernels(InstructionSet::avx2));
#endif
#if HWY_TARGETS & HWY_AVX3
    if (targets & HWY_AVX3) found.push_back(N_AVX3::kernels(InstructionSet::avx512));
#endif
    return found;
  }();
  return kUsable;
}

const Kernels& best_kernels() { return usable_kernels().back(); }

}  // namespace factorps
#endif
