// codes.h - every event and every reason of a drop in plain words: what it means, what the ends see, what helps.
//
// Owner:    none; constants.
// Memory:   none.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none that matters.
// Lifetime: static.
// Spec:     design, "Control": every event, drop and error has a stable code.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/drop_reason.h"
#include "dataplane/event.h"

namespace lapse::explain {

struct CodeText {
  std::string_view meaning;  // what the code stands for
  std::string_view seen;     // what the programs at both ends notice, or who is told
  std::string_view remedy;   // what to look at, or to change
};

CodeText of(DropReason reason);
CodeText of(EventKind kind);

struct Entry {
  std::string_view code;
  std::string_view kind;  // "drop" or "event"
  CodeText explanation;
};

// By code, in any case ("late-drop"); an event also by its name in the stream ("flow_expired").
std::optional<Entry> find(std::string_view code);
std::vector<Entry> all();
// That begin with 'prefix' in capitals: "LATE".
std::vector<Entry> with_prefix(std::string_view prefix);

// As `lapse explain` prints it: lines of at most 100 columns.
std::string text(const Entry& entry);

}  // namespace lapse::explain
