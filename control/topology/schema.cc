#include "control/topology/schema.h"

#include <algorithm>
#include <array>

#include "control/topology/nat_gateway_defaults.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/net/network.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kNotYetProvider = "not available yet: this setting of the provider's API has no effect here";

constexpr std::array<std::string_view, 1> kAvailableKinds{"nat-gateway"};
constexpr std::array<std::string_view, 5> kPlannedKinds{"network-load-balancer", "gateway-load-balancer",
                                                        "vpc-endpoint", "ec2-conntrack", "firewall"};

constexpr std::array<std::string_view, 2> kAvailableLatePackets{"drop", "rst"};
constexpr std::array<std::string_view, 7> kPlannedLatePackets{
    "rst_both_on_expiry", "fin_on_expiry", "new_flow", "recreate_same_port", "recreate_new_port", "leak", "icmp"};

constexpr std::array<std::string_view, 2> kLimitsChoices{"on", "off"};
constexpr std::array<std::string_view, 1> kAsymmetricChoices{"allow"};
constexpr std::array<std::string_view, 2> kOnOff{"on", "off"};
constexpr std::array<std::string_view, 2> kConnectivityTypes{"public", "private"};
constexpr std::array<std::string_view, 1> kAvailabilityModes{"zonal"};

constexpr Default in_words(std::string_view meaning) {
  return {{}, meaning};
}
constexpr Default our_own(std::string_view text) {
  return {text};
}

// A row whose value is a whole number, and one whose names have a length.
constexpr Key number(std::string_view name, std::string_view doc, std::string_view accepted, uint64_t least,
                     uint64_t most, Default otherwise = {}) {
  return {name, Shape::kCount, doc, accepted, Need::kOptional, nullptr, {}, least, most, otherwise};
}
constexpr Key by_name(std::string_view name, std::string_view doc, std::string_view accepted, Need need,
                      const Object& object, uint64_t fewest, uint64_t longest) {
  return {name, Shape::kObjectByName, doc, accepted, need, &object, {}, fewest, longest};
}

constexpr std::array<Key, 6> kTopologyKeys{{
    {.name = "name",
     .shape = Shape::kName,
     .doc = "what the topology is called; its namespaces begin with it",
     .accepted = "a name like nat-gateway",
     .most = kLongestTopologyName,
     .otherwise = in_words("the file's name")},
    {"start_at", Shape::kName, "the host where a command runs unless another one is asked for", "the name of a host"},
    by_name("links", "the layer-2 segments by name", "a map: NAME: {subnet: 10.0.1.0/24}", Need::kRequired, kLinkObject,
            1, kLongestName),
    by_name("boxes", "the middleboxes by name", "a map: NAME: {kind: nat-gateway, ...}", Need::kOptional,
            kNatGatewayObject, 0, kLongestName),
    by_name("hosts", "the hosts by name", "a map: NAME: {link: LINK, address: ADDRESS, ...}", Need::kOptional,
            kHostObject, 0, kLongestName),
    by_name("ports", "the devices that carry the links in `run`, by link",
            "a map: LINK: {pci: \"0000:3b:00.0\"} or LINK: {vdev: \"net_af_packet0,iface=eth1\"}", Need::kOptional,
            kPortObject, 0, kLongestName),
}};
constexpr std::array<Refused, 3> kTopologyRefused{{
    {"instances", "not available yet: it belongs to ec2-conntrack, and this version has nat-gateway only"},
    {"security_groups", "not available yet: they belong to ec2-conntrack, and this version has nat-gateway only"},
    {"scenario", "this is a scenario, not a topology; lapse sim plays it"},
}};

