// topology.h - a topology as loaded: what a person wrote, checked, with defaults filled in.
//
// Owner:    the caller; a plain value.
// Memory:   ordinary.
// Time:     durations are virtual.
// Bytes:    addresses in wire order.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "The topology file".
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "dataplane/box/nat_gateway.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/net/impairments.h"
#include "dataplane/wire/address.h"

namespace lapse::topology {

// Where in which file a thing was said; line and column count from 1, 0 means nowhere (a default).
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Route {
  Ipv4Prefix to;
  Ipv4Address via;
};

// One attachment of a host or of one side of a box to a link.
struct Attachment {
  std::string link;
  std::vector<Ipv4Address> addresses;  // ranges expanded; the first is primary; never empty
  std::optional<Ipv4Address> gateway;
  std::vector<Route> routes;
  std::map<Ipv4Address, MacAddress> neighbours;
  Place place;
};

struct Link {
  std::string name;
  Ipv4Prefix subnet;
  Impairments impairments;
  Place place;
};

struct NatGatewayBox {
  Attachment inside;
  Attachment outside;
  std::array<Duration, kTimeoutClassCount> timeouts{};
  LatePacket late_inside = LatePacket::kRst;
  LatePacket late_outside = LatePacket::kDrop;
  uint32_t capacity = 65536;
  uint16_t mtu = 8500;  // the largest packet that it sends; a link may allow less
  bool mss_clamping = true;
  RateCeiling::Options ceiling{};                  // 0: none
  Duration max_drain = std::chrono::seconds(350);  // of an address that is disassociated
  bool allows_asymmetry = false;                   // may see only one direction of a conversation
  // Where each was said; nowhere: it is the default.
  std::array<Place, kTimeoutClassCount> timeout_places{};
  Place late_inside_place;
  Place late_outside_place;
};

struct Box {
  std::string name;
  NatGatewayBox nat_gateway;  // the only kind so far; a variant when the second one comes
  Place place;
};

struct Ready {
  std::optional<uint16_t> tcp;  // ready when the host accepts on this port; without it: as soon as `run` is started
};

struct Host {
  std::string name;
  std::map<std::string, Attachment> interfaces;  // name in the file, or "eth0" where the host has a single attachment
  std::vector<std::string> names;
  std::map<std::string, std::string> sysctls;
  std::map<std::string, Place> sysctl_places;
  std::string run;  // empty: nothing
  Ready ready;
  Place place;
};

// The device that carries a link in `run`.
struct Port {
  enum class Kind { kPci, kVirtual };

  std::string link;
  Kind kind = Kind::kVirtual;
  std::string device;  // as EAL takes it: "0000:3b:00.0", "net_af_packet0,iface=eth1"
  std::optional<uint16_t> queues;
  std::optional<uint16_t> receive_descriptors;
  std::optional<uint16_t> mtu;
  Place place;

  // "net_af_packet0": what EAL calls it.
  std::string device_name() const { return device.substr(0, device.find(',')); }
  // The value of one of a virtual device's arguments, as "iface"; empty without it.
  std::string argument(std::string_view key) const;
};

struct Topology {
  std::string name;
  std::string file;         // as given; services start in its folder
  std::string start_at;     // a host, or empty
  std::vector<Link> links;  // in the order of the file
  std::vector<Box> boxes;
  std::vector<Host> hosts;
  std::vector<Port> ports;  // at most one a link

  const Link* find_link(std::string_view link) const;
  const Box* find_box(std::string_view box) const;
  const Host* find_host(std::string_view host) const;
  const Port* find_port(std::string_view link) const;
};

struct Finding {
  Place place;          // line 0: the file as a whole, or a --set
  std::string key;      // "boxes.natgw.timeouts.udp"; empty for the file itself
  std::string message;  // what is wrong (VALUE); what is accepted
};

// All errors of a file, in the order of the lines: "FILE:LINE:COLUMN: KEY: what is wrong (VALUE); what is accepted".
struct Findings {
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  std::vector<Finding> error_details;  // the same in parts, for programs
  std::vector<Finding> warning_details;
};

// Reads and checks a file; every error is in 'findings', and a topology is returned only when there is none.
std::optional<Topology> load(const std::string& path, Findings& findings);
std::optional<Topology> load_text(const std::string& text, const std::string& file_name, Findings& findings);

// A file's path as it is, or the path of the shipped topology of that name. 'name' may end in .yaml.
absl::StatusOr<std::string> locate(const std::string& name);

// Where shipped topologies are: the user's own folders first, then the source tree, then where it is installed.
std::vector<std::filesystem::path> shipped_folders();

// `--set natgw.timeouts.tcp_established=60s`: applied to the document before it is checked, so that a bad value gets
// the same error as in a file, at the place "--set ...".
std::optional<Topology> load_with(const std::string& path, const std::vector<std::string>& settings,
                                  Findings& findings);

}  // namespace lapse::topology
