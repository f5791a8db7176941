// flow_table_owner.h - what a worker keeps for the flows that it created. Private to the flow table.
//
// Owner:    one worker each; 'inbox' and 'free_records' are shared, lock-free, the rest is the worker's alone.
// Memory:   one for each worker, allocated with the table.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: as its table.
// Spec:     design, "The wheel only reclaims".
#pragma once

#include "dataplane/flow/flow_table.h"

namespace lapse {

// Ids linked through next_, as id + 1; 0 is none.
struct FlowTable::Chain {
  uint32_t first = 0;
  uint32_t last = 0;
};

struct alignas(64) FlowTable::Owner {
  Owner(WheelChunkPool& pool, WheelPlaces& places) : wheel(pool, places) {}

  std::atomic<uint32_t> inbox{0};
  alignas(64) std::atomic<uint64_t> free_records{0};  // swap count above, id + 1 below

  alignas(64) uint32_t drained = 0;  // taken from the inbox, not looked at yet
  Chain unlinked;                    // no new reader finds them; no token yet
  Chain in_grace;                    // wait until passed(token)
  Quiescence::Token token;
  uint32_t shortened_seen = 0;  // of Timeouts::shortened()
  uint32_t refile_next = 0;     // records from here to refile_end are still filed under the longer timeouts
  uint32_t refile_end = 0;
  TimingWheel wheel;
};

// Records of flows that have ended, to be unlinked together so that their cache misses overlap.
struct FlowTable::Batch {
  static constexpr size_t kSize = 16;
  uint32_t ids[kSize];
  size_t count = 0;

  void add(FlowId id) { ids[count++] = static_cast<uint32_t>(id); }
};

}  // namespace lapse
