#include "dataplane/wire/icmp_quote.h"

#include <cassert>
#include <cstddef>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ends.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse {
namespace {

// What TCP and UDP have in common.
struct Ports {
  Be16 source;
  Be16 destination;
};
static_assert(offsetof(TcpHeader, source_port) == 0 && offsetof(UdpHeader, source_port) == 0);

const Ipv4Header& quoted_ip(const Packet& error) {
  assert(error.kind == PacketKind::kIcmpError);
  return error.header_at<Ipv4Header>(error.payload_offset);
}
size_t quoted_l4_offset(const Packet& error) {
  return error.payload_offset + quoted_ip(error).size();
}

constexpr bool is_echo(uint8_t type) {
  return type == kIcmpEchoRequest || type == kIcmpEchoReply;
}

// A checksum that the quote is long enough to hold.
template <typename Update>
void update_checksum(Packet& error, size_t offset, Update update) {
  if (offset + sizeof(Be16) <= error.length) {
    auto& checksum = error.header_at<Be16>(offset);
    checksum = update(checksum);
  }
}

template <End end>
void rewrite_ports(Packet& error, Be16 port, ChecksumDelta delta) {
  const size_t l4 = quoted_l4_offset(error);
  auto& ports = error.header_at<Ports>(l4);
  Be16& field = end == End::kSource ? ports.source : ports.destination;
  delta.replace(field, port);
  field = port;
  if (quoted_ip(error).protocol == static_cast<uint8_t>(Protocol::kTcp)) {
    update_checksum(error, l4 + offsetof(TcpHeader, checksum), [&delta](Be16 before) { return delta.apply(before); });
  } else {
    update_checksum(error, l4 + offsetof(UdpHeader, checksum),
                    [&delta](Be16 before) { return delta.apply_udp(before); });
  }
}

// The identifier belongs to the end that asked; the other end has none.
template <End end>
void rewrite_identifier(Packet& error, Be16 identifier) {
  auto& echo = error.header_at<IcmpHeader>(quoted_l4_offset(error));
  constexpr uint8_t kAsking = end == End::kSource ? kIcmpEchoRequest : kIcmpEchoReply;
  if (echo.type == kAsking) {
    echo.checksum = ChecksumDelta().replace(echo.identifier, identifier).apply(echo.checksum);
    echo.identifier = identifier;
  }
}

template <End end>
void rewrite_quoted(Packet& error, Ipv4Address address, Be16 port) {
  auto& ip = error.header_at<Ipv4Header>(error.payload_offset);
  const ChecksumDelta delta = replace_address<end>(ip, address);
  if (ip.protocol == static_cast<uint8_t>(Protocol::kIcmp)) {
    rewrite_identifier<end>(error, port);
  } else {
    rewrite_ports<end>(error, port, delta);
  }
  auto& icmp = error.header_at<IcmpHeader>(error.l4_offset);
  icmp.checksum = {};
  icmp.checksum = ChecksumSum()
                      .add({error.data + error.l4_offset, static_cast<size_t>(error.length - error.l4_offset)})
                      .complement();
}

// A later fragment has no ports; of a first one, and of whole packets, they are in the 8 bytes that an error quotes.
bool quotes_ports(const Packet& error) {
  return FragmentField(quoted_ip(error)).offset == 0 && quoted_l4_offset(error) + kIcmpLeastQuote <= error.length;
}

bool has_a_known_flow(const Packet& error) {
  if (!quotes_ports(error)) {
    return false;
  }
  const Ipv4Header& ip = quoted_ip(error);
  switch (static_cast<Protocol>(ip.protocol)) {
    case Protocol::kTcp:
    case Protocol::kUdp:
      return true;
    case Protocol::kIcmp:
      return is_echo(error.header_at<IcmpHeader>(quoted_l4_offset(error)).type);
  }
  return false;
}

}  // namespace

bool quote_is_sound(const Packet& error) {
  const Ipv4Header& ip = quoted_ip(error);
  const auto sum = [&error](size_t from, size_t to) {
    return ChecksumSum().add({error.data + from, error.data + to}).complement();
  };
  return sum(error.l4_offset, error.length) == Be16{} && sum(error.payload_offset, quoted_l4_offset(error)) == Be16{} &&
         ip.source == error.tuple.destination && has_a_known_flow(error);
}

FiveTuple tuple_of_quoted_flow(const Packet& error) {
  const Ipv4Header& ip = quoted_ip(error);
  const size_t l4 = quoted_l4_offset(error);
  FiveTuple quoted{ip.source, ip.destination, {}, {}, ip.protocol, error.tuple.scope, 0};
  if (!quotes_ports(error)) {
    return quoted.reversed();
  }
  if (static_cast<Protocol>(ip.protocol) == Protocol::kIcmp) {
    const auto& echo = error.header_at<IcmpHeader>(l4);
    (echo.type == kIcmpEchoRequest ? quoted.source_port : quoted.destination_port) = echo.identifier;
  } else {
    const auto& ports = error.header_at<Ports>(l4);
    quoted.source_port = ports.source;
    quoted.destination_port = ports.destination;
  }
  return quoted.reversed();
}

void rewrite_quoted_source(Packet& error, Ipv4Address address, Be16 port) {
  rewrite_quoted<End::kSource>(error, address, port);
}

void rewrite_quoted_destination(Packet& error, Ipv4Address address, Be16 port) {
  rewrite_quoted<End::kDestination>(error, address, port);
}

}  // namespace lapse
