// schema.h - what may stand in a topology file: one table of keys for each object.
//
// Owner:    constants. The loader reads every object through its table, and a JSON Schema can be written from them.
// Memory:   static.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     design, "The topology file"; README.md here tells how to add a key.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "control/topology/default.h"
#include "dataplane/time.h"

namespace lapse::topology {

enum class Shape {
  kName,          // lower-case letters, digits, hyphens: of a host, box or link
  kText,          // any text but an empty one
  kTextList,      // a list of texts, or one
  kHostNames,     // a list of names that programs resolve, or one
  kPciAddress,    // where a device is on the PCI bus
  kDevice,        // a virtual device of DPDK with its arguments
  kSysctls,       // a map from the name of a sysctl, which contains dots, to its value
  kCount,         // a whole number from 'least' to 'most'
  kDuration,      // with a unit
  kProbability,   // a percentage, or a fraction with a point
  kRate,          // bits a second, with a unit
  kChoice,        // one of 'choices'
  kChoiceBySide,  // one of 'choices', or a map with the keys of 'object' of such
  kAddress,       // an IPv4 address
  kAddresses,     // a list of addresses and ranges, or one of them
  kPrefix,        // an IPv4 prefix
  kMacByAddress,  // a map from an address to a MAC address
  kObject,        // a map with the keys of 'object'
  kObjectByName,  // a map from names to maps with the keys of 'object'
  kObjectList,    // a list of maps with the keys of 'object'
};

enum class Need { kOptional, kRequired };

struct Object;

struct Key {
  std::string_view name;
  Shape shape{};
  std::string_view doc;       // what it is for, one sentence without a full stop
  std::string_view accepted;  // what its value looks like, as a message says it
  Need need = Need::kOptional;
  const Object* object = nullptr;
  std::span<const std::string_view> choices = {};
  // Of a count: its range. Of a prefix: of its length. Of a name: of its characters. Of a map by name: how many entries
  // it has at least, and how long a name in it is at most.
  uint64_t least = 0;
  uint64_t most = std::numeric_limits<uint64_t>::max();
  Default otherwise = {};  // what holds where the key is absent; unknown: nothing does
};

// A key that is understood and refused: not available yet, or another tool's spelling.
struct Refused {
  std::string_view name;
  std::string_view reason;
};

// What an object is, and no key can change.
struct Fact {
  std::string_view name;
  Default value;
};

// Keys of which one is needed.
struct Alternatives {
  std::span<const std::string_view> keys;
  bool together = false;  // several may stand there
};

struct Object {
  std::string_view name;  // "host"
  std::span<const Key> keys;
  std::span<const Refused> refused = {};
  const Object* includes = nullptr;  // whose keys may stand here as well; its required ones are optional then
  std::string_view instead = {};     // the key that stands for all of 'includes': one or the other is needed
  Alternatives alternatives = {};
  std::span<const Fact> facts = {};

  const Key* find(std::string_view key) const;
  const Refused* find_refused(std::string_view key) const;
  std::vector<std::string_view> key_names() const;  // own ones first
};

extern const Object kTopologyObject;
extern const Object kLinkObject;
extern const Object kAttachmentObject;
extern const Object kRouteObject;
extern const Object kHostObject;
extern const Object kReadyObject;
extern const Object kPortObject;
extern const Object kNatGatewayObject;  // of the kind nat-gateway
extern const Object kTimeoutsObject;
extern const Object kNatGatewaySidesObject;

// The kinds of box that the loader can build, and those that it knows by name alone.
std::span<const std::string_view> available_kinds();
std::span<const std::string_view> planned_kinds();

// Late-packet behaviours of the nat-gateway, and those that other versions and kinds have.
std::span<const std::string_view> available_late_packets();
std::span<const std::string_view> planned_late_packets();

// The longest delay of a link.
inline constexpr Duration kLongestDelay = std::chrono::hours(1);

// How long the prefix of a link is: an IPv4 network of several stations.
inline constexpr uint8_t kShortestSubnet = 8;
inline constexpr uint8_t kLongestSubnet = 31;

// How many queues a port may have: a worker has at most one of each.
inline constexpr size_t kMostQueues = 16;

// Longest names: a host's namespace is called TOPOLOGY-HOST, an interface in it has at most 15 characters.
inline constexpr size_t kLongestTopologyName = 40;
inline constexpr size_t kLongestName = 40;
inline constexpr size_t kLongestInterfaceName = 15;

}  // namespace lapse::topology
