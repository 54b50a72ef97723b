#include "io/prepare/id_collector.hpp"

#include <bit>
#include <span>
#include <utility>

#include "common/error.hpp"
#include "common/hash.hpp"
#include "io/text/number.hpp"

namespace factorps {
namespace {

constexpr std::size_t kFirstSlots = 1 << 10;

/// Fibonacci hashing (Knuth, TAOCP 3, 6.4): the upper bits of a product.
std::size_t slot_of(std::int64_t key, std::size_t slots) noexcept {
  const std::uint64_t product = static_cast<std::uint64_t>(key) * 0x9E3779B97F4A7C15U;
  return static_cast<std::size_t>(product >> (65 - std::bit_width(slots)));
}

std::uint32_t checked_number(std::size_t number) {
  if (number >= CollectedIds::kTextBit) throw DataError{"more than 2^31 distinct ids"};
  return static_cast<std::uint32_t>(number);
}

}  // namespace

IdCollector::IdCollector() : integer_slots_(kFirstSlots), text_slots_(kFirstSlots) {}

void IdCollector::grow(std::vector<Slot>& slots) {
  std::vector<Slot> larger(slots.size() * 2);
  for (const Slot& slot : slots) {
    if (slot.number == 0) continue;
    std::size_t place = slot_of(slot.key, larger.size());
    while (larger[place].number != 0) place = (place + 1) & (larger.size() - 1);
    larger[place] = slot;
  }
  slots = std::move(larger);
}

std::uint32_t IdCollector::lookup(std::int64_t id) {
  std::size_t place = slot_of(id, integer_slots_.size());
  for (; integer_slots_[place].number != 0; place = (place + 1) & (integer_slots_.size() - 1)) {
    if (integer_slots_[place].key == id) return integer_slots_[place].number - 1;
  }
  const std::uint32_t number = checked_number(ids_.integers.size());
  ids_.integers.push_back(id);
  integer_slots_[place] = {id, number + 1};
  if (ids_.integers.size() * 2 > integer_slots_.size()) grow(integer_slots_);
  return number;
}

std::uint32_t IdCollector::add(std::string_view id) {
  if (const auto integer = canonical_integer(id)) return add(*integer);
  const auto key = std::bit_cast<std::int64_t>(checksum(std::as_bytes(std::span{id})));
  std::size_t place = slot_of(key, text_slots_.size());
  for (; text_slots_[place].number != 0; place = (place + 1) & (text_slots_.size() - 1)) {
    const Slot& slot = text_slots_[place];
    if (slot.key == key && ids_.text(slot.number - 1) == id) {
      return (slot.number - 1) | CollectedIds::kTextBit;
    }
  }
  const std::uint32_t number = checked_number(ids_.texts());
  ids_.bytes += id;
  ids_.offsets.push_back(ids_.bytes.size());
  text_slots_[place] = {key, number + 1};
  if (ids_.texts() * 2 > text_slots_.size()) grow(text_slots_);
  return number | CollectedIds::kTextBit;
}

CollectedIds IdCollector::release() { return std::move(ids_); }

}  // namespace factorps
