#include "control/topology/reachability.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

// Where a station's next hop would have to be said: a NAT gateway sends new flows out of its outside only.
struct Seat {
  std::string path;
  Place place;
};

Seat seat_of(const Station& station, std::string_view link) {
  if (station.box != nullptr) {
    return {concat("boxes.", station.name(), ".outside"), station.box->nat_gateway.outside.place};
  }
  const auto& interfaces = station.host->interfaces;
  Seat seat{concat("hosts.", station.name()), interfaces.begin()->second.place};
  for (const auto& [name, attachment] : interfaces) {
    if (interfaces.size() > 1 && attachment.link == link) {
      return {concat(seat.path, ".interfaces.", name), attachment.place};
    }
  }
  return seat;
}

// The address of the one on a link that both are attached to.
const Attachment* beside(const Station& station, const Station& other) {
  for (const Attachment* its : other.attachments()) {
    for (const Attachment* own : station.attachments()) {
      if (its->link == own->link) {
        return its;
      }
    }
  }
  return nullptr;
}

// Where the answers leave the way that the question came: a station, and who stood there before.
struct Parting {
  Station station;
  Station expected;
};

std::optional<Parting> parting_of(const Conversation& one) {
  const std::vector<Station>& back = one.back.stations;
  const std::vector<Station> expected(one.forth.stations.rbegin(), one.forth.stations.rend());
  for (size_t at = 1; at < expected.size(); ++at) {
    if (at >= back.size() || back[at] != expected[at]) {
      return Parting{back[at - 1], expected[at]};
    }
  }
  return std::nullopt;
}

class Checker {
 public:
  Checker(const Topology& topology, const std::vector<Conversation>& conversations, Report& report)
      : topology_(topology), conversations_(conversations), report_(report) {}

  void run() {
    for (const Conversation& one : conversations_) {
      for (const Way::Missing& missing : one.forth.missing) {
        report_missing(missing, *one.to);
      }
      if (one.forth.missing.empty() && !report_one_direction(one) && one.from->name == topology_.start_at) {
        warn(one);
      }
    }
    if (!report_.has_errors()) {
      report_separate();
    }
  }

 private:
  void report_missing(const Way::Missing& missing, const Host& to) {
    if (!lacking_.insert(missing.station).second) {
      return;
    }
    const NatGatewayBox& nat = missing.through->nat_gateway;
    const Seat seat = seat_of(missing.station, nat.inside.link);
    report_.error(seat.place, seat.path,
                  concat("gateway is missing: ", missing.station.name(), " reaches ", to.name, " only through ",
                         missing.through->name, "; accepted is gateway: ", to_string(nat.inside.addresses.front())));
  }

  // Boxes that see the question and not the answer, or the answer alone, and do not say that they may.
  static std::vector<const Box*> half_blind(const Conversation& one) {
    std::vector<const Box*> boxes;
    const auto collect = [&boxes](const Way& way, const Way& other) {
      for (const Box* box : way.boxes()) {
        if (!other.crosses(*box) && !box->nat_gateway.allows_asymmetry) {
          boxes.push_back(box);
        }
      }
    };
    collect(one.forth, one.back);
    collect(one.back, one.forth);
    return boxes;
  }

  // Returns whether the conversation is one of those.
  bool report_one_direction(const Conversation& one) {
    if (!one.forth.arrives() || one.back.end == Way::End::kLeaves) {
      return false;
    }
    const std::vector<const Box*> boxes = half_blind(one);
    const std::optional<Parting> parting = parting_of(one);
    if (boxes.empty() || !parting) {
      return false;
    }
    const Attachment* next = beside(parting->station, parting->expected);
    if (next == nullptr || !parted_.insert({parting->station, parting->expected}).second) {
      return true;
    }
    std::string names;
    for (const Box* box : boxes) {
      names += concat(names.empty() ? "" : ", ", box->name);
    }
    const Seat seat = seat_of(parting->station, next->link);
    report_.error(seat.place, seat.path,
                  concat(names, boxes.size() == 1 ? " sees" : " see", " only one direction of what ", one.from->name,
                         " and ", one.to->name, " say: ", parting->station.name(), " does not send back through ",
                         parting->expected.name(), "; accepted is gateway: ", to_string(next->addresses.front()),
                         " on ", parting->station.name(), ", or asymmetric: allow on ", names));
    return true;
  }

  void warn(const Conversation& one) {
    if (!one.forth.arrives()) {
      const Ipv4Address address = one.to->interfaces.begin()->second.addresses.front();
      report_.warning(one.from->place, concat("hosts.", one.from->name),
                      concat("no way to ", one.to->name, " (", to_string(address), ") for a new connection"));
    } else if (!one.back.arrives()) {
      report_.warning(one.to->place, concat("hosts.", one.to->name),
                      concat("no way to answer ", one.from->name, ", whom it sees as ", to_string(one.forth.source)));
    }
  }

  // ---- hosts that have nothing to do with each other ----

  std::string group_of(std::string name) const {
    for (auto next = groups_.find(name); next != groups_.end(); next = groups_.find(name)) {
      name = next->second;
    }
    return name;
  }

  void join(const std::string& one, const std::string& other) {
    const std::string first = group_of(one);
    const std::string second = group_of(other);
    if (first != second) {
      groups_[second] = first;
    }
  }

  // Hosts belong together that stand on one link, or get to one through boxes: some other host may speak to both.
  void report_separate() {
    for (const Host& host : topology_.hosts) {
      for (const auto& [name, attachment] : host.interfaces) {
        join(host.name, attachment.link);
      }
    }
    for (const Conversation& one : conversations_) {
      if (one.forth.end == Way::End::kLeaves ||
          (one.forth.arrives() && (one.back.arrives() || one.back.end == Way::End::kLeaves))) {
        join(one.from->name, one.to->name);
      }
      for (const Way::Translation& translation : one.forth.translations) {
        join(one.from->name, translation.box->nat_gateway.outside.link);
      }
    }
    std::set<std::string> reported;
    for (const Conversation& one : conversations_) {
      const std::string group = group_of(one.to->name);
      if (one.from == &topology_.hosts.front() && group != group_of(one.from->name) && reported.insert(group).second) {
        report_.error(one.to->place, concat("hosts.", one.to->name),
                      concat("no route exists between ", one.to->name, " and ", one.from->name,
                             ", nor by way of other hosts: ", one.forth.reason(), "; accepted is a link, a gateway or ",
                             "a route between them"));
      }
    }
  }

  const Topology& topology_;
  const std::vector<Conversation>& conversations_;
  Report& report_;
  std::set<Station> lacking_;
  std::set<std::pair<Station, Station>> parted_;
  std::map<std::string, std::string> groups_;  // a host or link, and another one of its group; names are unique
};

}  // namespace

void check_reachability(const Topology& topology, const std::vector<Conversation>& conversations, Report& report) {
  Checker(topology, conversations, report).run();
}

}  // namespace lapse::topology
