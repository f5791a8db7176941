// phrases.h - what happened and who believes what, in words.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     moments are given from the conversation's first packet on.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>
#include <vector>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::story {

// What stands on a packet's arrow: "SYN,ACK", "PSH 120 B", "keepalive", "RST by natgw".
std::string packet_label(const Entry& entry, const Conversation& conversation, const topology::Directory& directory);

// Why a packet ended in a box, from long to short: "no flow: dropped in silence (LATE-DROP)"; and as a sentence.
std::vector<std::string> reasons(const Entry& entry);
std::string long_reason(const Entry& entry);

// "forgets the flow after 350 s of silence; nobody was told".
std::string box_event_text(const Entry& entry);

// "1,234 packets, 1.0 GiB from app".
std::string fold_text(const Entry& sum, bool dropped, const Conversation& conversation,
                      const topology::Directory& directory);

struct Believer {
  std::string name;
  std::string text;  // "ESTABLISHED (was never told)"
  bool believes = false;
};
// The ends and the boxes between them, from left to right.
std::vector<Believer> believers(const Conversation& conversation, const topology::Directory& directory);

// The responder is a box itself: its address is one of a box, and nothing came from there.
bool ends_at_box(const Conversation& conversation, const topology::Directory& directory);

}  // namespace lapse::story
