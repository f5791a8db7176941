// flow_steps.h - the points of the flow table's protocol between which other workers may act, marked for tests.
//
// Owner:    none.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none, unless a test builds the table with LAPSE_FLOW_STEPS and supplies step().
// Lifetime: none.
// Spec:     design, "The flow table".
#pragma once

#include <cstdint>

namespace lapse {

enum class FlowStep : uint8_t {
  kRecordOpened,     // open(): the control word says kOpening
  kKeyLookedFor,     // put(): the first scan found nobody
  kWordPlaced,       // put(): the tentative word is in the index
  kRivalsLookedFor,  // put(): the second scan found nobody who goes first
  kWordConfirmed,    // put(): the key is ours
  kPublished,        // publish(): find() sees the flow
  kDied,             // kill(): the control word says kDead, the owner does not know yet
  kMoved,            // transition(): the control word holds the new class, the owner does not know yet
  kEnlisted,         // the flag says that the id waits in the inbox, the inbox does not hold it yet
  kTakenFromInbox,   // the owner holds the id, the flag still stands
  kWordsRemoved,     // reclaim: no new reader finds the record
  kGraceStarted,     // reclaim: the token is taken
  kFreed,            // reclaim: the record may be reused
  kStampRead,        // stamp(): last_seen was read, not yet written
};

#ifdef LAPSE_FLOW_STEPS
void step(FlowStep where);
#else
inline void step(FlowStep) {}
#endif

}  // namespace lapse
