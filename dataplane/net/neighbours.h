// neighbours.h - link-layer addresses of the stations on all links, shared by the workers.
//
// Owner:    the network; written by whichever worker hears ARP, read by all; every field is one atomic word.
// Memory:   fixed, allocated in the constructor; a full table learns nothing new.
// Time:     real time: the other side is a real kernel.
// Bytes:    addresses in wire order.
// Cost:     find(): one or two lines.
// Lifetime: entries are never removed, only replaced; static ones never change.
// Spec:     RFC 826, RFC 1122 section 2.3.2.1 (cache validation), 2.3.2.2 (packets wait).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/ids.h"
#include "dataplane/time.h"
#include "dataplane/wire/address.h"

namespace lapse {

class Neighbours {
 public:
  static constexpr Duration kRequestInterval = std::chrono::seconds(1);
  static constexpr Duration kFreshFor = std::chrono::seconds(30);
  static constexpr Duration kUsableFor = std::chrono::seconds(60);

  explicit Neighbours(size_t capacity = 4096);

  void add_static(LinkId link, Ipv4Address address, MacAddress mac);

  // Heard in an ARP message at 'real'. A static entry stays as it is. Of two workers that hear different addresses at
  // the same time one is believed.
  void learn(LinkId link, Ipv4Address address, MacAddress mac, Instant real);

  struct Answer {
    std::optional<MacAddress> mac;  // absent: unknown, or not confirmed for too long
    bool ask = false;               // the caller shall send an ARP request now: true once per kRequestInterval
  };
  Answer find(LinkId link, Ipv4Address address, Instant real);

  // Changes after every learn(), in one order with a doorbell: who has seen this number before a find() that found
  // nothing, and sees it again when it is about to sleep, has missed nothing.
  uint32_t lessons() const { return lessons_.load(std::memory_order_seq_cst); }

 private:
  struct Entry {
    std::atomic<uint64_t> key{0};       // kUsed | link | address; 0: free
    std::atomic<uint64_t> mac{0};       // kKnown [| kStatic] | 48 bits
    std::atomic<int64_t> confirmed{0};  // real time of the last confirmation
    std::atomic<int64_t> asked{kNever};
  };
  static constexpr int64_t kNever = INT64_MIN / 2;

  Entry* entry_for(LinkId link, Ipv4Address address);

  std::vector<Entry> entries_;
  std::atomic<uint32_t> lessons_{0};
};

}  // namespace lapse
