// paths.h - the walk from every host to every other one, and back: what a conversation crosses, where it ends.
//
// Owner:    one load of one file.
// Memory:   ordinary; a way for each pair of hosts and direction.
// Time:     none.
// Bytes:    addresses in wire order.
// Cost:     hosts squared times stations on a way.
// Lifetime: results point into the topology.
// Spec:     design, `lapse check --paths`; aws-behaviour 2.1 L8, 3.1: nobody opens a NAT gateway from outside.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "control/topology/topology.h"

namespace lapse::topology {

// A host, or a NAT gateway as it looks from the side that a packet entered.
struct Station {
  const Host* host = nullptr;
  const Box* box = nullptr;

  // The comparison that the compiler writes confuses the linter.
  friend auto operator<=>(const Station&, const Station&) = default;  // NOLINT(modernize-use-nullptr)

  const std::string& name() const { return host != nullptr ? host->name : box->name; }
  std::vector<const Attachment*> attachments() const;
};

// Where packets of one direction come along.
struct Way {
  enum class End {
    kArrives,
    kNoRoute,     // the last station knows no next hop
    kNobody,      // its next hop is nobody's address
    kTranslates,  // the last station is a box that was spoken to from outside, and has no flow for it
    kTurnsBack,   // the last station is a box whose route leads back inside
    kStays,       // the last station is a host that does not forward
    kLoop,
    kLeaves,  // it goes where the file does not say who stands there
  };

  // What a box on the way has made of the source address.
  struct Translation {
    const Box* box = nullptr;
    Ipv4Address before;
  };

  // A station that has neither gateway nor route, and goes on through this box if it gets one.
  struct Missing {
    Station station;
    const Box* through = nullptr;
  };

  std::vector<Station> stations;  // the sender first
  End end = End::kNoRoute;
  Ipv4Address destination;  // where the last station wanted to go
  Ipv4Address source;       // as the last station sees it
  std::vector<Translation> translations;
  std::vector<Missing> missing;

  bool arrives() const { return end == End::kArrives; }
  bool crosses(const Box& box) const;
  std::vector<const Box*> boxes() const;
  // "api has no route to 10.0.1.10"; empty when it arrives.
  std::string reason() const;
};

// One host opens to another one, which answers.
struct Conversation {
  const Host* from = nullptr;
  const Host* to = nullptr;
  Way forth;
  Way back;  // only where 'forth' arrives
};

// Every host to every other one; first from the first host to all, in the order of the file.
std::vector<Conversation> walk_pairs(const Topology& topology);

// ---- as a person and a program see it ----

struct DrawnPath {
  std::string from;
  std::string to;
  bool opens = false;
  std::vector<std::string> forth;  // "app", "natgw", "api"; where it does not open, as far as it comes
  std::vector<std::string> back;
  std::string seen_as;  // the source address at its end
  std::string reason;   // why it does not open, or why no answer comes
  std::string picture;  // "app > natgw > api, and back"
};

// A pair's two directions one after the other.
std::vector<DrawnPath> draw(const std::vector<Conversation>& conversations);

}  // namespace lapse::topology
