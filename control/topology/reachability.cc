#include "control/topology/reachability.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

// A host, or a NAT gateway as it looks from the side that a packet entered.
struct Station {
  const Host* host = nullptr;
  const Box* box = nullptr;

  // The comparison that the compiler writes confuses the linter.
  friend auto operator<=>(const Station&, const Station&) = default;  // NOLINT(modernize-use-nullptr)

  std::string_view name() const { return host != nullptr ? host->name : box->name; }

  std::vector<const Attachment*> attachments() const {
    if (box != nullptr) {
      return {&box->nat_gateway.inside, &box->nat_gateway.outside};
    }
    std::vector<const Attachment*> all;
    for (const auto& [name, attachment] : host->interfaces) {
      all.push_back(&attachment);
    }
    return all;
  }

  // Where a gateway would have to stand: a NAT gateway sends new flows out of its outside only.
  const Attachment& exit() const {
    return box != nullptr ? box->nat_gateway.outside : host->interfaces.begin()->second;
  }
};

bool has_address(const Attachment& attachment, Ipv4Address address) {
  return std::count(attachment.addresses.begin(), attachment.addresses.end(), address) > 0;
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

// One search for a way: from a station to an address, over stations that forward.
class Search {
 public:
  Search(const Topology& topology, Ipv4Address destination) : topology_(topology), destination_(destination) {}

  // Stations on the way that would need a gateway, with what it should be.
  struct Missing {
    Station station;
    const Box* through = nullptr;
  };
  const std::vector<Missing>& missing() const { return missing_; }

  // The address that the destination sees, when a NAT gateway stands on the way.
  std::optional<Ipv4Address> translated_source() const { return source_; }

  bool reaches(const Station& from) {
    if (!visited_.insert(from).second) {
      return false;
    }
    const std::optional<Hop> hop = route(topology_, from, destination_);
    if (!hop) {
      return has_next_hops(from) ? false : reaches_with_gateway(from);
    }
    if (from.box != nullptr) {
      if (hop->by != &from.box->nat_gateway.outside) {
        return false;
      }
      source_ = from.box->nat_gateway.outside.addresses.front();
    }
    return reaches_over(hop->by->link, hop->next);
  }

 private:
  bool reaches_over(const std::string& link, Ipv4Address next) {
    for (const Host& host : topology_.hosts) {
      for (const auto& [name, attachment] : host.interfaces) {
        if (attachment.link == link && has_address(attachment, next)) {
          return owns_destination(host) || reaches({.host = &host});
        }
      }
    }
    for (const Box& box : topology_.boxes) {
      const NatGatewayBox& nat = box.nat_gateway;
      if (nat.outside.link == link && has_address(nat.outside, next)) {
        return next == destination_;
      }
      if (nat.inside.link == link && has_address(nat.inside, next)) {
        return reaches({.box = &box});
      }
    }
    return false;
  }

  bool owns_destination(const Host& host) const {
    return std::any_of(host.interfaces.begin(), host.interfaces.end(),
                       [&](const auto& one) { return has_address(one.second, destination_); });
  }

  // Tries every box whose inside is on a link of 'from' as its gateway.
  bool reaches_with_gateway(const Station& from) {
    for (const Box& box : topology_.boxes) {
      const auto attachments = from.attachments();
      const bool beside = std::any_of(attachments.begin(), attachments.end(), [&](const Attachment* attachment) {
        return attachment->link == box.nat_gateway.inside.link;
      });
      if (beside && &box != from.box && reaches({.box = &box})) {
        missing_.push_back({from, &box});
        return true;
      }
    }
    return false;
  }

  const Topology& topology_;
  Ipv4Address destination_;
  std::set<Station> visited_;
  std::vector<Missing> missing_;
  std::optional<Ipv4Address> source_;
};

class Checker {
 public:
  Checker(const Topology& topology, Report& report) : topology_(topology), report_(report) {}

  void run() {
    for (const Host& from : topology_.hosts) {
      for (const Host& to : topology_.hosts) {
        if (&from != &to) {
          check_pair(from, to);
        }
      }
    }
  }

 private:
  void check_pair(const Host& from, const Host& to) {
    const Ipv4Address address = to.interfaces.begin()->second.addresses.front();
    Search search(topology_, address);
    const bool reached = search.reaches({.host = &from});
    for (const Search::Missing& missing : search.missing()) {
      report_missing(missing, to);
    }
    if (from.name != topology_.start_at || !search.missing().empty()) {
      return;
    }
    if (!reached) {
      report_.warning(from.place, concat("hosts.", from.name),
                      concat("no way to ", to.name, " (", to_string(address), ") for a new connection"));
      return;
    }
    check_answer(from, to, search.translated_source());
  }

  void check_answer(const Host& from, const Host& to, std::optional<Ipv4Address> translated) {
    const Ipv4Address source = translated.value_or(from.interfaces.begin()->second.addresses.front());
    Search answer(topology_, source);
    if (!answer.reaches({.host = &to}) || !answer.missing().empty()) {
      report_.warning(to.place, concat("hosts.", to.name),
                      concat("no way to answer ", from.name, ", whom it sees as ", to_string(source)));
    }
  }

  void report_missing(const Search::Missing& missing, const Host& to) {
    if (!reported_.insert(missing.station).second) {
      return;
    }
    const NatGatewayBox& nat = missing.through->nat_gateway;
    const Attachment* exit = &missing.station.exit();
    std::string path = missing.station.box != nullptr ? concat("boxes.", missing.station.name(), ".outside")
                                                      : concat("hosts.", missing.station.name());
    if (missing.station.host != nullptr && missing.station.host->interfaces.size() > 1) {
      for (const auto& [name, attachment] : missing.station.host->interfaces) {
        if (attachment.link == nat.inside.link) {
          exit = &attachment;
          path = concat("hosts.", missing.station.name(), ".interfaces.", name);
          break;
        }
      }
    }
    report_.error(exit->place, path,
                  concat("gateway is missing: ", missing.station.name(), " reaches ", to.name, " only through ",
                         missing.through->name, "; accepted is gateway: ", to_string(nat.inside.addresses.front())));
  }

  const Topology& topology_;
  Report& report_;
  std::set<Station> reported_;
};

}  // namespace

void check_reachability(const Topology& topology, Report& report) {
  Checker(topology, report).run();
}

}  // namespace lapse::topology
