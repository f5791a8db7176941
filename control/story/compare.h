// compare.h - whether two recordings of one story are the same picture: the same rows, at about the same times.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     counted from each conversation's first packet.
// Bytes:    none.
// Cost:     a pass over the rows.
// Lifetime: none.
// Spec:     issue C, "Simulator against kernel": up to stated tolerances and sequence numbers.
//
// Compared are who speaks to whom through which boxes, flags, lengths, what a box does with it, and every event of a box.
// Not compared are sequence numbers and ports, nor how an acknowledgement travels beside a packet of the same sender: alone
// before the packet that could have carried it, for a program that the machine lets answer late has its kernel acknowledge
// first; or right after its packet instead of right before, for a kernel may put the two into different queues of a tap,
// and does so when a flow's answer came by another queue than its beginning. Both within the tolerance of time.
#pragma once

#include <string>
#include <vector>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::story {

// A row is at about the same time when it is so since the beginning, or since the row before it: what came late
// does not make all that follows late once more.
struct Tolerance {
  Duration at_least{};  // by which a row may be early or late
  double share = 0;     // and by which part of the time since the row before it
};

// A row on a line, without its time: "opener > natgw > responder SYN 0".
std::vector<std::string> plain_rows(const Conversation& conversation, const topology::Directory& directory);

// The first difference in words; 'other' may be the late one. With 'names' for who recorded what; empty when there is none.
std::string first_difference(const Conversation& one, const Conversation& other, const topology::Directory& directory,
                             const Tolerance& tolerance, std::array<std::string_view, 2> names);

}  // namespace lapse::story
