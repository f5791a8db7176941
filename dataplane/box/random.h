// random.h - the random stream of one worker in one box.
//
// Owner:    one worker.
// Memory:   one word.
// Time:     none; the seed comes from whoever builds the box.
// Bytes:    none.
// Cost:     two multiplies a number.
// Lifetime: as its box.
// Spec:     SplitMix64 (Steele, Lea, Flood 2014); design, "each box [takes] its random stream from whoever builds it".
#pragma once

#include <cstdint>

namespace lapse {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }

  // Evenly from 0 to 'bound' - 1, but for a bias of 2^-32 that nobody can measure.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(((next() >> 32) * bound) >> 32); }

 private:
  uint64_t state_;
};

}  // namespace lapse
