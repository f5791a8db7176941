// stage.h - app, a NAT gateway and api as a stream of events, told as the data plane tells it.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     set by at().
// Bytes:    none.
// Cost:     none.
// Lifetime: the stage outlives what it records.
// Spec:     aws-behaviour 2.1, 2.3, 2.5.
#pragma once

#include <string>

#include "control/story/recorder.h"
#include "control/story/report.h"
#include "control/topology/directory.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {

inline constexpr BoxId kNat{0};
inline constexpr InterfaceId kNatInside{0};
inline constexpr InterfaceId kNatOutside{1};
inline constexpr LinkId kPrivate{0};
inline constexpr LinkId kInternet{1};

inline topology::Directory nat_directory() {
  topology::Directory directory;
  directory.boxes = {{"natgw", "nat-gateway", {"inside", "outside"}}};
  directory.interfaces = {{kNat, Side{0}, kPrivate}, {kNat, Side{1}, kInternet}};
  directory.links = {{"private", {be32(0x0a000100), 24}}, {"internet", {be32(0xcb007100), 24}}};
  directory.hosts = {{be32(0x0a00010a), "app"}, {be32(0xcb007150), "api"}};
  directory.box_addresses = {{be32(0x0a000101), "natgw.inside"}, {be32(0xcb00710a), "natgw.outside"}};
  return directory;
}

inline FiveTuple original_tuple(Protocol protocol, uint16_t port = 40000, uint16_t far_port = 8080) {
  return {be32(0x0a00010a), be32(0xcb007150), be16(port), be16(far_port), static_cast<uint8_t>(protocol), 0, 0};
}

// What one segment carries.
struct Words {
  uint8_t flags = 0;
  uint32_t sequence = 0;
  uint16_t payload = 0;
};

class Stage {
 public:
  explicit Stage(Protocol protocol = Protocol::kTcp, Recorder::Limits limits = {})
      : recorder(directory, limits), original(original_tuple(protocol)), nat_port(be16(51234)) {
    if (protocol == Protocol::kIcmp) {
      original.source_port = be16(7);
      original.destination_port = Be16{};
      nat_port = be16(9);
    }
  }

  Stage& at(double seconds) {
    now = Instant{std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000 + 0.5))};
    return *this;
  }

  FiveTuple reply() const {
    return {original.destination, be32(0xcb00710a), original.destination_port, nat_port, original.protocol, 0, 0};
  }

  // ---- packets that pass ----
  Stage& app_says(Words words) {
    app_speaks(words);
    record(packet(reply().reversed(), words, kInternet, kNatOutside, kNoInterface));
    return *this;
  }
  Stage& app_opens(Words words) {
    app_speaks(words);
    flow(EventKind::kFlowNew);
    record(packet(reply().reversed(), words, kInternet, kNatOutside, kNoInterface));
    return *this;
  }
  Stage& api_says(Words words) {
    api_speaks(words);
    record(packet(original.reversed(), words, kPrivate, kNatInside, kNoInterface));
    return *this;
  }

  // ---- packets that meet no flow ----
  Stage& app_is_late(Words words, uint32_t reset_sequence) {
    app_speaks(words);
    late(original, words, DropReason::kAnswered, Told::kSender);
    const Words reset{kTcpRst, reset_sequence, 0};
    Event event = packet(original.reversed(), reset, kPrivate, kNatInside, kNoInterface);
    event.kind = EventKind::kRstSent;
    event.box = kNat;
    event.told = Told::kSender;
    record(event);
    record(packet(original.reversed(), reset, kPrivate, kNatInside, kNoInterface));
    return *this;
  }
  Stage& api_is_late(Words words) {
    api_speaks(words);
    late(reply(), words, DropReason::kLate, Told::kNobody);
    return *this;
  }

  // ---- packets that a link loses ----
  Stage& loses(const FiveTuple& tuple, Words words, LinkId link, InterfaceId from, InterfaceId to) {
    Event event = packet(tuple, words, link, from, to);
    event.kind = EventKind::kPacketDropped;
    event.reason = DropReason::kLinkLoss;
    record(event);
    return *this;
  }

  Stage& flow(EventKind kind) {
    Event event;
    event.kind = kind;
    event.box = kNat;
    event.time = event.real = now;
    event.tuple = original;
    event.reply = reply();
    event.flow = 17;
    event.generation = generation;
    record(event);
    return *this;
  }
  Stage& expires(uint32_t seconds, TimeoutClass timeout_class) {
    Event event;
    event.kind = EventKind::kFlowExpired;
    event.box = kNat;
    event.time = event.real = now;
    event.tuple = original;
    event.reply = reply();
    event.flow = 17;
    event.generation = generation;
    event.timeout_ms = seconds * 1000;
    event.timeout_class = static_cast<uint8_t>(timeout_class);
    record(event);
    return *this;
  }

  // SYN, SYN+ACK, ACK; app's next sequence number is 1001, api's is 5001.
  Stage& handshake() {
    app_opens({kTcpSyn, 1000, 0});
    api_says({kTcpSyn | kTcpAck, 5000, 0});
    app_says({kTcpAck, 1001, 0});
    return flow(EventKind::kFlowEstablished);
  }

  Conversation only() const { return recorder.find("all").at(0); }
  std::string ladder(const LadderOptions& options = {}) const { return render_ladder(only(), directory, options); }

  void record(const Event& event) { recorder.add(event); }
  void app_speaks(Words words) { record(packet(original, words, kPrivate, kNoInterface, kNatInside)); }
  void api_speaks(Words words) { record(packet(reply(), words, kInternet, kNoInterface, kNatOutside)); }

  Event packet(const FiveTuple& tuple, Words words, LinkId link, InterfaceId from, InterfaceId to) const {
    Event event;
    event.time = event.real = now;
    event.tuple = tuple;
    event.tcp_flags = words.flags;
    event.sequence = words.sequence;
    event.payload_length = words.payload;
    event.link = link;
    event.from_interface = from;
    event.to_interface = to;
    return event;
  }
  void late(const FiveTuple& tuple, Words words, DropReason reason, Told told) {
    Event event = packet(tuple, words, kNoLink, kNoInterface, kNoInterface);
    event.kind = EventKind::kLatePacket;
    event.box = kNat;
    event.reason = reason;
    event.told = told;
    record(event);
    event.kind = EventKind::kPacketDropped;
    event.told = Told::kNobody;
    record(event);
  }

  topology::Directory directory = nat_directory();
  Recorder recorder;
  FiveTuple original;
  Be16 nat_port;
  uint32_t generation = 3;
  Instant now{};
};

// The first seed's story up to the silence: a request of 120 bytes, then nothing.
inline Stage& request(Stage& stage) {
  stage.at(12.5).handshake();
  return stage.at(12.502).app_says({kTcpPsh | kTcpAck, 1001, 120}).at(12.503).api_says({kTcpAck, 5001, 0});
}

}  // namespace lapse::story