constexpr std::string_view kProbabilityAccepted = "a percentage like 1% or 0.5%, or a fraction with a point like 0.01";
constexpr std::array<Key, 8> kLinkKeys{{
    {.name = "subnet",
     .shape = Shape::kPrefix,
     .doc = "the IPv4 network of the link",
     .accepted = "an IPv4 prefix of 8 to 31 bits like 10.0.1.0/24",
     .need = Need::kRequired,
     .least = kShortestSubnet,
     .most = kLongestSubnet},
    number("mtu",
           "the largest packet, in bytes without the Ethernet header; boxes answer or cut a larger one, a host's is "
           "dropped",
           "a whole number, 576 to 9216", 576, 9216, in_words("1500, or the port's")),
    {.name = "delay",
     .shape = Shape::kDuration,
     .doc = "how long a packet takes to cross the link",
     .accepted = "a duration with a unit like 20ms",
     .otherwise = our_own("0s")},
    {.name = "jitter",
     .shape = Shape::kDuration,
     .doc = "delays are evenly spread this far around the delay, and packets keep their order",
     .accepted = "a duration with a unit like 5ms, at most the delay",
     .otherwise = our_own("0s")},
    {.name = "loss",
     .shape = Shape::kProbability,
     .doc = "how many packets the link loses",
     .accepted = kProbabilityAccepted,
     .otherwise = our_own("0%")},
    {.name = "reorder",
     .shape = Shape::kProbability,
     .doc = "how many packets skip the delay and overtake the others",
     .accepted = kProbabilityAccepted,
     .otherwise = our_own("0%")},
    {.name = "duplicate",
     .shape = Shape::kProbability,
     .doc = "how many packets arrive twice",
     .accepted = kProbabilityAccepted,
     .otherwise = our_own("0%")},
    {.name = "rate",
     .shape = Shape::kRate,
     .doc = "how many bits a second the link carries in each direction",
     .accepted = "a whole number with a unit like 64kbit, 10mbit or 1gbit, 1kbit to 100gbit",
     .otherwise = in_words("no limit")},
}};

constexpr std::array<Key, 6> kAttachmentKeys{{
    {"link", Shape::kName, "the link that this is attached to", "the name of a link", Need::kRequired},
    {"address", Shape::kAddress, "the address on the link, where there is one", "an IPv4 address like 10.0.1.10"},
    {"addresses", Shape::kAddresses, "the addresses on the link; the first is the primary one",
     "a list of addresses and ranges like [10.0.1.10, 10.0.1.20-10.0.1.29]"},
    {"gateway", Shape::kAddress, "the next hop for everything that no route covers",
     "the address of a box or host on the same link"},
    {"routes", Shape::kObjectList, "next hops of its own for parts of the network",
     "a list: [{to: 10.0.2.0/24, via: 10.0.1.2}]", Need::kOptional, &kRouteObject},
    {"neighbours", Shape::kMacByAddress, "link-layer addresses that need not be asked for",
     "a map: {10.0.1.2: \"02:00:00:00:00:02\"}"},
}};
constexpr std::array<std::string_view, 2> kAddressKeys{"address", "addresses"};

constexpr std::array<Key, 2> kRouteKeys{{
    {"to", Shape::kPrefix, "the destinations", "an IPv4 prefix like 10.0.2.0/24", Need::kRequired},
    {"via", Shape::kAddress, "the next hop", "the address of a box or host on the same link", Need::kRequired},
}};

constexpr std::array<Key, 5> kHostKeys{{
    by_name("interfaces", "the attachments by name, of a host that has several",
            "a map: NAME: {link: LINK, address: ADDRESS}, instead of link and address beside it", Need::kOptional,
            kAttachmentObject, 1, kLongestInterfaceName),
    {"names", Shape::kHostNames, "more names of the host, which every host resolves", "a list like [api.example.com]"},
    {.name = "sysctls",
     .shape = Shape::kSysctls,
     .doc = "kernel settings of the host's network namespace",
     .accepted = "a map: {net.ipv4.tcp_keepalive_time: 60}",
     .otherwise = in_words("the kernel's own")},
    {"run", Shape::kText, "a shell command that the host runs, started in the folder of the file",
     "a command line like python3 server.py --port 8080"},
    {"ready", Shape::kObject, "when what the host runs can be used", "a map: {tcp: 8080}", Need::kOptional,
     &kReadyObject},
}};

