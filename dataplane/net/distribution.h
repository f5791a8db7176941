// distribution.h - which worker a packet goes to where the hardware has not decided it.
//
// Owner:    none; pure functions of the packet.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     one 64x64->128 multiply.
// Lifetime: none.
// Spec:     design, "The packet's way". As a NIC's hash it is public: whoever aims flows at one worker slows that one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/flow/tuple.h"
#include "dataplane/ids.h"
#include "dataplane/wire/ipv4.h"

namespace lapse {

inline WorkerId spread(uint64_t left, uint64_t right, size_t workers) {
  const auto product = static_cast<unsigned __int128>(left ^ 0x9e3779b97f4a7c15ULL) * (right ^ 0xd1b54a32d192ed03ULL);
  const auto mixed = static_cast<uint32_t>(static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product));
  return WorkerId{static_cast<uint8_t>(uint64_t{mixed} * workers >> 32)};
}

// The same for both directions of a conversation on one link.
inline WorkerId worker_of_flow(const FiveTuple& tuple, size_t workers) {
  const uint64_t source = uint64_t{tuple.source.raw()} << 16 | tuple.source_port.raw();
  const uint64_t destination = uint64_t{tuple.destination.raw()} << 16 | tuple.destination_port.raw();
  const auto [low, high] = std::minmax(source, destination);
  return spread(low, high | uint64_t{tuple.protocol} << 48, workers);
}

// The same for all fragments of a datagram, of which only the first knows its ports.
inline WorkerId worker_of_fragment(const Ipv4Header& ip, size_t workers) {
  return spread(ip.source.raw() | uint64_t{ip.identification.raw()} << 32, ip.destination.raw(), workers);
}

}  // namespace lapse
