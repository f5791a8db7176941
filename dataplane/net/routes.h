// routes.h - the routes of one attachment: its own subnet, what the topology says, and the gateway.
//
// Owner:    an interface; immutable.
// Memory:   ordinary; a handful of entries.
// Time:     none.
// Bytes:    wire order.
// Cost:     a linear look over the entries, longest prefix first.
// Lifetime: as its interface.
// Spec:     RFC 1812 section 5.2.4.3.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/wire/address.h"

namespace lapse {

class Routes {
 public:
  // Without 'via' the prefix is on the link itself.
  void add(const Ipv4Prefix& to, std::optional<Ipv4Address> via) {
    const auto longer = [&](const Entry& entry) { return entry.to.length < to.length; };
    entries_.insert(std::find_if(entries_.begin(), entries_.end(), longer), Entry{to, via});
  }

  // The address to resolve on the link for a packet to 'destination'.
  std::optional<Ipv4Address> next_hop(Ipv4Address destination) const {
    for (const Entry& entry : entries_) {
      if (entry.to.contains(destination)) {
        return entry.via.value_or(destination);
      }
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    Ipv4Prefix to;
    std::optional<Ipv4Address> via;
  };
  std::vector<Entry> entries_;  // longest prefix first
};

}  // namespace lapse
