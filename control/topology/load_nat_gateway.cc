#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "control/topology/loader.h"
#include "control/topology/nat_gateway_defaults.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

constexpr size_t kMostOutsideAddresses = 8;

std::optional<Attachment> load_side(ObjectReader& reader, std::string_view side, const std::string& owner,
                                    Draft& draft) {
  const Entry* entry = reader.entry(side);
  if (entry == nullptr) {
    draft.complete = false;
    return std::nullopt;
  }
  ObjectReader attachment(entry->value, kAttachmentObject, reader.path_of(side), entry->place, reader.report());
  return load_attachment(attachment, owner, std::string(side), draft);
}

void check_timeout(const ObjectReader& reader, const TimeoutDefault& known, const Said<Duration>& said, bool limited) {
  const std::string_view key = name(known.timeout_class);
  const std::string value = concat(" (", duration_text(said.value), ")");
  if (said.value < kShortestTimeout || said.value > kLongestTimeout) {
    reader.error(
        said.place, key,
        concat("out of range", value, "; accepted is 1ms to ", duration_text(kLongestTimeout), " in any case"));
    return;
  }
  if (!limited || (said.value >= known.least && said.value <= known.most)) {
    return;
  }
  const std::string range =
      known.least == known.most
          ? concat("the provider has fixed it at ", duration_text(known.value))
          : concat("the provider's range is ", duration_text(known.least), " to ", duration_text(known.most));
  reader.error(said.place, key,
               concat("out of range", value, "; ", range, ", and `limits: off` on the box lifts that"));
}

void load_timeouts(ObjectReader& reader, NatGatewayBox& box) {
  const auto limits = reader.choice("limits");
  const bool limited = !limits || limits->value == "on";
  for (const TimeoutDefault& known : kNatGatewayTimeouts) {
    box.timeouts[static_cast<size_t>(known.timeout_class)] = known.value;
  }
  const Entry* entry = reader.entry("timeouts");
  if (entry == nullptr) {
    return;
  }
  ObjectReader timeouts(entry->value, kTimeoutsObject, reader.path_of("timeouts"), entry->place, reader.report());
  for (const TimeoutDefault& known : kNatGatewayTimeouts) {
    if (const auto said = timeouts.duration(name(known.timeout_class))) {
      check_timeout(timeouts, known, *said, limited);
      box.timeouts[static_cast<size_t>(known.timeout_class)] = said->value;
      box.timeout_places[static_cast<size_t>(known.timeout_class)] = said->place;
    }
  }
}

void load_late_packet(const Node& node, const std::string& path, LatePacket& value, Report& report) {
  const std::string accepted = listed(available_late_packets());
  if (node.kind != Node::Kind::kText) {
    report.error(node.place, path,
                 concat("a behaviour is needed, found ", describe(node), "; accepted is one of ", accepted));
    return;
  }
  if (node.text == "drop") {
    value = LatePacket::kDrop;
    return;
  }
  if (node.text == "rst") {
    value = LatePacket::kRst;
    return;
  }
  const auto planned = planned_late_packets();
  if (std::find(planned.begin(), planned.end(), node.text) != planned.end()) {
    report.error(node.place, path,
                 concat("not available yet for nat-gateway (", node.text, "); accepted is one of ", accepted));
    return;
  }
  report.error(node.place, path,
               concat("unknown behaviour (", shown(node.text), ")", suggestion(node.text, available_late_packets()),
                      "accepted is one of ", accepted, "; not available yet for nat-gateway: ", listed(planned)));
}

void load_late_packets(ObjectReader& reader, NatGatewayBox& box) {
  const Entry* entry = reader.entry("late_packet");
  if (entry == nullptr) {
    return;
  }
  const std::string path = reader.path_of("late_packet");
  if (entry->value.kind == Node::Kind::kText) {
    load_late_packet(entry->value, path, box.late_inside, reader.report());
    box.late_outside = box.late_inside;
    box.late_inside_place = box.late_outside_place = entry->value.place;
    return;
  }
  ObjectReader sides(entry->value, kNatGatewaySidesObject, path, entry->place, reader.report());
  const std::array<std::tuple<std::string_view, LatePacket*, Place*>, 2> targets{
      {{"inside", &box.late_inside, &box.late_inside_place}, {"outside", &box.late_outside, &box.late_outside_place}}};
  for (const auto& [side, target, place] : targets) {
    sides.set_aside(side);
    if (const Entry* behaviour = entry->value.find(side)) {
      load_late_packet(behaviour->value, sides.path_of(side), *target, reader.report());
      *place = behaviour->value.place;
    }
  }
}

