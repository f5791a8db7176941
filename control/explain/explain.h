// explain.h - a conversation in plain words: which box, which timer, set where, who was told, and what would fix it.
//
// Owner:    none; pure functions of a run, whether it was simulated, recorded or is still going on.
// Memory:   ordinary.
// Time:     moments count from the conversation's first packet, as in its ladder.
// Bytes:    UTF-8; lines of at most 100 columns.
// Cost:     a few passes over the conversation.
// Lifetime: none.
// Spec:     design, "Control": `lapse explain CODE|FLOW|FILE`; section 6, the kernel's timer step.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "control/explain/run.h"

namespace lapse::explain {

// What looks like a remedy and is none.
enum class PlaceboKind : uint8_t {
  kDueTooLate,    // keepalive is on, and its first probe is due after the box has forgotten
  kSysctlsAlone,  // the sysctls are short enough, and SO_KEEPALIVE is not on
  kOtherLeg,      // keepalive is on, on a connection that does not cross the box
  kTimerStep,     // closer to the timeout than the kernel's timer is exact
  kNotAnswered,   // probes were sent, and nobody answered
};
std::string_view name(PlaceboKind kind);
struct Placebo {
  PlaceboKind kind = PlaceboKind::kDueTooLate;
  std::string who;
  std::string text;
};

struct Fix {
  std::string text;
  std::vector<std::string> settings;  // with which a story may be played again; empty: it is no setting
  bool keeps_flow = true;             // no box forgets any more; false: the program lives with it
  std::optional<bool> worked;         // played again
};

struct Paragraph {
  std::string label;
  std::string text;
};

struct Explanation {
  uint64_t conversation = 0;
  std::string name;        // in its story; may be empty
  std::string connection;  // "tcp app:40000 > api:8080"
  bool lost = false;       // a box forgot it, or an end lost it in another way
  std::vector<Paragraph> paragraphs;
  std::vector<Placebo> placebos;
  std::vector<Fix> fixes;
  nlohmann::json facts = nlohmann::json::object();  // what the paragraphs say, for programs
};

Explanation explain(const Run& run, const story::Conversation& conversation);
// Of every conversation: first those that lost something.
std::vector<Explanation> explain(const Run& run);

std::string text(const Explanation& explanation);
nlohmann::json to_json(const Explanation& explanation);

}  // namespace lapse::explain
