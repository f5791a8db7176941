#include "tests/support/frames.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse::test {
namespace {

constexpr size_t kIp = sizeof(EthernetHeader);
constexpr size_t kSizes[] = {0, 1, 2, 7, 20, 100, 536, 1400};
constexpr uint8_t kFlags[] = {
    kTcpSyn,           kTcpSyn | kTcpAck, kTcpAck,           kTcpAck, kTcpAck | kTcpPsh,
    kTcpFin | kTcpAck, kTcpFin,           kTcpRst | kTcpAck, kTcpRst, kTcpSyn | kTcpEce | kTcpCwr,
};

void store(std::vector<uint8_t>& frame, size_t at, Be16 value) {
  if (at + 2 <= frame.size()) {
    std::memcpy(frame.data() + at, &value, 2);
  }
}

bool is_ipv4(const std::vector<uint8_t>& frame) {
  return frame.size() >= kIp + sizeof(Ipv4Header) && frame[12] == 0x08 && frame[13] == 0x00;
}

size_t ip_header_size(const std::vector<uint8_t>& frame) {
  return size_t{4} * (frame[kIp] & 0xf);
}

void repair_ip_checksum(std::vector<uint8_t>& frame) {
  const size_t size = ip_header_size(frame);
  if (size < sizeof(Ipv4Header) || kIp + size > frame.size()) {
    return;
  }
  const size_t at = kIp + offsetof(Ipv4Header, checksum);
  store(frame, at, Be16{});
  store(frame, at, ChecksumSum().add({frame.data() + kIp, size}).complement());
}

void flip_bits(std::vector<uint8_t>& frame, Random& random) {
  for (uint64_t count = 1 + random.below(8); count > 0; --count) {
    frame[random.below(frame.size())] ^= static_cast<uint8_t>(1 << random.below(8));
  }
}

void cut(std::vector<uint8_t>& frame, Random& random) {
  frame.resize(random.below(frame.size() + 1));
}

void add_tail(std::vector<uint8_t>& frame, Random& random) {
  for (uint64_t count = 1 + random.below(64); count > 0; --count) {
    frame.push_back(random.any<uint8_t>());
  }
}

void overwrite(std::vector<uint8_t>& frame, Random& random) {
  const size_t from = random.below(frame.size());
  const size_t to = std::min(frame.size(), from + 1 + random.below(8));
  for (size_t i = from; i < to; ++i) {
    frame[i] = random.any<uint8_t>();
  }
}

// A length that is off by a little, or anything, or one of the ends of its range.
uint16_t lie_about(uint16_t length, Random& random) {
  switch (random.below(4)) {
    case 0:
      return static_cast<uint16_t>(length + 1 + random.below(8));
    case 1:
      return static_cast<uint16_t>(length - 1 - random.below(8));
    case 2:
      return random.one_in(2) ? uint16_t{0} : uint16_t{0xffff};
    default:
      return random.any<uint16_t>();
  }
}

void lie_in_length(std::vector<uint8_t>& frame, Random& random) {
  if (!is_ipv4(frame)) {
    return;
  }
  const size_t transport = kIp + ip_header_size(frame);
  const auto read = [&frame](size_t at) { return static_cast<uint16_t>(frame[at] << 8 | frame[at + 1]); };
  const uint8_t protocol = frame[kIp + offsetof(Ipv4Header, protocol)];
  const size_t total_length_at = kIp + offsetof(Ipv4Header, total_length);
  const size_t udp_length_at = transport + offsetof(UdpHeader, length);
  const size_t data_offset_at = transport + offsetof(TcpHeader, data_offset);
  if (random.one_in(3)) {
    store(frame, total_length_at, be16(lie_about(read(total_length_at), random)));
  } else if (random.one_in(3)) {
    frame[kIp] = static_cast<uint8_t>(0x40 | random.below(16));
  } else if (protocol == static_cast<uint8_t>(Protocol::kUdp) && udp_length_at + 2 <= frame.size()) {
    store(frame, udp_length_at, be16(lie_about(read(udp_length_at), random)));
  } else if (protocol == static_cast<uint8_t>(Protocol::kTcp) && data_offset_at < frame.size()) {
    frame[data_offset_at] = static_cast<uint8_t>(random.below(16) << 4);
  }
}

// Options of random kinds and lengths, in the IPv4 or the TCP header, whether or not there is room for them.
void garble_options(std::vector<uint8_t>& frame, Random& random) {
  if (!is_ipv4(frame)) {
    return;
  }
  size_t begin = kIp + sizeof(Ipv4Header);
  if (random.one_in(2)) {
    frame[kIp] = static_cast<uint8_t>(0x45 + random.below(11));
  } else {
    const size_t transport = kIp + ip_header_size(frame);
    begin = transport + sizeof(TcpHeader);
    if (begin <= frame.size()) {
      frame[transport + offsetof(TcpHeader, data_offset)] = static_cast<uint8_t>((5 + random.below(11)) << 4);
    }
  }
  for (size_t at = begin; at < std::min(frame.size(), begin + kTcpMaxOptionsSize); ++at) {
    frame[at] = random.one_in(2) ? static_cast<uint8_t>(random.below(9)) : random.any<uint8_t>();
  }
}

}  // namespace

