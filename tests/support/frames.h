// frames.h - endless frames of every kind, from one seed: right ones, and right ones that something happened to.
//
// Owner:    the test or fuzzer.
// Memory:   allocates.
// Time:     none.
// Bytes:    whole frames.
// Cost:     a few allocations a frame.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/wire/address.h"
#include "tests/support/packets.h"
#include "tests/support/random.h"

namespace lapse::test {

// Who talks to whom. A small world, so that frames meet each other's flows.
struct FrameWorld {
  std::vector<Ipv4Address> sources{ip("10.0.1.10"), ip("10.0.1.11"), ip("10.0.1.12")};
  std::vector<Ipv4Address> destinations{ip("203.0.113.80"), ip("203.0.113.53")};
  std::vector<uint16_t> source_ports{40000, 40001, 40002, 65535, 0};
  std::vector<uint16_t> destination_ports{443, 53, 80, 0};
  std::vector<uint16_t> identifiers{0, 7, 4711};
  MacAddress source_mac = kSenderMac;
  MacAddress destination_mac = kReceiverMac;
};

class FrameGenerator {
 public:
  explicit FrameGenerator(uint64_t seed, FrameWorld world = {}) : random_(seed), world_(std::move(world)) {}

  // TCP, UDP, ICMP echo, ICMP errors, other ICMP, other protocols or ARP: one that parse() takes, with right checksums.
  PacketBuilder packet();

  // As it leaves a sender that does nothing wrong; beside packet(): fragments, IPv6, 802.1Q, LLC, padding.
  std::vector<uint8_t> valid_frame();

  // One to three of: flipped bits, a lie in a length field, garbage options, a cut, a tail, overwritten bytes. Mostly
  // the IPv4 header checksum is made right again afterwards, so that the damage is met where it was done.
  void mutate(std::vector<uint8_t>& frame);

  // Mostly mutated.
  std::vector<uint8_t> frame();

  Random& random() { return random_; }

 private:
  PacketBuilder tcp_packet(const Endpoint& source, const Endpoint& destination);
  PacketBuilder icmp_packet(const Endpoint& source, const Endpoint& destination);
  PacketBuilder icmp_error_packet(const Endpoint& source, const Endpoint& destination);
  std::vector<uint8_t> foreign_frame();
  std::vector<uint8_t> ip_options();
  std::vector<uint8_t> random_bytes(size_t size);

  Random random_;
  FrameWorld world_;
};

}  // namespace lapse::test
