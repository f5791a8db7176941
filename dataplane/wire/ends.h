// ends.h - one of the two ends that an IPv4 header names, and replacing its address.
//
// Owner:    none; a function of a header.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     a few instructions.
// Lifetime: none.
// Spec:     RFC 1624 equation 3.
#pragma once

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"

namespace lapse {

enum class End : uint8_t { kSource, kDestination };

// With the header's checksum; returns what the change does to a checksum that covers the address in a pseudo header.
template <End end>
ChecksumDelta replace_address(Ipv4Header& ip, Ipv4Address address) {
  Ipv4Address& field = end == End::kSource ? ip.source : ip.destination;
  ChecksumDelta delta;
  delta.replace(field, address);
  ip.checksum = delta.apply(ip.checksum);
  field = address;
  return delta;
}

}  // namespace lapse
