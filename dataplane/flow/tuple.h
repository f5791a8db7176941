// tuple.h - what identifies a flow on one side of a box, and its keyed hash.
//
// Owner:    none; plain values.
// Memory:   none.
// Time:     none.
// Bytes:    wire order, exactly as parsed: no swap per packet.
// Cost:     hash(): two 64x64->128 multiplies.
// Lifetime: none.
// Spec:     RFC 4787 section 2 (endpoint), RFC 5508 section 3.1 (ICMP query identifier in the place of a port).
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

// Values of the IPv4 protocol field that some box carries.
enum class Protocol : uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17 };

// Source and destination of one direction. For an ICMP query the identifier stands in the place of the port of the side
// that asked, and the other port is 0: a request has it as source port, a reply as destination port.
struct FiveTuple {
  Ipv4Address source;
  Ipv4Address destination;
  Be16 source_port;
  Be16 destination_port;
  uint8_t protocol = 0;
  uint8_t scope = 0;  // tells apart flows that share addresses and must not share state (an endpoint, a zone); else 0
  uint16_t reserved = 0;

  constexpr FiveTuple reversed() const {
    return {destination, source, destination_port, source_port, protocol, scope, reserved};
  }
  friend constexpr bool operator==(const FiveTuple&, const FiveTuple&) = default;
};
static_assert(sizeof(FiveTuple) == 16);

// "tcp 10.0.1.10:40000 > 203.0.113.80:443", "icmp 10.0.1.10 > 203.0.113.80 id 7".
std::string to_string(const FiveTuple& tuple);

// Whoever builds a table supplies the key: sim from the scenario's seed, run and lab from the kernel.
struct HashKey {
  uint64_t first = 0;
  uint64_t second = 0;
};

// Keyed and not linear in the tuple, so that nobody outside can aim flows at one bucket.
inline uint64_t hash(const FiveTuple& tuple, const HashKey& key) {
  uint64_t addresses;
  uint64_t rest;
  __builtin_memcpy(&addresses, &tuple, 8);
  __builtin_memcpy(&rest, reinterpret_cast<const char*>(&tuple) + 8, 8);
  const auto fold = [](uint64_t left, uint64_t right) {
    const auto product = static_cast<unsigned __int128>(left) * right;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const uint64_t mixed = fold(addresses ^ key.first, rest ^ key.second);
  return fold(mixed ^ 0x9e3779b97f4a7c15ULL, key.first ^ (key.second << 1 | 1));
}

}  // namespace lapse
