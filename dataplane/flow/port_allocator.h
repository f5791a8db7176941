// port_allocator.h - how many source ports a NAT address uses towards one destination, and where a free one may be.
//
// Owner:    a NAT box; shared by its workers, lock-free.
// Memory:   allocated in the constructor: 16 bytes for each pair, and a bounded pool of 8 KiB maps for pairs that are
//           past half full.
// Time:     none.
// Bytes:    addresses and ports in wire order.
// Cost:     take(): one line; candidate(): one line, or a few words of a map.
// Lifetime: none.
// Spec:     aws-behaviour 3.1: ports 1024-65535, 55,000 simultaneous per (NAT address, destination address, port,
//           protocol).
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/flow/tuple.h"

namespace lapse {

inline constexpr uint16_t kFirstPort = 1024;
inline constexpr uint32_t kPortCount = 65536 - kFirstPort;  // 64,512

// One NAT address towards one destination.
struct PortPair {
  Ipv4Address nat_address;
  Ipv4Address destination;
  Be16 destination_port;
  uint8_t protocol = 0;
};

// Counts; it never decides who owns a port: the table's put-if-absent of the reply key does.
class PortAllocator {
 public:
  struct Options {
    uint32_t flow_capacity = 65536;  // no more pairs than flows
    uint32_t limit = 55000;          // simultaneous flows of a pair
    HashKey hash_key;
  };
  explicit PortAllocator(const Options& options);
  ~PortAllocator();
  PortAllocator(const PortAllocator&) = delete;
  PortAllocator& operator=(const PortAllocator&) = delete;

  // Counts one more flow of 'pair', unless it has reached the limit: then false, in O(1).
  bool take(const PortPair& pair);
  // The port to try next; 'random' is a fresh random number, 'attempt' counts from 0. Symmetric NAT: nothing is
  // preserved.
  Be16 candidate(const PortPair& pair, uint64_t random, uint32_t attempt);
  // The table refused 'port' (it is in use), or accepted it.
  void mark_used(const PortPair& pair, Be16 port);
  // The flow that held 'port' is dead, or was never made: its count and its place are free. Once for each take().
  void give_back(const PortPair& pair, Be16 port);

  uint32_t used(const PortPair& pair) const;
  size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lapse
