// floors.h - what this machine can do at best, and what a NAT over DPDK's own hash table does, on the same flows.
//
// Owner:    the bench; one thread.
// Memory:   as the product's table: lines of 64 bytes for the records, an index of the same size, the same pages.
// Time:     none.
// Bytes:    tuples in wire order.
// Cost:     see each row in floors.cc.
// Lifetime: one size at a time, as the flow sets.
// Spec:     none.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "bench/flow_sets.h"
#include "dataplane/flow/mapped_memory.h"

struct rte_hash;

namespace lapse::bench {

// Names of rows, for others to refer to.
inline constexpr const char* kKeysOnly = "floor: keys only";
inline constexpr const char* kOneLine = "floor: one random line";
inline constexpr const char* kTwoLines = "floor: two dependent lines";
inline constexpr const char* kRteHashFind = "rte_hash bulk lookup, record line";
inline constexpr const char* kRteHashMiss = "rte_hash bulk lookup, miss";
inline constexpr const char* kRteHashInsert = "rte_hash add of two keys, record line";
inline constexpr const char* kRteHashRemove = "rte_hash delete of two keys";
inline constexpr const char* kPacketsOnly = "floor: receive and send";
inline constexpr const char* kPacketsStateless = "floor: + stateless parse and rewrite";
inline constexpr const char* kPacketsOneLine = "floor: + one random line";
inline constexpr const char* kPacketsTwoLines = "floor: + two dependent lines";
inline constexpr const char* kPacketsRteHash = "NAT over rte_hash";

// DPDK's environment, for rte_hash: no devices, no hugepages needed, nothing left behind.
void start_dpdk();

// Memory of our own, on the same pages as the product's tables, given to rte_malloc. One at a time.
class RteHeap {
 public:
  explicit RteHeap(size_t bytes);
  ~RteHeap();
  RteHeap(const RteHeap&) = delete;
  RteHeap& operator=(const RteHeap&) = delete;
  int socket() const;

 private:
  MappedMemory memory_;
};

// What a flow's line holds where nothing but speed counts.
struct alignas(64) FloorRecord {
  Be32 address;
  Be16 port;
  uint32_t last_seen;
  uint64_t packets;
};

// An index that is right at the first guess, records, and a hash table, for flows 0 to flows-1.
class Floors {
 public:
  explicit Floors(uint32_t flows);
  ~Floors();

  uint32_t flows() const { return flows_; }
  const FlowNumbers& numbers() const { return numbers_; }
  FloorRecord& record(uint32_t n) const { return records_[n]; }
  // The word that holds n, at a place that says nothing about the places of its neighbours.
  const uint64_t& index_word(uint32_t n) const {
    return index_[static_cast<uint32_t>(n * 0x9e3779b1u) % flows_ * kWordsPerFlow];
  }
  rte_hash* hash_table() const { return hash_table_; }

 private:
  // As many as the product's index has at 80 % of its capacity: two keys a flow, filled to 70 %.
  static constexpr size_t kWordsPerFlow = 4;

  const uint32_t flows_;
  const FlowNumbers numbers_;
  MappedArray<FloorRecord> records_;
  MappedArray<uint64_t> index_;
  RteHeap heap_;
  rte_hash* hash_table_ = nullptr;
};

}  // namespace lapse::bench
