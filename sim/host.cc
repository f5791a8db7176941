#include "sim/host.h"

#include <algorithm>
#include <cassert>

#include "control/lab/resolution.h"
#include "dataplane/net/network.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/emit.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmp_quote.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"

namespace lapse::sim {
namespace {

constexpr uint16_t kFirstEphemeralPort = 32768;  // net.ipv4.ip_local_port_range
constexpr uint16_t kLastEphemeralPort = 60999;
constexpr uint16_t kEphemeralPorts = kLastEphemeralPort - kFirstEphemeralPort + 1;
constexpr uint16_t kPingPayload = 56;

}  // namespace

Host::Host(std::string name, Engine& engine, Wire& wire, std::vector<Interface> interfaces, const TcpSettings& settings)
    : name_(std::move(name)),
      engine_(&engine),
      wire_(&wire),
      interfaces_(std::move(interfaces)),
      settings_(settings),
      timer_phase_(engine.random().next()),
      next_port_(static_cast<uint16_t>(kFirstEphemeralPort + engine.random().below(kEphemeralPorts))) {}

bool Host::owns(Ipv4Address address) const {
  return std::any_of(interfaces_.begin(), interfaces_.end(), [&](const Interface& interface) {
    return std::find(interface.addresses.begin(), interface.addresses.end(), address) != interface.addresses.end();
  });
}

void Host::readdress(Ipv4Address address) {
  interfaces_.front().addresses.front() = address;
}

// ---- programs ----

TcpSocket* Host::connect(Ipv4Address to, Be16 port, TcpUser& user) {
  return connect(to, port, user, settings_);
}

TcpSocket* Host::connect(Ipv4Address to, Be16 port, TcpUser& user, const TcpSettings& settings) {
  Ipv4Address next_hop;
  const Interface* const out = route(to, next_hop);
  if (out == nullptr) {
    return nullptr;
  }
  const auto own_port = fresh_port(Protocol::kTcp, to, port);
  if (!own_port) {
    return nullptr;
  }
  const FiveTuple tuple{out->addresses.front(), to, *own_port, port, static_cast<uint8_t>(Protocol::kTcp)};
  TcpSocket& socket = open(tuple, settings);
  socket.set_user(&user);
  socket.connect();
  return &socket;
}

bool Host::reaches(Ipv4Address to) const {
  Ipv4Address next_hop;
  return route(to, next_hop) != nullptr;
}

TcpSocket& Host::open(const FiveTuple& tuple, const TcpSettings& settings) {
  auto socket = std::make_unique<TcpSocket>(*this, tuple, settings);
  TcpSocket& opened = *socket;
  sockets_[tuple] = std::move(socket);
  return opened;
}

std::optional<FiveTuple> Host::send_datagram(Ipv4Address to, Be16 to_port, Be16 port, uint16_t size) {
  Ipv4Address next_hop;
  const Interface* const out = route(to, next_hop);
  Packet* const packet = out == nullptr ? nullptr : wire_->allocate();
  if (packet == nullptr) {
    return std::nullopt;
  }
  const FiveTuple tuple{out->addresses.front(), to, port, to_port, static_cast<uint8_t>(Protocol::kUdp)};
  write_udp(tuple, size, *packet);
  transmit(packet);
  return tuple;
}

std::optional<FiveTuple> Host::request(Ipv4Address to, Be16 to_port, uint16_t size, DatagramHandler handler) {
  const auto port = fresh_port(Protocol::kUdp, to, to_port);
  if (!port) {
    return std::nullopt;
  }
  bind(*port, std::move(handler));
  return send_datagram(to, to_port, *port, size);
}

void Host::ping(Ipv4Address to, uint16_t identifier, uint16_t sequence) {
  Ipv4Address next_hop;
  const Interface* const out = route(to, next_hop);
  Packet* const packet = out == nullptr ? nullptr : wire_->allocate();
  if (packet != nullptr) {
    const FiveTuple tuple{out->addresses.front(), to, {}, {}, static_cast<uint8_t>(Protocol::kIcmp)};
    write_echo(tuple, {kIcmpEchoRequest, identifier, sequence, kPingPayload}, *packet);
    transmit(packet);
  }
}

std::optional<Be16> Host::fresh_port(Protocol protocol, Ipv4Address to, Be16 to_port) {
  for (unsigned tried = 0; tried < kEphemeralPorts; ++tried) {
    const Be16 port = be16(next_port_);
    next_port_ = next_port_ == kLastEphemeralPort ? kFirstEphemeralPort : static_cast<uint16_t>(next_port_ + 1);
    const FiveTuple tuple{interfaces_.front().addresses.front(), to, port, to_port, static_cast<uint8_t>(protocol)};
    if (!sockets_.contains(tuple) && (protocol != Protocol::kUdp || !datagram_handlers_.contains(port))) {
      return port;
    }
  }
  return std::nullopt;
}

// ---- sending ----

const Host::Interface* Host::route(Ipv4Address to, Ipv4Address& next_hop) const {
  for (const Interface& interface : interfaces_) {
    if (const auto hop = interface.routes.next_hop(to)) {
      next_hop = *hop;
      return &interface;
    }
  }
  return nullptr;
}

uint16_t Host::mss(Ipv4Address to) const {
  Ipv4Address next_hop;
  const Interface* const out = route(to, next_hop);
  uint16_t mtu = out == nullptr ? Interface{}.mtu : out->mtu;
  if (const auto said = path_mtu_.find(to); said != path_mtu_.end()) {
    mtu = std::min(mtu, said->second);
  }
  return static_cast<uint16_t>(mtu - sizeof(Ipv4Header) - sizeof(TcpHeader));
}

void Host::send(const Segment& segment) {
  if (Packet* const packet = wire_->allocate(); packet != nullptr) {
    write_tcp(segment, *packet);
    transmit(packet);
  }
}

void Host::transmit(Packet* packet) {
  Ipv4Address next_hop;
  const Interface* const out = vanished_ ? nullptr : route(packet->tuple.destination, next_hop);
  const auto station = out == nullptr ? std::nullopt : wire_->station(out->link, next_hop);
  if (!station) {
    release(packet);
    return;
  }
  auto& ethernet = packet->header_at<EthernetHeader>(0);
  ethernet.destination = *station;
  ethernet.source = out->mac;
  wire_->transmit(out->link, packet);
}

void Host::send_reset_to(const Segment& segment) {
  const bool acknowledges = (segment.flags & kTcpAck) != 0;
  const uint32_t length =
      segment.payload + ((segment.flags & kTcpSyn) != 0 ? 1U : 0U) + ((segment.flags & kTcpFin) != 0 ? 1U : 0U);
  send({.tuple = segment.tuple.reversed(),
        .sequence = acknowledges ? segment.acknowledgement : 0,
        .acknowledgement = acknowledges ? 0 : segment.sequence + length,
        .flags = static_cast<uint8_t>(acknowledges ? kTcpRst : kTcpRst | kTcpAck)});
}

// ---- receiving ----

void Host::receive(LinkId link, Packet* packet) {
  if (!vanished_ && !parse(*packet)) {
    if (packet->kind == PacketKind::kArp) {
      answer_arp(link, *packet);
    } else if (owns(packet->tuple.destination)) {
      switch (packet->kind) {
        case PacketKind::kTcp:
          receive_tcp(*packet);
          break;
        case PacketKind::kUdp:
          receive_udp(*packet);
          break;
        case PacketKind::kIcmpQuery:
          receive_echo(*packet);
          break;
        case PacketKind::kIcmpError:
          receive_error(*packet);
          break;
        default:
          break;
      }
    }
  }
  release(packet);
}

void Host::receive_tcp(const Packet& packet) {
  const Segment segment = read_tcp(packet);
  const bool opens = (segment.flags & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpSyn;
  auto found = sockets_.find(segment.tuple.reversed());
  // RFC 9293 section 3.6.1: a SYN may open a new connection in the place of one that has ended.
  if (found != sockets_.end() && found->second->state() == TcpSocketState::kTimeWait && opens) {
    found->second->abort();
    found = sockets_.end();
  }
  if (found != sockets_.end()) {
    found->second->receive(segment);
    return;
  }
  if (opens && listeners_.contains(segment.tuple.destination_port)) {
    open(segment.tuple.reversed(), settings_).accept(segment);
  } else if ((segment.flags & kTcpRst) == 0) {
    send_reset_to(segment);
  }
}

void Host::accepted(TcpSocket& socket) {
  const auto listener = listeners_.find(socket.tuple().source_port);
  TcpUser* const user = listener == listeners_.end() ? nullptr : listener->second(socket);
  if (user == nullptr) {
    socket.abort();
    return;
  }
  socket.set_user(user);
  user->on_connected(socket);
}

// Kept until the wire is quiet: it may stand further up the stack.
void Host::socket_finished(TcpSocket& socket) {
  const auto found = sockets_.find(socket.tuple());
  if (found != sockets_.end() && found->second.get() == &socket) {
    finished_.push_back(std::move(found->second));
    sockets_.erase(found);
  }
}

void Host::receive_udp(const Packet& packet) {
  if (const auto handler = datagram_handlers_.find(packet.tuple.destination_port);
      handler != datagram_handlers_.end()) {
    handler->second(packet.tuple, packet.payload_length());
  }
}

void Host::receive_echo(const Packet& packet) {
  const auto& icmp = packet.header_at<IcmpHeader>(packet.l4_offset);
  if (icmp.type == kIcmpEchoReply) {
    ++echo_replies_;
    return;
  }
  Packet* const reply = icmp.type == kIcmpEchoRequest ? wire_->allocate() : nullptr;
  if (reply != nullptr) {
    write_echo(packet.tuple.reversed(),
               {kIcmpEchoReply, icmp.identifier.host(), icmp.sequence.host(), packet.payload_length()}, *reply);
    transmit(reply);
  }
}

// RFC 1191 section 3, as far as TCP: other errors are soft, as with a kernel (RFC 5461).
void Host::receive_error(const Packet& packet) {
  const auto& icmp = packet.header_at<IcmpHeader>(packet.l4_offset);
  if (icmp.type != kIcmpUnreachable || icmp.code != kIcmpFragmentationNeeded || !quote_is_sound(packet)) {
    return;
  }
  const auto found = sockets_.find(tuple_of_quoted_flow(packet).reversed());
  const uint16_t mtu = icmp.sequence.host();
  if (found != sockets_.end() && mtu >= kLeastMtu) {
    path_mtu_[found->first.destination] = mtu;
    found->second->path_mtu_changed();
  }
}

void Host::answer_arp(LinkId link, const Packet& packet) {
  const auto& arp = packet.header_at<ArpHeader>(packet.l3_offset);
  const auto interface = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const Interface& candidate) {
    return candidate.link == link && std::find(candidate.addresses.begin(), candidate.addresses.end(),
                                               arp.target_address) != candidate.addresses.end();
  });
  Packet* const reply = interface == interfaces_.end() || arp.operation != kArpRequest ? nullptr : wire_->allocate();
  if (reply != nullptr) {
    write_arp_reply(packet, interface->mac, *reply);
    wire_->transmit(link, reply);
  }
}

// ---- the kernel's timer wheel ----

// Linux's wheel has levels of 64 slots, each eight times as coarse as the one below; a timer waits for the end of its slot.
Instant Host::timer_expiry(TimerStep step, Duration delay) const {
  const Instant due = engine_->now() + delay;
  if (step == TimerStep::kExact) {
    return due;
  }
  const Duration slot = lapse::lab::timer_step(delay, hertz_of(step));
  const Duration phase = Duration(static_cast<int64_t>(timer_phase_ % static_cast<uint64_t>(slot.count())));
  const Duration since = due.time_since_epoch() + phase;
  return due + (slot - since % slot) % slot;
}

}  // namespace lapse::sim
