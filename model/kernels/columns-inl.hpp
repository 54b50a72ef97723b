/// Rows of any width, some columns at a time: what the kernels of row mode are made of.
// Included once per instruction set, after lanes-inl.hpp; hence no #pragma once.
#if defined(FACTORPS_COLUMNS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FACTORPS_COLUMNS_INL
#undef FACTORPS_COLUMNS_INL
#else
#define FACTORPS_COLUMNS_INL
#endif

#include "model/kernels/fold_sums.hpp"
#include "model/kernels/lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace factorps {
namespace HWY_NAMESPACE {

using One = hn::CappedTag<float, 1>;

/// body(tag, column) for whole vectors, then quads, then single columns.
template <class Body>
HWY_INLINE void for_columns(std::size_t width, Body&& body) {
  std::size_t c = 0;
  for (; c + kLanes <= width; c += kLanes) body(RowTag(), c);
  for (; c + 4 <= width; c += 4) body(Quad(), c);
  for (; c < width; ++c) body(One(), c);
}

/// Sum over columns of term(tag, c), in the shape of fold_sums().
template <class Term>
HWY_INLINE float sum_of_columns(std::size_t width, Term&& term) {
  const RowTag d;
  HWY_ALIGN float sums[kRowMultiple];
  std::size_t c = 0;
  Sixteen whole = Sixteen::map([&](auto) FACTORPS_LAMBDA { return hn::Zero(d); });
  for (; c + kRowMultiple <= width; c += kRowMultiple) {
    unroll<kParts>([&](auto part) FACTORPS_LAMBDA {
      whole.part[part] = hn::Add(whole.part[part], term(d, c + part * kLanes));
    });
  }
  unroll<kParts>([&](auto part)
                     FACTORPS_LAMBDA { hn::Store(whole.part[part], d, sums + part * kLanes); });
  for (; c < width; ++c) sums[c % kRowMultiple] += hn::GetLane(term(One(), c));
  return fold_sums(sums);
}

}  // namespace HWY_NAMESPACE
}  // namespace factorps
HWY_AFTER_NAMESPACE();

#endif
