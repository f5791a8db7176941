#include "control/topology/paths.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kForwardingKey = "net.ipv4.ip_forward";

bool has_address(const Attachment& attachment, Ipv4Address address) {
  return std::count(attachment.addresses.begin(), attachment.addresses.end(), address) > 0;
}

bool owns(const Host& host, Ipv4Address address) {
  return std::any_of(host.interfaces.begin(), host.interfaces.end(),
                     [&](const auto& one) { return has_address(one.second, address); });
}

bool forwards(const Host& host) {
  const auto setting = host.sysctls.find(std::string(kForwardingKey));
  return setting != host.sysctls.end() && setting->second == "1";
}

bool has_next_hops(const Station& station) {
  const auto attachments = station.attachments();
  return std::any_of(attachments.begin(), attachments.end(),
                     [](const Attachment* attachment) { return attachment->gateway || !attachment->routes.empty(); });
}

struct Hop {
  const Attachment* by = nullptr;
  Ipv4Address next;
};

// A host's or box's own routing: the longest prefix wins, the subnets of its links among them.
std::optional<Hop> route(const Topology& topology, const Station& station, Ipv4Address destination) {
  std::optional<Hop> best;
  int best_length = -1;
  const auto offer = [&](int length, Hop hop) {
    if (length > best_length) {
      best = hop;
      best_length = length;
    }
  };
  for (const Attachment* attachment : station.attachments()) {
    const Ipv4Prefix subnet = topology.find_link(attachment->link)->subnet;
    if (subnet.contains(destination)) {
      offer(subnet.length, {attachment, destination});
    }
    for (const Route& one : attachment->routes) {
      if (one.to.contains(destination)) {
        offer(one.to.length, {attachment, one.via});
      }
    }
    if (attachment->gateway) {
      offer(0, {attachment, *attachment->gateway});
    }
  }
  return best;
}

// One way: a packet that goes from station to station until it arrives or ends.
class Walk {
 public:
  Walk(const Topology& topology, Ipv4Address destination) : topology_(topology) { way_.destination = destination; }

  // An answer: the boxes remember what they have made of the question's source.
  Walk(const Topology& topology, const Way& question)
      : topology_(topology), is_answer_(true), flows_(question.translations) {
    way_.destination = question.source;
  }

  Way from(const Host& host) {
    go({.host = &host});
    return std::move(way_);
  }

 private:
  bool end(Way::End how) {
    way_.end = how;
    return how == Way::End::kArrives;
  }

  bool go(const Station& station) {
    way_.stations.push_back(station);
    if (!visited_.insert({station, way_.destination}).second) {
      return end(Way::End::kLoop);
    }
    const std::optional<Hop> hop = route(topology_, station, way_.destination);
    if (!hop) {
      return !has_next_hops(station) && !is_answer_ ? go_with_gateway(station) : end(Way::End::kNoRoute);
    }
    if (station.box != nullptr) {
      if (hop->by != &station.box->nat_gateway.outside) {
        return end(Way::End::kTurnsBack);
      }
      way_.translations.push_back({station.box, way_.source});
      way_.source = hop->by->addresses.front();
    } else if (way_.stations.size() == 1) {
      way_.source = hop->by->addresses.front();
    }
    return go_over(*hop->by, hop->next);
  }

  bool go_over(const Attachment& by, Ipv4Address next) {
    for (const Host& host : topology_.hosts) {
      for (const auto& [name, attachment] : host.interfaces) {
        if (attachment.link == by.link && has_address(attachment, next)) {
          return enter(host);
        }
      }
    }
    for (const Box& box : topology_.boxes) {
      const NatGatewayBox& nat = box.nat_gateway;
      if (nat.inside.link == by.link && has_address(nat.inside, next)) {
        return go({.box = &box});
      }
      if (nat.outside.link == by.link && has_address(nat.outside, next)) {
        return enter_from_outside(box);
      }
    }
    const bool leaves = by.neighbours.contains(next) || topology_.find_port(by.link) != nullptr;
    return end(leaves ? Way::End::kLeaves : Way::End::kNobody);
  }

  bool enter(const Host& host) {
    if (owns(host, way_.destination)) {
      way_.stations.push_back({.host = &host});
      return end(Way::End::kArrives);
    }
    if (!forwards(host)) {
      way_.stations.push_back({.host = &host});
      return end(Way::End::kStays);
    }
    return go({.host = &host});
  }

  // A box lets in what belongs to a flow of its own, and translates it back.
  bool enter_from_outside(const Box& box) {
    way_.stations.push_back({.box = &box});
    const bool has_flow =
        !flows_.empty() && flows_.back().box == &box && box.nat_gateway.outside.addresses.front() == way_.destination;
    if (!has_flow) {
      return end(Way::End::kTranslates);
    }
    way_.destination = flows_.back().before;
    flows_ = flows_.first(flows_.size() - 1);
    const std::optional<Hop> hop = route(topology_, {.box = &box}, way_.destination);
    if (!hop) {
      return end(Way::End::kNoRoute);
    }
    return go_over(*hop->by, hop->next);
  }