void check_outside(const Attachment& outside, const Draft& draft, Report& report) {
  if (outside.addresses.size() > kMostOutsideAddresses) {
    const DraftAttachment& said = draft.attachments.back();
    report.error(said.address_places[kMostOutsideAddresses], concat(said.path, ".addresses"),
                 concat("too many (", std::to_string(outside.addresses.size()),
                        "); accepted is 1 to 8 addresses outside, the first is primary"));
  }
}

// aws-behaviour 3.4: a private NAT gateway has no address of the internet.
void check_private(const Attachment& outside, const Draft& draft, Report& report) {
  static constexpr std::array<Ipv4Prefix, 4> kPrivate{{{be32(0x0a000000), 8},     // RFC 1918
                                                       {be32(0xac100000), 12},    // RFC 1918
                                                       {be32(0xc0a80000), 16},    // RFC 1918
                                                       {be32(0x64400000), 10}}};  // RFC 6598
  const DraftAttachment& said = draft.attachments.back();
  for (size_t place = 0; place < outside.addresses.size(); ++place) {
    const Ipv4Address address = outside.addresses[place];
    if (std::none_of(kPrivate.begin(), kPrivate.end(), [&](const auto& prefix) { return prefix.contains(address); })) {
      report.error(said.address_places[place], concat(said.path, ".", said.address_key),
                   concat("not an address of a private network (", to_string(address),
                          "), and the box is private; accepted is one in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or "
                          "100.64.0.0/10, or ConnectivityType: public"));
    }
  }
}

// What it carries: sizes, and how much.
void load_forwarding(ObjectReader& reader, NatGatewayBox& box) {
  if (const auto mtu = reader.count("mtu")) {
    box.mtu = static_cast<uint16_t>(mtu->value);
  }
  if (const auto clamping = reader.choice("mss_clamping")) {
    box.mss_clamping = clamping->value == "on";
  }
  if (const auto bandwidth = reader.rate("bandwidth")) {
    box.ceiling.bits_per_second = bandwidth->value;
  }
  if (const auto packets = reader.count("packet_rate")) {
    box.ceiling.packets_per_second = packets->value;
  }
  if (const auto drain = reader.count("MaxDrainDurationSeconds")) {
    box.max_drain = std::chrono::seconds(drain->value);
  }
}

}  // namespace

std::optional<NatGatewayBox> load_nat_gateway(const Entry& entry, std::string path, Draft& draft, Report& report) {
  ObjectReader reader(entry.value, kNatGatewayObject, std::move(path), entry.place, report);
  reader.choice("kind");
  NatGatewayBox box;
  load_timeouts(reader, box);
  load_late_packets(reader, box);
  if (const auto capacity = reader.count("capacity")) {
    box.capacity = static_cast<uint32_t>(capacity->value);
  }
  box.allows_asymmetry = reader.choice("asymmetric").has_value();
  load_forwarding(reader, box);
  const auto connectivity = reader.choice("ConnectivityType");
  reader.choice("AvailabilityMode");
  std::optional<Attachment> inside = load_side(reader, "inside", entry.key, draft);
  std::optional<Attachment> outside = load_side(reader, "outside", entry.key, draft);
  if (outside) {
    check_outside(*outside, draft, report);
    if (connectivity && connectivity->value == "private") {
      check_private(*outside, draft, report);
    }
  }
  if (!inside || !outside) {
    return std::nullopt;
  }
  if (inside->link == outside->link) {
    report.error(outside->place, reader.path_of("outside.link"),
                 concat("both sides are on one link (", shown(outside->link), "); a NAT gateway stands between two"));
  }
  box.inside = *std::move(inside);
  box.outside = *std::move(outside);
  return box;
}

}  // namespace lapse::topology
