// describe.h - the paragraphs of an explanation, one function each; an empty text where there is nothing to say.
//
// Owner:    explain().
// Memory:   ordinary.
// Time:     moments count from the conversation's first packet.
// Bytes:    UTF-8.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     explain.h.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "control/explain/case.h"

namespace lapse::explain {

bool lost_something(const Case& found);
// The programs' facts are of the newest of several connections.
bool tells_of_this_one(const Case& found);
// A NAT gateway's flows begin inside: its first side is the opener's.
Side side_of(story::End end);
const LateFacts* late_facts(const BoxFacts& box, Side side);  // null: it has no such side
// It waits for an answer that should have come.
bool is_overdue(const ConnectionFacts& connection, story::End end, Instant now);

std::string what_happened(const Case& found);  // which box, when, who was told
std::string timer(const Case& found);          // which one, set where
std::string late_packets(const Case& found);   // who spoke after it, and what the box does about that
std::string programs(const Case& found);       // what each end experiences
std::string no_keepalive(const Case& found);
std::string kept(const Case& found);           // why nothing was lost
std::string narrow_margin(const Case& found);  // what would be lost on another kernel

// What boxes hold of it at the end of the run, and what comes next.
std::vector<const HeldFlow*> held_flows(const Case& found);
std::string held_text(const Case& found, const HeldFlow& flow);

nlohmann::json facts_json(const Case& found);

}  // namespace lapse::explain