  // Tries every box whose inside is on a link of the station as its gateway.
  bool go_with_gateway(const Station& station) {
    const Way so_far = way_;
    for (const Box& box : topology_.boxes) {
      const auto attachments = station.attachments();
      const auto beside = std::find_if(attachments.begin(), attachments.end(), [&](const Attachment* attachment) {
        return attachment->link == box.nat_gateway.inside.link;
      });
      if (beside == attachments.end() || &box == station.box) {
        continue;
      }
      if (station.host != nullptr) {
        way_.source = (*beside)->addresses.front();
      }
      if (go({.box = &box})) {
        way_.missing.push_back({station, &box});
        return true;
      }
      way_ = so_far;
    }
    return end(Way::End::kNoRoute);
  }

  const Topology& topology_;
  bool is_answer_ = false;
  std::span<const Way::Translation> flows_;  // of an answer: the last is met first
  std::set<std::pair<Station, Ipv4Address>> visited_;
  Way way_;
};

// To the first of a host's interfaces that can be reached; to the first one where none can.
Way way_to(const Topology& topology, const Host& from, const Host& to) {
  std::optional<Way> first;
  for (const auto& [name, attachment] : to.interfaces) {
    Way way = Walk(topology, attachment.addresses.front()).from(from);
    if (way.arrives() && way.missing.empty()) {
      return way;
    }
    if (!first || (way.arrives() && !first->arrives())) {
      first = std::move(way);
    }
  }
  return *std::move(first);
}

std::vector<std::string> names_of(const Way& way) {
  std::vector<std::string> names;
  for (const Station& station : way.stations) {
    names.push_back(station.name());
  }
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    text += concat(text.empty() ? "" : between, word);
  }
  return text;
}

// Who could have been opened to the other way round is kept from opening by the boxes in between.
std::string reason_of(const Conversation& one, const Conversation& other_way) {
  std::vector<std::string> names;
  for (const Box* box : other_way.forth.boxes()) {
    names.push_back(box->name);
  }
  if (!other_way.forth.arrives() || names.empty()) {
    return one.forth.reason();
  }
  return concat(joined(names, ", "), names.size() == 1 ? " translates" : " translate");
}

DrawnPath draw_one(const Conversation& one, const Conversation& other_way) {
  DrawnPath path{.from = one.from->name,
                 .to = one.to->name,
                 .opens = one.forth.arrives(),
                 .forth = names_of(one.forth),
                 .back = names_of(one.back)};
  if (!path.opens) {
    path.reason = reason_of(one, other_way);
    path.picture = concat(path.from, " cannot open to ", path.to, ": ", path.reason);
    return path;
  }
  path.seen_as = to_string(one.forth.source);
  path.reason = one.back.reason();
  path.picture = joined(path.forth, " > ");
  const std::vector<std::string> same(path.forth.rbegin(), path.forth.rend());
  if (!one.back.arrives()) {
    path.picture += concat(", but no way back: ", path.reason);
  } else if (path.back == same) {
    path.picture += ", and back";
  } else {
    path.picture += concat(", and back ", joined(path.back, " > "));
  }
  return path;
}

}  // namespace

std::vector<const Attachment*> Station::attachments() const {
  if (box != nullptr) {
    return {&box->nat_gateway.inside, &box->nat_gateway.outside};
  }
  std::vector<const Attachment*> all;
  for (const auto& [interface, attachment] : host->interfaces) {
    all.push_back(&attachment);
  }
  return all;
}

bool Way::crosses(const Box& box) const {
  return std::any_of(stations.begin(), stations.end(), [&](const Station& station) { return station.box == &box; });
}

std::vector<const Box*> Way::boxes() const {
  std::vector<const Box*> all;
  for (const Station& station : stations) {
    if (station.box != nullptr) {
      all.push_back(station.box);
    }
  }
  return all;
}

std::string Way::reason() const {
  const std::string& last = stations.back().name();
  const std::string target = to_string(destination);
  switch (end) {
    case End::kArrives:
      return "";
    case End::kNoRoute:
      return concat(last, " has no route to ", target);
    case End::kNobody:
      return concat("nobody stands where ", last, " sends what is for ", target);
    case End::kTranslates:
      return concat(last, " translates");
    case End::kTurnsBack:
      return concat(last, " has its route to ", target, " on the inside");
    case End::kStays:
      return concat(last, " does not forward (its sysctls have no ", kForwardingKey, ": 1)");
    case End::kLoop:
      return concat("what is for ", target, " comes to ", last, " again and again");
    case End::kLeaves:
      return concat("the file does not say who stands where ", last, " sends what is for ", target);
  }
  return "";
}

std::vector<Conversation> walk_pairs(const Topology& topology) {
  std::vector<Conversation> all;
  for (const Host& from : topology.hosts) {
    for (const Host& to : topology.hosts) {
      if (&from == &to) {
        continue;
      }
      Conversation one{.from = &from, .to = &to, .forth = way_to(topology, from, to), .back = {}};
      if (one.forth.arrives()) {
        one.back = Walk(topology, one.forth).from(to);
      }
      all.push_back(std::move(one));
    }
  }
  return all;
}

std::vector<DrawnPath> draw(const std::vector<Conversation>& conversations) {
  std::map<std::pair<const Host*, const Host*>, const Conversation*> by_pair;
  for (const Conversation& one : conversations) {
    by_pair[{one.from, one.to}] = &one;
  }
  std::vector<DrawnPath> all;
  for (const Conversation& one : conversations) {
    if (one.from < one.to) {
      const Conversation& other_way = *by_pair.at({one.to, one.from});
      all.push_back(draw_one(one, other_way));
      all.push_back(draw_one(other_way, one));
    }
  }
  return all;
}

}  // namespace lapse::topology
