// ladder.h - one conversation as a picture: ends and boxes side by side, virtual time downwards.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     virtual, counted from the conversation's first packet.
// Bytes:    UTF-8.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     design, "Control": the ladder; aws-behaviour 2.1, 2.5.
//
// A row is a packet's whole way: one arrow for each link that it crossed at that moment. A lifeline is solid while its
// owner has the connection (an end) or the flow (a box), and dotted while it has not.
#pragma once

#include <string>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::story {

inline constexpr size_t kLeastColumns = 60;
inline constexpr size_t kMostColumns = 400;

struct LadderOptions {
  size_t columns = 100;  // no line is wider; between kLeastColumns and kMostColumns
  bool colour = false;
};

// Ends with a newline.
std::string render_ladder(const Conversation& conversation, const topology::Directory& directory,
                          const LadderOptions& options = {});

}  // namespace lapse::story
