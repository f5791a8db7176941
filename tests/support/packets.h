// packets.h - packets in the words of a trace, to send in tests and to expect.
//
// Owner:    the test.
// Memory:   build() takes a packet from the pool that it is given; the test releases it.
// Time:     none.
// Bytes:    host integers here, wire order in the frame.
// Cost:     none that matters.
// Lifetime: builders are values.
// Spec:     dataplane/wire/notation.h has the same words as text.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"

#include "dataplane/drop_reason.h"
#include "dataplane/packet.h"
#include "dataplane/packet_pool.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/notation.h"

namespace lapse {

// How GoogleTest shows these when a test fails.
void PrintTo(const Packet& packet, std::ostream* out);
void PrintTo(const FiveTuple& tuple, std::ostream* out);
void PrintTo(DropReason reason, std::ostream* out);

namespace test {

struct Endpoint {
  Ipv4Address address;
  uint16_t port = 0;
  bool port_is_any = false;  // in expectations only

  Endpoint any_port() const { return {address, 0, true}; }
  Endpoint with_port(uint16_t other) const { return {address, other, false}; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// These throw std::invalid_argument, which fails the test, when 'address' is none.
Endpoint endpoint(std::string_view address, uint16_t port = 0);
Ipv4Address ip(std::string_view address);
MacAddress mac(std::string_view address);

// Frames carry these unless mac() says otherwise.
inline constexpr MacAddress kSenderMac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr MacAddress kReceiverMac{{0x02, 0, 0, 0, 0, 0x02}};

// One packet: what to build, or what to expect. What is not said gets a usual value when it is built, and is not
// checked when it is expected.
class PacketBuilder {
 public:
  // ---- TCP: naming a flag names them all; a segment that names none is built as an ACK ----
  PacketBuilder& syn();
  PacketBuilder& fin();
  PacketBuilder& rst();
  PacketBuilder& push();
  PacketBuilder& ack(uint32_t number);
  PacketBuilder& flags(uint8_t flags);  // exactly these, also those that no parser accepts
  PacketBuilder& seq(uint32_t number);  // of an ICMP echo: its sequence number
  PacketBuilder& window(uint16_t window);
  PacketBuilder& mss(uint16_t bytes);
  PacketBuilder& wscale(uint8_t shift);
  PacketBuilder& sack_permitted();
  PacketBuilder& timestamps(uint32_t value, uint32_t echo);
  PacketBuilder& tcp_options(std::vector<uint8_t> bytes);  // as they are; padded to a multiple of 4

  // ---- UDP ----
  PacketBuilder& no_checksum();        // 0, as a sender that computes none
  PacketBuilder& behind(size_t size);  // bytes between the end of the datagram and the end of the IP packet

  // ---- ICMP ----
  PacketBuilder& reply();  // an echo reply instead of a request
  PacketBuilder& identifier(uint16_t identifier);
  PacketBuilder& next_mtu(uint16_t mtu);  // of an error that says fragmentation is needed
  PacketBuilder& any_identifier();        // in expectations only

  // ---- every kind ----
  PacketBuilder& payload(std::string_view bytes);
  PacketBuilder& payload(size_t size);  // some bytes; in expectations only their number counts
  PacketBuilder& ttl(uint8_t ttl);
  PacketBuilder& type_of_service(uint8_t type_of_service);
  PacketBuilder& identification(uint16_t identification);
  PacketBuilder& dont_fragment();
  PacketBuilder& fragment(uint16_t offset_in_8_bytes, bool more);
  PacketBuilder& ip_options(std::vector<uint8_t> bytes);  // as they are; padded to a multiple of 4
  PacketBuilder& mac(const MacAddress& source, const MacAddress& destination);
  PacketBuilder& padding(size_t size);  // behind the IP packet, as Ethernet pads short frames
  PacketBuilder& bad_checksum();        // of the transport header
  PacketBuilder& bad_ip_checksum();

  // The whole frame.
  std::vector<uint8_t> bytes() const;
  // The frame in a packet of 'pool', parsed. Throws std::logic_error, which fails the test, when the pool is empty or
  // the frame is one that parse() refuses: raw_frame(pool, builder.bytes()) takes those.
  Packet* build(PacketPool& pool) const;

  std::string describe() const;  // in the notation; what is not said stands as 0

 private:
  friend class PacketFactory;
  friend class Comparison;
  friend std::vector<PacketBuilder> fragments(const PacketBuilder& datagram, size_t size);

  PacketKind kind_ = PacketKind::kTcp;
  Endpoint source_;
  Endpoint destination_;
  uint8_t protocol_ = 0;
  bool any_destination_ = false;  // the text of an ARP reply does not say whom it is for

  std::optional<uint8_t> flags_;
  std::optional<uint32_t> sequence_;
  std::optional<uint32_t> acknowledgement_;
  std::optional<uint16_t> window_;
  std::optional<std::vector<uint8_t>> tcp_options_;
  std::optional<std::string> payload_;
  std::optional<uint8_t> ttl_;
  std::optional<uint8_t> type_of_service_;
  std::optional<uint16_t> identification_;
  std::optional<uint16_t> fragment_;  // the header field
  std::optional<std::vector<uint8_t>> ip_options_;
  std::optional<std::vector<uint8_t>> transport_;  // of a fragment: what it carries of its datagram
  std::optional<MacAddress> source_mac_;
  std::optional<MacAddress> destination_mac_;
  std::optional<uint16_t> identifier_;
  uint8_t icmp_type_ = 0;
  uint8_t icmp_code_ = 0;
  uint16_t arp_operation_ = 0;
  std::optional<MacAddress> arp_target_mac_;
  size_t padding_ = 0;
  size_t behind_ = 0;
  bool only_payload_size_ = false;
  bool no_checksum_ = false;
  bool bad_checksum_ = false;
  bool bad_ip_checksum_ = false;
};

PacketBuilder tcp(const Endpoint& source, const Endpoint& destination);
PacketBuilder udp(const Endpoint& source, const Endpoint& destination);
PacketBuilder icmp_echo(const Endpoint& source, const Endpoint& destination, uint16_t identifier);
// Another ICMP message; 'payload' begins behind the first 8 bytes.
PacketBuilder icmp(const Endpoint& source, const Endpoint& destination, uint8_t type, uint8_t code);
// An error about 'quoted', of which it shows at most 'size' bytes, IP header included; the rest is as icmp().
PacketBuilder icmp_error(const Endpoint& source, const Endpoint& destination, uint8_t type, uint8_t code,
                         const PacketBuilder& quoted, size_t size = 548);
// The UDP datagram in fragments that carry 'size' bytes each, a multiple of 8, but for the last one.
std::vector<PacketBuilder> fragments(const PacketBuilder& datagram, size_t size);
PacketBuilder other(const Endpoint& source, const Endpoint& destination, uint8_t protocol);
PacketBuilder arp_request(const MacAddress& sender_mac, Ipv4Address sender, Ipv4Address target);
PacketBuilder arp_reply(const MacAddress& sender_mac, Ipv4Address sender, const MacAddress& target_mac,
                        Ipv4Address target);
// From the notation: all that the text says, and nothing else. Throws std::invalid_argument.
PacketBuilder packet(std::string_view text);

// What differs between 'expected' and 'actual', or nothing. Fields that 'expected' does not say are not looked at.
// Checked in any case: the frame parses, offsets and tuple are those of its headers, and every checksum is right.
std::optional<std::string> matches(const PacketBuilder& expected, const Packet& actual);

// EXPECT_THAT(*packet, is(tcp(client, web).syn())), and the same with a pointer, which must not be null.
class PacketMatcher {
 public:
  using is_gtest_matcher = void;

  explicit PacketMatcher(PacketBuilder expected) : expected_(std::move(expected)) {}
  bool MatchAndExplain(const Packet& actual, testing::MatchResultListener* listener) const;
  bool MatchAndExplain(const Packet* actual, testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  PacketBuilder expected_;
};
inline PacketMatcher is(PacketBuilder expected) {
  return PacketMatcher(std::move(expected));
}

// Any bytes in a packet of 'pool', not parsed. Throws std::logic_error when the pool is empty.
Packet* raw_frame(PacketPool& pool, std::span<const uint8_t> bytes);

// ---- reading a parsed packet ----
Endpoint source_of(const Packet& packet);
Endpoint destination_of(const Packet& packet);
uint32_t sequence_of(const Packet& packet);         // TCP
uint32_t acknowledgement_of(const Packet& packet);  // TCP
uint8_t ttl_of(const Packet& packet);
uint16_t identifier_of(const Packet& packet);  // ICMP query
std::string payload_of(const Packet& packet);
std::vector<uint8_t> bytes_of(const Packet& packet);

}  // namespace test
}  // namespace lapse
