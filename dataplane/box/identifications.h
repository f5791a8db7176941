// identifications.h - new IPv4 identifications for what a NAT sends under an address that several hosts share.
//
// Owner:    one worker of one box.
// Memory:   512 bytes.
// Time:     none.
// Bytes:    wire order out.
// Cost:     one hash and one count.
// Lifetime: as its box.
// Spec:     RFC 6864 section 5.3.1, RFC 4963: two hosts behind one address pick the same one, and a receiver would mix
//           their fragments. RFC 7857 section 9.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/box/random.h"
#include "dataplane/flow/tuple.h"
#include "dataplane/ids.h"

namespace lapse {

// Each pair of ends has a count of its own, as far as 256 counts go, and each worker a share of the numbers: so one
// repeats for a pair only after 65,536 / workers packets.
class Identifications {
 public:
  Identifications(const HashKey& hash_key, uint64_t seed, WorkerId worker, size_t workers)
      : hash_key_(hash_key),
        share_(static_cast<uint32_t>(0x10000 / workers)),
        first_(static_cast<uint32_t>(share_ * index(worker))) {
    Random random(seed);
    for (uint16_t& count : counts_) {
      count = static_cast<uint16_t>(random.next());
    }
  }

  Be16 next(Ipv4Address source, Ipv4Address destination, uint8_t protocol) {
    uint16_t& count = counts_[hash({source, destination, {}, {}, protocol, 0, 0}, hash_key_) % counts_.size()];
    return be16(static_cast<uint16_t>(first_ + count++ % share_));
  }

 private:
  HashKey hash_key_;
  uint32_t share_;
  uint32_t first_;
  std::array<uint16_t, 256> counts_;
};

}  // namespace lapse
