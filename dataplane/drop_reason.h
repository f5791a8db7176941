// drop_reason.h - the one list of reasons for which a packet ends here.
//
// Owner:    none; constants.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: static.
// Spec:     every drop has a reason; received + originated = sent + dropped + held.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lapse {

// X(enumerator, stable code, sentence). The enum, the counters' names, the messages and the table in dataplane/README.md
// come from this list.
#define LAPSE_DROP_REASONS(X)                                                                                         \
  X(kFrameTooShort, "FRAME-SHORT", "the frame ends inside a header")                                                  \
  X(kFrameTooLong, "FRAME-LONG", "the frame does not fit a packet buffer or spans several")                           \
  X(kEtherType, "ETHERTYPE", "the frame carries neither IPv4 nor ARP")                                                \
  X(kIpv6, "IPV6", "IPv6 is parsed and not carried yet")                                                              \
  X(kArpMalformed, "ARP-MALFORMED", "the ARP message is not IPv4 over Ethernet or contradicts itself")                \
  X(kIpv4Header, "IPV4-HEADER", "the IPv4 version, header length or total length is impossible")                      \
  X(kIpv4Checksum, "IPV4-CHECKSUM", "the IPv4 header checksum is wrong")                                              \
  X(kIpv4Address, "IPV4-ADDRESS", "the source or destination address cannot be forwarded")                            \
  X(kIpv4Options, "IPV4-OPTIONS", "the IPv4 options are cut short or ask for a source route")                         \
  X(kFragmentHeader, "FRAGMENT-HEADER", "the fragment's length or offset is impossible")                              \
  X(kFragment, "FRAGMENT", "only UDP is carried in fragments")                                                        \
  X(kFragmentOverlap, "FRAGMENT-OVERLAP", "the fragment repeats or contradicts others of its datagram")               \
  X(kFragmentRefused, "FRAGMENT-REFUSED", "the first fragment of the datagram was dropped")                           \
  X(kFragmentTimeout, "FRAGMENT-TIMEOUT", "the datagram's first fragment did not come in time")                       \
  X(kFragmentStoreFull, "FRAGMENT-STORE", "too many fragments were waiting for the first ones of their datagrams")    \
  X(kTcpHeader, "TCP-HEADER", "the TCP data offset is impossible")                                                    \
  X(kTcpFlags, "TCP-FLAGS", "the TCP flags contradict each other")                                                    \
  X(kUdpHeader, "UDP-HEADER", "the UDP length is impossible")                                                         \
  X(kIcmpType, "ICMP-TYPE", "this ICMP message is not carried")                                                       \
  X(kIcmpQuote, "ICMP-QUOTE", "the ICMP error is damaged, or quotes a packet that it cannot be about")                \
  X(kProtocol, "PROTOCOL", "the box does not carry this IP protocol")                                                 \
  X(kNotForUs, "NOT-FOR-US", "the frame is for another station on the link")                                          \
  X(kConsumed, "CONSUMED", "the packet was meant for the box itself and has been dealt with")                         \
  X(kAnswered, "ANSWERED", "the packet was answered; the answer is counted as originated")                            \
  X(kTtl, "TTL", "the time to live ran out and no answer was possible")                                               \
  X(kLoop, "LOOP", "the packet met too many boxes")                                                                   \
  X(kNoRoute, "NO-ROUTE", "no route leads to the destination")                                                        \
  X(kNeighbourQueueFull, "NEIGHBOUR-QUEUE", "too many packets wait for the next hop's address")                       \
  X(kNeighbourUnreachable, "NEIGHBOUR-UNREACHABLE", "the next hop did not answer ARP")                                \
  X(kTransmitQueueFull, "TX-FULL", "the port accepted no more packets")                                               \
  X(kHandoffFull, "HANDOFF-FULL", "the ring to the worker that this packet belongs to was full")                      \
  X(kLinkMtu, "LINK-MTU", "the packet is larger than the link's MTU")                                                 \
  X(kTooBig, "TOO-BIG", "the packet is larger than the next MTU, must not be fragmented, and no answer was possible") \
  X(kLinkLoss, "LINK-LOSS", "the link lost the packet, as its `loss` says")                                           \
  X(kLinkQueueFull, "LINK-QUEUE", "the queue in front of the link was full, as its `rate` says")                      \
  X(kLinkStoreFull, "LINK-STORE", "too many packets were under way on links with a delay or a rate")                  \
  X(kPoolEmpty, "POOL-EMPTY", "no packet buffer was free for the answer or the copy")                                 \
  X(kHairpin, "HAIRPIN", "the packet is addressed to the box's own outside address")                                  \
  X(kUnsolicited, "UNSOLICITED", "no flow asked for this packet")                                                     \
  X(kLate, "LATE-DROP", "the packet belongs to no living flow and is not one that opens one")                         \
  X(kStrayReset, "STRAY-RST", "a RST without a flow is never answered")                                               \
  X(kTableFull, "TABLE-FULL", "the flow table is at its capacity")                                                    \
  X(kPortsExhausted, "PORTS-EXHAUSTED",                                                                               \
    "all source ports towards this destination are in use: the provider's ErrorPortAllocation")                       \
  X(kRateLimit, "RATE-LIMIT", "the box's bandwidth or packet rate was used up")                                       \
  X(kRace, "RACE", "other workers were opening or changing this flow all the while")                                  \
  X(kShutdown, "SHUTDOWN", "the instance stopped while the packet was held")

enum class DropReason : uint8_t {
#define LAPSE_DROP_REASON(name, code, sentence) name,
  LAPSE_DROP_REASONS(LAPSE_DROP_REASON)
#undef LAPSE_DROP_REASON
};

#define LAPSE_DROP_REASON(name, code, sentence) +1
inline constexpr size_t kDropReasonCount = 0 LAPSE_DROP_REASONS(LAPSE_DROP_REASON);
#undef LAPSE_DROP_REASON

struct DropReasonText {
  std::string_view code;
  std::string_view sentence;
};

inline constexpr std::array<DropReasonText, kDropReasonCount> kDropReasonTexts{{
#define LAPSE_DROP_REASON(name, code, sentence) {code, sentence},
    LAPSE_DROP_REASONS(LAPSE_DROP_REASON)
#undef LAPSE_DROP_REASON
}};

constexpr std::string_view code(DropReason reason) {
  return kDropReasonTexts[static_cast<size_t>(reason)].code;
}
constexpr std::string_view sentence(DropReason reason) {
  return kDropReasonTexts[static_cast<size_t>(reason)].sentence;
}

}  // namespace lapse
