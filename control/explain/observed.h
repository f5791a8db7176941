// observed.h - what a conversation's packets tell about silence and keepalive.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     virtual.
// Bytes:    none.
// Cost:     a pass over the entries.
// Lifetime: none.
// Spec:     RFC 1122, 4.2.3.6.
#pragma once

#include <optional>
#include <vector>

#include "control/story/conversation.h"

namespace lapse::explain {

// Between two packets that a box saw, one after the other.
struct Silence {
  Instant begin;
  Instant end;
  story::Role broken_by = story::Role::kOrdinary;
  story::End speaker = story::End::kOpener;

  Duration length() const { return end - begin; }
};
// What lies inside of a sum of packets is not known and left out.
std::optional<Silence> longest_silence(const story::Conversation& conversation, BoxId box);

// The newest packet that the box saw until then, as it came in.
const story::Entry* last_packet(const story::Conversation& conversation, BoxId box, Instant until);

struct Probes {
  uint64_t sent = 0;           // those in sums, too
  std::vector<Instant> times;  // of those that are not in sums
  // Since the end last heard anything: probes out, and what a link lost of them and of their answers.
  uint64_t unanswered = 0;
  uint64_t lost = 0;
  uint64_t answers_lost = 0;
  LinkId lost_on = kNoLink;
  uint64_t undelivered = 0;  // of the unanswered: nobody took them off the link
  uint64_t late = 0;         // of the unanswered: met a box that had forgotten
};
Probes probes_of(const story::Conversation& conversation, story::End end);

}  // namespace lapse::explain