std::vector<uint8_t> FrameGenerator::random_bytes(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) {
    byte = random_.any<uint8_t>();
  }
  return bytes;
}

PacketBuilder FrameGenerator::tcp_packet(const Endpoint& source, const Endpoint& destination) {
  PacketBuilder builder = tcp(source, destination);
  const uint8_t flags = random_.pick(kFlags);
  builder.seq(random_.any<uint32_t>()).ack(random_.any<uint32_t>()).window(random_.any<uint16_t>()).flags(flags);
  if ((flags & kTcpSyn) != 0 && random_.one_in(2)) {
    builder.mss(random_.any<uint16_t>()).sack_permitted().wscale(static_cast<uint8_t>(random_.below(15)));
  }
  if (random_.one_in(3)) {
    builder.timestamps(random_.any<uint32_t>(), random_.any<uint32_t>());
  }
  return builder;
}

PacketBuilder FrameGenerator::icmp_packet(const Endpoint& source, const Endpoint& destination) {
  if (random_.one_in(4)) {
    static constexpr uint8_t kTypes[] = {kIcmpTimestampRequest, 5, 42};
    return icmp(source, destination, random_.pick(kTypes), static_cast<uint8_t>(random_.below(5)));
  }
  PacketBuilder builder = icmp_echo(source, destination, random_.pick(world_.identifiers));
  builder.seq(random_.any<uint16_t>());
  return random_.one_in(2) ? builder.reply() : builder;
}

// About a packet that its receiver may have sent.
PacketBuilder FrameGenerator::icmp_error_packet(const Endpoint& source, const Endpoint& destination) {
  static constexpr uint8_t kTypes[] = {kIcmpUnreachable, kIcmpSourceQuench, kIcmpTimeExceeded, kIcmpParameterProblem};
  PacketBuilder quoted;
  switch (random_.below(4)) {
    case 0:
      quoted = udp(destination, source).payload(size_t{40});
      break;
    case 1:
      quoted = icmp_echo(destination, source, random_.pick(world_.identifiers)).payload(size_t{40});
      break;
    case 2:
      quoted = fragments(udp(destination, source).payload(size_t{40}), 24)[random_.below(2)];
      break;
    default:
      quoted = tcp_packet(destination, source);
      break;
  }
  return icmp_error(source, destination, random_.pick(kTypes), static_cast<uint8_t>(random_.below(5)), quoted,
                    28 + random_.below(60));
}

// No-operations around one option that is no source route.
std::vector<uint8_t> FrameGenerator::ip_options() {
  std::vector<uint8_t> options(4 * (1 + random_.below(10)), 1);
  const size_t length = 2 + random_.below(options.size() - 1);
  const size_t at = random_.below(options.size() - length + 1);
  options[at] = 148;
  options[at + 1] = static_cast<uint8_t>(length);
  constexpr size_t kRecordRouteOfOne = 7;
  if (length >= kRecordRouteOfOne && random_.one_in(2)) {
    options[at] = 7;
    options[at + 2] = 4;
  }
  return options;
}

