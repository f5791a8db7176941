// rows.h - a conversation as the lines of a picture: a packet's whole way in one, runs and silences folded.
//
// Owner:    the caller; rows copy what they show.
// Memory:   ordinary.
// Time:     rows are in the order of virtual time.
// Bytes:    none.
// Cost:     a sort of the entries.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <vector>

#include "control/story/conversation.h"

namespace lapse::story {

enum class RowKind : uint8_t { kPacket, kBoxEvent, kFold, kSilence };

// Rows of one class that follow each other may be folded.
enum class RowClass : uint8_t { kSpecial, kPlain, kKeepalive, kDropped };

struct Row {
  RowKind kind = RowKind::kPacket;
  RowClass row_class = RowClass::kSpecial;
  Instant time;
  Instant last;
  std::vector<Entry> crossings;  // kPacket: link by link
  Entry entry;                   // kBoxEvent, kFold
  std::vector<Entry> silent;     // events that change what somebody believes and have no line of their own
};

std::vector<Row> rows_of(const Conversation& conversation);

}  // namespace lapse::story