constexpr std::array<Key, 1> kReadyKeys{{
    {"tcp",
     Shape::kCount,
     "ready as soon as it accepts connections on this port",
     "a port, 1 to 65535",
     Need::kRequired,
     nullptr,
     {},
     1,
     65535},
}};

constexpr std::array<Key, 5> kPortKeys{{
    {"pci", Shape::kPciAddress, "where the device is on the PCI bus", "an address like \"0000:3b:00.0\""},
    {"vdev", Shape::kDevice, "a virtual device of DPDK with its arguments", "one like \"net_af_packet0,iface=eth1\""},
    number("queues", "how many pairs of receive and transmit queues it should have, at most one for each worker",
           "a whole number, 1 to 16", 1, kMostQueues, in_words("one for each worker")),
    number("rx_desc", "how many frames a receive queue can hold", "a whole number, 8 to 32768", 8, 32768,
           in_words("1024, of net_tap 4")),
    number("mtu", "the largest packet, in bytes without the Ethernet header", "a whole number, 576 to 9600", 576, 9600,
           in_words("the link's, or the device's own")),
}};
constexpr std::array<std::string_view, 2> kDeviceKeys{"pci", "vdev"};
constexpr std::array<Refused, 1> kPortRefused{{
    {"vlan", "not available yet: frames are sent and expected without a VLAN tag"},
}};