PacketBuilder FrameGenerator::packet() {
  Endpoint source{random_.pick(world_.sources), random_.pick(world_.source_ports)};
  Endpoint destination{random_.pick(world_.destinations), random_.pick(world_.destination_ports)};
  if (random_.one_in(3)) {
    std::swap(source, destination);
  }
  PacketBuilder builder;
  switch (random_.below(16)) {
    case 0:
      return random_.one_in(2)
                 ? arp_request(world_.source_mac, source.address, destination.address)
                 : arp_reply(world_.source_mac, source.address, world_.destination_mac, destination.address);
    case 1:
      builder = other(source, destination, random_.one_in(2) ? 47 : 50);
      break;
    case 2:
    case 3:
    case 4:
      if (random_.one_in(3)) {
        return icmp_error_packet(source, destination).mac(world_.source_mac, world_.destination_mac);
      }
      builder = icmp_packet(source, destination);
      break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
      builder = udp(source, destination);
      if (random_.one_in(4)) {
        builder.no_checksum();
      }
      if (random_.one_in(8)) {
        builder.behind(1 + random_.below(9));
      }
      break;
    default:
      builder = tcp_packet(source, destination);
      break;
  }
  const std::vector<uint8_t> payload = random_bytes(random_.pick(kSizes));
  builder.payload(std::string_view(reinterpret_cast<const char*>(payload.data()), payload.size()));
  builder.mac(world_.source_mac, world_.destination_mac).ttl(static_cast<uint8_t>(1 + random_.below(255)));
  builder.identification(random_.any<uint16_t>()).type_of_service(random_.any<uint8_t>());
  if (random_.one_in(2)) {
    builder.dont_fragment();
  }
  if (random_.one_in(8)) {
    builder.ip_options(ip_options());
  }
  return builder;
}

// What a box meets on a wire and does not carry.
std::vector<uint8_t> FrameGenerator::foreign_frame() {
  const Endpoint source{random_.pick(world_.sources), random_.pick(world_.source_ports)};
  const Endpoint destination{random_.pick(world_.destinations), random_.pick(world_.destination_ports)};
  PacketBuilder datagram = udp(source, destination);
  datagram.mac(world_.source_mac, world_.destination_mac).payload(size_t{64});
  std::vector<uint8_t> frame = datagram.bytes();
  switch (random_.below(4)) {
    case 0:
      datagram.identification(static_cast<uint16_t>(random_.below(4)));
      return random_.pick(fragments(datagram, 8 * (1 + random_.below(4)))).bytes();
    case 1: {
      const uint8_t tag[] = {0x81, 0x00, 0x00, 0x64};
      frame.insert(frame.begin() + 12, tag, tag + 4);
      return frame;
    }
    case 2:
      store(frame, 12, be16(static_cast<uint16_t>(random_.below(0x600))));
      return frame;
    default: {
      frame.resize(kIp);
      store(frame, 12, kEtherTypeIpv6);
      std::vector<uint8_t> packet = random_bytes(sizeof(Ipv6Header) + 24);
      packet[0] = 0x60;
      packet[4] = 0;
      packet[5] = 24;
      frame.insert(frame.end(), packet.begin(), packet.end());
      return frame;
    }
  }
}

std::vector<uint8_t> FrameGenerator::valid_frame() {
  if (random_.one_in(12)) {
    return foreign_frame();
  }
  PacketBuilder builder = packet();
  if (random_.one_in(4)) {
    builder.padding(random_.below(46));
  }
  return builder.bytes();
}

void FrameGenerator::mutate(std::vector<uint8_t>& frame) {
  using Mutation = void (*)(std::vector<uint8_t>&, Random&);
  static constexpr Mutation kMutations[] = {flip_bits, flip_bits,      lie_in_length, lie_in_length,
                                            cut,       garble_options, overwrite,     add_tail};
  for (uint64_t count = 1 + random_.below(3); count > 0 && !frame.empty(); --count) {
    random_.pick(kMutations)(frame, random_);
  }
  if (is_ipv4(frame) && !random_.one_in(4)) {
    repair_ip_checksum(frame);
  }
}

std::vector<uint8_t> FrameGenerator::frame() {
  std::vector<uint8_t> frame = valid_frame();
  if (!random_.one_in(4)) {
    mutate(frame);
  }
  return frame;
}

}  // namespace lapse::test
