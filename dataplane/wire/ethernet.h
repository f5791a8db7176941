// ethernet.h - the view of an Ethernet II header.
//
// Owner:    none; laid over a packet's bytes.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     none.
// Lifetime: as the frame it is laid over.
// Spec:     RFC 894; IEEE 802.3 clause 3.
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                      Destination address                      |
// +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                               |                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+        Source address         +
// |                                                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |             Type              |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

inline constexpr uint16_t kUsualMtu =
    1500;  // RFC 894: the largest packet that a frame carries unless somebody says more

inline constexpr Be16 kEtherTypeIpv4 = be16(0x0800);
inline constexpr Be16 kEtherTypeArp = be16(0x0806);
inline constexpr Be16 kEtherTypeVlan = be16(0x8100);
inline constexpr Be16 kEtherTypeIpv6 = be16(0x86dd);

}  // namespace lapse