constexpr std::array<Key, 15> kNatGatewayKeys{{
    {"kind", Shape::kChoice, "what the box does", "nat-gateway", Need::kRequired, nullptr, kAvailableKinds},
    {"inside", Shape::kObject, "the private side", "an attachment: {link: LINK, address: ADDRESS}", Need::kRequired,
     &kAttachmentObject},
    {"outside", Shape::kObject, "the side whose addresses the far hosts see",
     "an attachment with 1 to 8 addresses: {link: LINK, addresses: [203.0.113.10]}", Need::kRequired,
     &kAttachmentObject},
    {"timeouts", Shape::kObject, "after how much silence a flow is forgotten", "a map: {icmp: 60s}", Need::kOptional,
     &kTimeoutsObject},
    {"late_packet", Shape::kChoiceBySide, "what a packet without a flow meets",
     "one of drop, rst, or a map by side: {inside: rst, outside: drop}", Need::kOptional, &kNatGatewaySidesObject,
     kAvailableLatePackets},
    number("capacity", "how many flows the box can remember", "a whole number, 1 to 100000000", 1, 100'000'000,
           kCapacity),
    {.name = "limits",
     .shape = Shape::kChoice,
     .doc = "off: timeouts may leave the provider's range",
     .accepted = "on or off",
     .choices = kLimitsChoices,
     .otherwise = kLimits},
    {.name = "asymmetric",
     .shape = Shape::kChoice,
     .doc = "allow: the box may see only one direction of a conversation",
     .accepted = "allow",
     .choices = kAsymmetricChoices,
     .otherwise = in_words("refused")},
    number("mtu", "the largest packet that the box sends, where a link does not allow less",
           "a whole number, 576 to 9216", kLeastMtu, 9216, kMtu),
    {.name = "mss_clamping",
     .shape = Shape::kChoice,
     .doc = "on: the MSS of a SYN is lowered to what the way out carries",
     .accepted = "on or off",
     .choices = kOnOff,
     .otherwise = kMssClamping},
    {.name = "bandwidth",
     .shape = Shape::kRate,
     .doc = "how many bits of packets a second, both directions together, before the box drops",
     .accepted = "a whole number with a unit like 5gbit, 1kbit to 100gbit",
     .otherwise = kBandwidth},
    number("packet_rate", "how many packets a second, both directions together, before the box drops",
           "a whole number, 1 to 100000000", 1, 100'000'000, kPacketRate),
    {.name = "ConnectivityType",
     .shape = Shape::kChoice,
     .doc = "private: every outside address is one of a private network",
     .accepted = "public or private",
     .choices = kConnectivityTypes,
     .otherwise = kConnectivityType},
    number("MaxDrainDurationSeconds",
           "how long an address that is disassociated serves the flows that it has, in seconds",
           "a whole number, 1 to 4000", 1, 4000, kMaxDrain),
    {.name = "AvailabilityMode",
     .shape = Shape::kChoice,
     .doc = "zonal: one gateway in one zone",
     .accepted = "zonal; a regional gateway is not available",
     .choices = kAvailabilityModes,
     .otherwise = kAvailabilityMode},
}};
constexpr std::array<Fact, 6> kNatGatewayFacts{{
    {"translation",
     {{}, "a fresh random port for each destination", "3.1: Mapping, Port preservation", Confidence::kReported}},
    {"ports_per_destination", {"55000", {}, "3.1: Simultaneous connections", Confidence::kDocumented}},
    {"source_ports", {"1024-65535", {}, "3.1: Source port range", Confidence::kDocumented}},
    {"expires", {{}, "at its timeout, not after it (>=)", "1: Timer comparator", Confidence::kDocumented}},
    {"fragments", {{}, "UDP passes, TCP and ICMP are dropped", "3.2: UDP fragments", Confidence::kDocumented}},
    {"unsolicited", {{}, "dropped without an answer", "2.1 L8", Confidence::kDocumented}},
}};
constexpr std::array<Refused, 20> kNatGatewayRefused{{
    {"profile", "not available yet: the box has the provider's current values"},
    {"mark_resets", "not available yet: the event rst_sent names the resets that a box made"},
    {"security_groups", "not available yet; and a NAT gateway has none"},
    {"AllocationId", kNotYetProvider},
    {"SecondaryAllocationIds", kNotYetProvider},
    {"PrivateIpAddress", "not available yet: the addresses of a NAT gateway are outside.addresses"},
    {"SecondaryPrivateIpAddresses", "not available yet: the addresses of a NAT gateway are outside.addresses"},
    {"SecondaryPrivateIpAddressCount", "not available yet: the addresses of a NAT gateway are outside.addresses"},
    {"AvailabilityZoneAddresses", "not available yet: the addresses of a NAT gateway are outside.addresses"},
    {"SubnetId", "not available yet: inside.link and outside.link say where a NAT gateway stands"},
    {"VpcId", kNotYetProvider},
    {"idle_timeout",
     "Terraform's spelling; the API's key is tcp.idle_timeout.seconds, of load balancers: the idle "
     "timeout of a NAT gateway has no key in the API, and is timeouts.tcp_established here"},
    {"connectivity_type", "Terraform's spelling; the API's key is ConnectivityType"},
    {"availability_mode", "Terraform's spelling; the API's key is AvailabilityMode"},
    {"allocation_id", "Terraform's spelling; the API's key is AllocationId, which is not available yet"},
    {"secondary_allocation_ids",
     "Terraform's spelling; the API's key is SecondaryAllocationIds, which is not available yet"},
    {"private_ip",
     "Terraform's spelling; the API's key is PrivateIpAddress, which is not available yet: the addresses "
     "of a NAT gateway are outside.addresses"},
    {"secondary_private_ip_addresses",
     "Terraform's spelling; the API's key is SecondaryPrivateIpAddresses, which is not "
     "available yet: the addresses of a NAT gateway are outside.addresses"},
    {"secondary_private_ip_address_count",
     "Terraform's spelling; the API's key is SecondaryPrivateIpAddressCount, which "
     "is not available yet: the addresses are outside.addresses"},
    {"subnet_id",
     "Terraform's spelling; the API's key is SubnetId, which is not available yet: inside.link and "
     "outside.link say where a NAT gateway stands"},
}};

