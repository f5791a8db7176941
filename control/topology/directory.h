// directory.h - the names behind the data plane's ids, for everything that speaks to people.
//
// Owner:    built with the network from a topology; immutable afterwards.
// Memory:   ordinary.
// Time:     none.
// Bytes:    addresses in wire order.
// Cost:     none.
// Lifetime: as the instance or simulation.
// Spec:     none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/ids.h"
#include "dataplane/wire/address.h"

namespace lapse::topology {

struct Topology;

struct Directory {
  struct Box {
    std::string name;
    std::string kind;                     // "nat-gateway"
    std::vector<std::string> side_names;  // by Side: "inside", "outside"
  };
  struct Interface {
    BoxId box = kNoBox;
    Side side{};
    LinkId link = kNoLink;
  };
  struct Link {
    std::string name;
    Ipv4Prefix subnet;
  };

  std::vector<Box> boxes;                            // by BoxId
  std::vector<Interface> interfaces;                 // by InterfaceId
  std::vector<Link> links;                           // by LinkId
  std::map<Ipv4Address, std::string> hosts;          // a host's address -> its name
  std::map<Ipv4Address, std::string> box_addresses;  // "natgw.outside"

  // "app", "natgw.outside", or the address itself.
  std::string name_of(Ipv4Address address) const;
};

// Numbers links, boxes and interfaces in the order of the file, box by box and side by side: as build_network() does.
Directory make_directory(const Topology& topology);

}  // namespace lapse::topology
