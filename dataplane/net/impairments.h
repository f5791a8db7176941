// impairments.h - what a link does to the packets on it, as its topology says.
//
// Owner:    none; plain values, a part of the link.
// Memory:   none.
// Time:     delays are virtual.
// Bytes:    `mtu` counts the IP packet, without the Ethernet header.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "The topology file": mtu, delay, jitter, loss, reorder, duplicate, rate; the words of tc-netem(8).
#pragma once

#include <cmath>
#include <cstdint>

#include "dataplane/box/random.h"
#include "dataplane/time.h"

namespace lapse {

// How often a thing happens, in steps of 2^-32: never and always are exact.
class Probability {
 public:
  constexpr Probability() = default;
  // 'share' is 0 to 1.
  explicit Probability(double share) : threshold_(static_cast<uint64_t>(std::llround(share * kAlways))) {}

  constexpr bool is_possible() const { return threshold_ != 0; }
  constexpr double share() const { return static_cast<double>(threshold_) / kAlways; }

  // Takes a number from 'random' only where it is possible: a stream depends on what is asked of it.
  bool happens(Random& random) const { return is_possible() && (random.next() >> 32) < threshold_; }

 private:
  static constexpr double kAlways = 4294967296.0;
  uint64_t threshold_ = 0;  // of 2^32
};

struct Impairments {
  uint16_t mtu = 0;       // the largest packet; 0: whatever a frame holds
  Duration delay{};       // from the last bit on the wire until it is there
  Duration jitter{};      // the delay of each packet is evenly spread from delay - jitter to delay + jitter
  Probability loss;       // the packet never arrives
  Probability reorder;    // the packet skips the delay, and overtakes those that do not
  Probability duplicate;  // the packet is there twice
  uint64_t bit_rate = 0;  // bits a second in each direction; 0: no limit

  bool any() const {
    return mtu != 0 || holds_packets() || loss.is_possible() || reorder.is_possible() || duplicate.is_possible();
  }
  bool holds_packets() const { return delay != Duration{} || bit_rate != 0; }
};

}  // namespace lapse