constexpr std::string_view kTimeoutAccepted = "a duration with a unit like 350s, 1m30s or 120ms";
constexpr Key timeout(TimeoutClass timeout_class, std::string_view doc) {
  return {.name = name(timeout_class),
          .shape = Shape::kDuration,
          .doc = doc,
          .accepted = kTimeoutAccepted,
          .otherwise = default_of(timeout_class)};
}
constexpr std::array<Key, kTimeoutClassCount> kTimeoutKeys{{
    timeout(TimeoutClass::kTcpSyn, "TCP, a SYN seen and no answer yet"),
    timeout(TimeoutClass::kTcpEstablished, "TCP, established"),
    timeout(TimeoutClass::kTcpClosing, "TCP, one FIN seen"),
    timeout(TimeoutClass::kTcpClosed, "TCP, both FINs or a RST seen"),
    timeout(TimeoutClass::kUdp, "UDP, one direction seen"),
    timeout(TimeoutClass::kUdpStream, "UDP, both directions seen"),
    timeout(TimeoutClass::kIcmp, "ICMP echo"),
    timeout(TimeoutClass::kOther, "every other protocol"),
}};

constexpr Key late_packet(std::string_view side, std::string_view doc, Default otherwise) {
  return {.name = side,
          .shape = Shape::kChoice,
          .doc = doc,
          .accepted = "one of drop, rst",
          .choices = kAvailableLatePackets,
          .otherwise = otherwise};
}
constexpr std::array<Key, 2> kNatGatewaySidesKeys{{
    late_packet("inside", "of a packet that comes from inside", kLateInside),
    late_packet("outside", "of a packet that comes from outside", kLateOutside),
}};

}  // namespace

constinit const Object kTopologyObject{"topology", kTopologyKeys, kTopologyRefused};
constinit const Object kLinkObject{"link", kLinkKeys};
constinit const Object kAttachmentObject{
    .name = "attachment", .keys = kAttachmentKeys, .alternatives = {.keys = kAddressKeys, .together = true}};
constinit const Object kRouteObject{"route", kRouteKeys};
constinit const Object kHostObject{"host", kHostKeys, {}, &kAttachmentObject, "interfaces"};
constinit const Object kReadyObject{"ready", kReadyKeys};
constinit const Object kPortObject{
    .name = "port", .keys = kPortKeys, .refused = kPortRefused, .alternatives = {.keys = kDeviceKeys}};
constinit const Object kNatGatewayObject{
    .name = "nat-gateway", .keys = kNatGatewayKeys, .refused = kNatGatewayRefused, .facts = kNatGatewayFacts};
constinit const Object kTimeoutsObject{"timeouts", kTimeoutKeys};
constinit const Object kNatGatewaySidesObject{"sides of a nat-gateway", kNatGatewaySidesKeys};

const Key* Object::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.name == key; });
  if (found != keys.end()) {
    return &*found;
  }
  return includes == nullptr ? nullptr : includes->find(key);
}

const Refused* Object::find_refused(std::string_view key) const {
  const auto found = std::find_if(refused.begin(), refused.end(), [&](const Refused& one) { return one.name == key; });
  if (found != refused.end()) {
    return &*found;
  }
  return includes == nullptr ? nullptr : includes->find_refused(key);
}

std::vector<std::string_view> Object::key_names() const {
  std::vector<std::string_view> names;
  for (const Object* object = this; object != nullptr; object = object->includes) {
    for (const Key& key : object->keys) {
      names.push_back(key.name);
    }
  }
  return names;
}

std::span<const std::string_view> available_kinds() {
  return kAvailableKinds;
}
std::span<const std::string_view> planned_kinds() {
  return kPlannedKinds;
}
std::span<const std::string_view> available_late_packets() {
  return kAvailableLatePackets;
}
std::span<const std::string_view> planned_late_packets() {
  return kPlannedLatePackets;
}

}  // namespace lapse::topology
