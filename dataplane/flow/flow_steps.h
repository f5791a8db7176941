// flow_steps.h - the points of the flow table's protocol between which other workers may act, marked for tests, and the
// mistakes that the tests have to find.
//
// Owner:    none.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none, unless a test builds the table with LAPSE_FLOW_STEPS and supplies step() and broken().
// Lifetime: none.
// Spec:     design, "The flow table"; README.md in this folder.
#pragma once

#include <cstdint>

namespace lapse {

enum class FlowStep : uint8_t {
  kRecordOpened,         // open(): the control word says kOpening
  kKeyLookedFor,         // put(): the first scan found nobody
  kWordPlaced,           // put(): the tentative word is in the index
  kRivalsLookedFor,      // put(): the second scan found nobody who goes first
  kWordConfirmed,        // put(): the key is ours
  kPublished,            // publish(): find() sees the flow
  kDied,                 // kill(): the control word says kDead, the owner does not know yet
  kMoved,                // transition(): the control word holds the new class, the owner does not know yet
  kEnlisted,             // the flag says that the id waits in the inbox, the inbox does not hold it yet
  kTurnTaken,            // reclaim: nobody else does this owner's work now
  kTakenFromInbox,       // the holder of the turn has the id, the flag still stands
  kTakenFromWheel,       // the holder of the turn has the id, and it is in no wheel
  kWordsRemoved,         // reclaim: no new reader finds the record
  kGraceStarted,         // reclaim: the token is taken
  kFreed,                // reclaim: the record may be reused
  kStampRead,            // stamp(): last_seen was read, not yet written
  kPairLookedFor,        // PortAllocator::take(): the pair has no word
  kPairPlaced,           // PortAllocator::take(): the pair has a tentative word
  kPairRivalsLookedFor,  // PortAllocator::take(): nobody goes before this word
  kPairFound,            // PortAllocator::take(): the count was read, not yet changed
  kCount,
};

// One mistake each, made when a test says so. Whoever finds one of them missing has not proven much.
enum class FlowMutant : uint8_t {
  kPublishRelaxed,    // publish() does not order what was written before it
  kNoSecondScan,      // put() does not look for rivals
  kNoGracePeriod,     // a record is free as soon as its words are out of the index
  kNoControlCheck,    // find() believes the index
  kStampRevives,      // stamp() writes the control word back
  kNoOwnerCheck,      // filing again after a shortened timeout takes every worker's flows
  kStampGoesBack,     // stamp() stores whatever its own burst says
  kNoPairSecondScan,  // PortAllocator::take() does not look for rivals
  kTurnRelaxed,       // the end of a turn does not order what was done in it
  kWordRelaxed,       // nor does a word of the index, between who fills a record and who meets it while it opens
  kDeathNotTold,      // kill() does not mark the death, so that its record looks like one to be filed again
};

#ifdef LAPSE_FLOW_STEPS
void step(FlowStep where);
bool broken(FlowMutant how);
#else
inline void step(FlowStep) {}
constexpr bool broken(FlowMutant) {
  return false;
}
#endif

}  // namespace lapse
