// random.h - the one source of randomness in tests: seeded, printed, repeatable.
//
// Owner:    the test that made it.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     a few instructions a number.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>

namespace lapse::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t next() { return engine_(); }
  // 0 to 'bound' - 1. The slight bias does not matter here, and the numbers are the same with every library.
  uint64_t below(uint64_t bound) { return engine_() % bound; }
  bool one_in(uint64_t count) { return below(count) == 0; }

  template <typename Number>
  Number any() {
    return static_cast<Number>(engine_());
  }
  template <typename Item>
  const Item& pick(const Item* items, size_t count) {
    return items[below(count)];
  }
  template <typename Container>
  const auto& pick(const Container& items) {
    return pick(std::data(items), std::size(items));
  }

 private:
  std::mt19937_64 engine_;
};

// 'fallback', or what LAPSE_SEED says; printed in either case, so that a failure can be repeated.
inline uint64_t seed(uint64_t fallback) {
  const char* text = std::getenv("LAPSE_SEED");
  const uint64_t chosen = text == nullptr ? fallback : std::strtoull(text, nullptr, 0);
  std::printf("seed: LAPSE_SEED=%llu\n", static_cast<unsigned long long>(chosen));
  return chosen;
}

}  // namespace lapse::test
