// loader.h - from the document to a draft of the topology: every object on its own, nothing between them checked yet.
//
// Owner:    one load of one file.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: a Draft owns what it holds.
// Spec:     design, "The topology file".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/topology/document.h"
#include "control/topology/reader.h"
#include "control/topology/report.h"
#include "control/topology/topology.h"

namespace lapse::topology {

// An attachment as the file has it, with the place of each of its parts.
struct DraftAttachment {
  Attachment attachment;
  std::string owner;  // "app", "natgw": the host or box
  std::string part;   // "inside", or an interface's name; empty for a host with one attachment
  std::string path;   // "boxes.natgw.inside"
  Place link_place;
  std::string_view address_key;       // "address" or "addresses"
  std::vector<Place> address_places;  // as attachment.addresses
  Place gateway_place;
  std::vector<Place> via_places;  // as attachment.routes
  std::map<Ipv4Address, Place> neighbour_places;
  bool whole = true;  // its addresses could all be read

  // "natgw.inside", "app".
  std::string label() const { return part.empty() ? owner : owner + "." + part; }
};

struct Named {
  std::string name;
  std::string what;  // "host", "box", "link"
  Place place;
};

// Where a port says its link and its device.
struct PortPlaces {
  Place link;
  Place device;
};

struct Draft {
  Topology topology;
  std::vector<DraftAttachment> attachments;  // of hosts and boxes, also of boxes of a kind that cannot be built
  std::vector<Named> names;                  // of links, boxes and hosts, in the order of the file
  std::map<std::string, std::vector<Place>> alias_places;  // a host -> the places of its `names`
  std::vector<Place> subnet_places;                        // as topology.links
  std::vector<PortPlaces> port_places;                     // as topology.ports
  Place start_at_place;
  bool complete = true;  // false: a box of unknown kind, or an attachment without a link: who is where is not known
};

Draft load_draft(const Node& root, const std::string& file_name, Report& report);

// ---- one for each object ----

// Reads link, addresses, gateway, routes and neighbours through 'reader' and adds them to the draft; nothing when
// link or address is missing, which is reported.
std::optional<Attachment> load_attachment(ObjectReader& reader, std::string owner, std::string part, Draft& draft);

void load_links(ObjectReader& file, Draft& draft);
void load_boxes(ObjectReader& file, Draft& draft);
void load_hosts(ObjectReader& file, Draft& draft);
void load_ports(ObjectReader& file, Draft& draft);

// Nothing when an attachment could not be read.
std::optional<NatGatewayBox> load_nat_gateway(const Entry& entry, std::string path, Draft& draft, Report& report);

}  // namespace lapse::topology
