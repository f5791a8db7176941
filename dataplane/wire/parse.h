// parse.h - bytes to a parsed packet, or the reason why not: the only place that checks bounds.
//
// Owner:    none; pure functions of the packet.
// Memory:   none.
// Time:     none.
// Bytes:    fills Packet's offsets (host) and tuple (wire order).
// Cost:     one pass over at most three headers; the IPv4 header checksum is verified, transport checksums are not.
// Lifetime: none.
// Spec:     RFC 791, 792, 768, 826, 894, 9293.
#pragma once

#include <optional>

#include "dataplane/drop_reason.h"
#include "dataplane/packet.h"

namespace lapse {

// On success the header views of packet.kind may be laid over the packet's offsets without another check, and the frame
// has been trimmed to the IP total length. Nothing is written to the frame.
std::optional<DropReason> parse(Packet& packet);

// Whether the TCP, UDP or ICMP checksum is right (a UDP checksum of 0 is, and so is one that covers more than this
// fragment). Reads the whole payload.
bool transport_checksum_is_valid(const Packet& packet);

}  // namespace lapse
