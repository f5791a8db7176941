#include "control/explain/codes.h"

#include <algorithm>

#include "control/explain/paragraph.h"

namespace lapse::explain {
namespace {

// Of frames that a sane stack does not make.
constexpr std::string_view kNobodySees = "Nobody is told; the sender retransmits or gives up.";
constexpr std::string_view kCapture = "Capture at the sender: a driver, an offload or a fuzzer made this frame.";

bool equal_in_any_case(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return upper(x) == upper(y); });
}

Entry entry_of(DropReason reason) {
  return {code(reason), "drop", of(reason)};
}
Entry entry_of(EventKind kind) {
  return {code(kind), "event", of(kind)};
}

}  // namespace

// A reason without words does not compile: there is no default.
CodeText of(DropReason reason) {
  const std::string_view meaning = sentence(reason);
  switch (reason) {
    case DropReason::kFrameTooShort:
    case DropReason::kIpv4Header:
    case DropReason::kTcpHeader:
    case DropReason::kTcpFlags:
    case DropReason::kUdpHeader:
    case DropReason::kArpMalformed:
      return {meaning, kNobodySees, kCapture};
    case DropReason::kIpv4Checksum:
      return {meaning, kNobodySees,
              "Capture at the sender. A checksum that was left to an offload and never filled in looks like this: turn "
              "transmit checksum offload off there (ethtool -K DEVICE tx off)."};
    case DropReason::kFrameTooLong:
      return {
          meaning, "Short packets pass and long ones vanish: a connection opens and then hangs on its first big write.",
          "Set one MTU along the path, and on the port (ports.LINK.mtu); turn receive offloads that merge frames off "
          "(ethtool -K DEVICE gro off lro off)."};
    case DropReason::kEtherType:
      return {meaning, "Nobody who speaks IPv4 notices.",
              "Nothing to do for discovery protocols such as LLDP or STP. VLAN tags end here too."};
    case DropReason::kIpv6:
      return {meaning, "IPv6 connections through the box time out; programs that try IPv4 next are only slower.",
              "Use IPv4 addresses. Neighbour discovery of every host ends here as well and means nothing."};
    case DropReason::kIpv4Address:
      return {meaning, kNobodySees, "A source of 0.0.0.0, a loopback or a multicast address does not cross a gateway."};
    case DropReason::kIpv4Options:
      return {meaning, "Nobody but who asked for the way of its packets himself.",
              "Source routes lead around filters; no router of a cloud follows them."};
    case DropReason::kFragment:
      return {meaning,
              "`ping -s 10000` gets no answer; TCP does not notice unless somebody switched its path MTU "
              "discovery off.",
              "Send pings that fit the MTU, less 28 bytes of headers. As with the provider's box."};
    case DropReason::kFragmentHeader:
      return {meaning, kNobodySees, "No sender makes such fragments: somebody tries what a receiver does with them."};
    case DropReason::kFragmentOverlap:
      return {meaning, "A datagram in fragments does not arrive; one that was only repeated does.",
              "A link that duplicates packets looks like this and does no harm. Otherwise somebody writes over what a "
              "filter has seen."};
    case DropReason::kFragmentRefused:
      return {meaning, "The whole datagram is lost.", "The reason of its first fragment says why."};
    case DropReason::kFragmentTimeout:
      return {meaning, "A datagram in fragments does not arrive.",
              "Its first fragment was lost on the way here, or somebody sends only the others."};
    case DropReason::kFragmentStoreFull:
      return {meaning, "Datagrams whose fragments are out of order are lost; others pass.",
              "A flood of fragments: look for who sends so many, or send datagrams that fit the MTU."};
    case DropReason::kIcmpType:
      return {meaning, "ping and traceroute work, other questions (timestamp, router discovery) get no answer.",
              "Echo, and errors about living flows, are translated; nothing else is."};
    case DropReason::kIcmpQuote:
      return {meaning, "Nobody who did not make it up.",
              "An error without right checksums, about a fragment, or addressed to somebody else than the sender of "
              "what it quotes: path MTU discovery would be attacked like this."};
    case DropReason::kProtocol:
      return {meaning, "Everything of this protocol times out.",
              "TCP, UDP and ICMP echo pass, as with the provider's box."};
    case DropReason::kNotForUs:
      return {meaning, "Nobody misses it: a bridge or a promiscuous port showed it to the box.",
              "A large count on one link: look for a neighbour's entry with a wrong address, or a switch that floods."};
    case DropReason::kConsumed:
      return {meaning, "Nothing is missing: ARP for the box's own addresses ends like this.", "Nothing to do."};
    case DropReason::kAnswered:
      return {meaning, "The sender gets the answer: a RST, an echo reply or an ICMP error.",
              "The event beside it (LATE-RST, ICMP-SENT) says what was answered, and why."};
    case DropReason::kTtl:
      return {meaning, "traceroute shows a gap here.",
              "A packet goes in circles, or its sender started it with a low TTL."};
    case DropReason::kLoop:
      return {meaning, "Everything on this path times out.",
              "More than 32 boxes are none: two of them route to each other. Compare their routes and gateways."};
    case DropReason::kNoRoute:
      return {meaning, "The sender waits and is told nothing.",
              "Give the attachment a gateway, or routes: [{to, via}] that cover the destination."};
    case DropReason::kNeighbourQueueFull:
      return {meaning, "The first packets to a new next hop are lost; later ones pass.",
              "If it goes on, the next hop does not answer ARP: see NEIGHBOUR-UNREACHABLE."};
    case DropReason::kNeighbourUnreachable:
      return {meaning, "Connections through this next hop time out.",
              "Is the host up, and on that link? A generator that answers no ARP needs neighbours: {IP: MAC}."};
    case DropReason::kTransmitQueueFull:
      return {meaning, "Loss under load; TCP slows down and recovers.",
              "The device or the host behind it takes less than is sent. More queues, or less load."};
    case DropReason::kHandoffFull:
      return {meaning, "Loss under load; TCP slows down and recovers.",
              "A worker is behind: give the port as many queues as there are workers, or start more of them."};
    case DropReason::kLinkMtu:
      return {
          meaning, "Short packets pass and long ones vanish: a connection opens and then hangs on its first big write.",
          "Hosts on the link know its mtu; those behind a box do not. Set one mtu along the path, or a smaller MSS."};
    case DropReason::kTooBig:
      return {meaning, "A connection opens and hangs on its first big write.",
              "Errors about errors and about later fragments are never sent; else no buffer was free for the answer."};
    case DropReason::kLinkLoss:
      return {meaning, "TCP retransmits and is slower; a keepalive probe or its answer is not repeated.",
              "It is what links.LINK.loss asks for. More keepalive probes outlive more losses in a row."};
    case DropReason::kLinkQueueFull:
      return {meaning, "Loss under load; TCP slows down and recovers.",
              "More is sent than links.LINK.rate carries: a higher rate, or less load."};
    case DropReason::kLinkStoreFull:
      return {meaning, "Loss under load; TCP slows down and recovers.",
              "A worker holds 8192 packets on all links together: a shorter delay, less load, or more workers."};
    case DropReason::kPoolEmpty:
      return {meaning, "The answer that the box owed (a RST, an ICMP error) was not sent: its receiver hangs instead.",
              "All buffers are in use: traffic comes faster than it leaves."};
    case DropReason::kHairpin:
      return {meaning, "An inside host that speaks to the outside address of its own gateway waits in vain.",
              "A NAT gateway does not turn traffic around: use the inside address."};
    case DropReason::kUnsolicited:
      return {meaning, "Whoever called from outside waits in vain: no flow leads in.",
              "A NAT gateway opens flows from inside only. If the inside had opened one, the box has forgotten it: "
              "`lapse ctl "
              "events` has its FLOW-EXPIRED."};
    case DropReason::kLate:
      return {meaning,
              "The sender is told nothing: it retransmits for minutes and hangs, and the other end knows nothing.",
              "The flow was idle for longer than the box's timeout. Send keepalives in less than that, or give up the "
              "connection before the box does."};
    case DropReason::kStrayReset:
      return {meaning, "Nothing: answering a RST would start a quarrel.",
              "Its connection was forgotten here before one end reset it."};
    case DropReason::kTableFull:
      return {meaning, "New connections time out, living ones go on.",
              "Raise capacity, shorten the timeouts, or find who opens so many (`lapse ctl flows`)."};
    case DropReason::kPortsExhausted:
      return {
          meaning, "New connections to this destination time out, others pass.",
          "55,000 for each outside address and destination: add outside addresses, reuse connections, or close them."};
    case DropReason::kRateLimit:
      return {meaning, "Loss under load; TCP slows down and recovers.",
              "Less load, several gateways, or a higher bandwidth or packet_rate of the box."};
    case DropReason::kRace:
      return {meaning, "One packet of a new connection is lost, and sent again.",
              "Nothing to do unless it counts by thousands: two ends open the same flow at the same time."};
    case DropReason::kShutdown:
      return {meaning, "What the box still held when it was ended.", "Nothing to do."};
  }
  return {};
}

CodeText of(EventKind kind) {
  switch (kind) {
    case EventKind::kFlowNew:
      return {"the box opened a flow: it saw a first packet and translates what follows",
              "Nobody is told; the connection goes on.", "Nothing to do."};
    case EventKind::kFlowEstablished:
      return {"the handshake is complete: from now on the timeout of established connections counts",
              "Nobody is told; the connection goes on.", "Nothing to do."};
    case EventKind::kFlowClosing:
      return {"one end sent a FIN: the shorter timeout of closing connections counts",
              "Nobody is told; what the other end still has to say passes until that timeout.",
              "A half-closed connection that is silent for longer is forgotten: timeouts.tcp_closing."};
    case EventKind::kFlowClosed:
      return {"both ends sent a FIN, or one a RST: the flow lingers for timeouts.tcp_closed and goes",
              "Both ends know already.", "Nothing to do."};
    case EventKind::kFlowExpired:
      return {"the flow was idle for its whole timeout and the box forgot it",
              "Nobody is told: both ends still believe in the connection. Who speaks next meets LATE-RST or LATE-DROP.",
              "Keepalives in less than the timeout on the leg that crosses the box (TCP_KEEPIDLE; the default of 7200 "
              "s is too "
              "late), or an idle limit in the program that is shorter than the box's."};
    case EventKind::kFlowReleased:
      return {"the address that the flow was translated to was disassociated, and its drain is over",
              "Nobody is told. Who speaks next meets LATE-RST or LATE-DROP.",
              "A longer MaxDrainDurationSeconds (4000 at most), or connections that are renewed within it."};
    case EventKind::kLatePacket:
      return {"a packet came for which there is no flow: forgotten, or never seen",
              "As the box's late_packet says: a RST to who spoke, or silence.",
              "Look for the FLOW-EXPIRED before it: its timeout is the one that was too short."};
    case EventKind::kRstSent:
      return {"the box answered a late packet by a RST in the name of the other end",
              "Who spoke gets ECONNRESET (or EPIPE); the other end is told nothing and keeps its connection.",
              "A pooled connection was reused after the box had forgotten it: discard idle connections sooner, send "
              "keepalives, or retry what may be retried."};
    case EventKind::kIcmpSent:
      return {"the box answered by an ICMP error",
              "The sender's socket may get EHOSTUNREACH or show a hop in traceroute.",
              "The reason beside it says why."};
    case EventKind::kRejected:
      return {"the box refused to open a flow", "Whoever opened it waits and tries again.",
              "The reason beside it says why: TABLE-FULL, PORTS-EXHAUSTED or RACE."};
    case EventKind::kPacket:
      return {"a packet crossed a link", "It goes on to the next station.", "Nothing to do."};
    case EventKind::kPacketDropped:
      return {"a packet ended here", "As the reason beside it says.", "`lapse explain` that reason."};
    case EventKind::kLinkDown:
      return {"a port has lost its carrier", "Packets in both directions are lost; flows live on in the boxes.",
              "Look at the cable, the other end's device or process. It is told again when it is up: LINK-UP."};
    case EventKind::kLinkUp:
      return {"a port has its carrier again", "Connections go on where they were, after their retransmission.",
              "Nothing to do."};
  }
  return {};
}

std::vector<Entry> all() {
  std::vector<Entry> entries;
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    entries.push_back(entry_of(static_cast<EventKind>(kind)));
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    entries.push_back(entry_of(static_cast<DropReason>(reason)));
  }
  return entries;
}

std::optional<Entry> find(std::string_view wanted) {
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    const auto event = static_cast<EventKind>(kind);
    if (equal_in_any_case(wanted, code(event)) || wanted == name(event)) {
      return entry_of(event);
    }
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    if (const auto drop = static_cast<DropReason>(reason); equal_in_any_case(wanted, code(drop))) {
      return entry_of(drop);
    }
  }
  return std::nullopt;
}

std::vector<Entry> with_prefix(std::string_view prefix) {
  std::vector<Entry> entries = all();
  std::erase_if(entries, [&](const Entry& entry) { return prefix.empty() || !entry.code.starts_with(prefix); });
  return entries;
}

std::string text(const Entry& entry) {
  std::string text(entry.code);
  text.append("  (").append(entry.kind).append(")\n");
  add_paragraph(text, "  meaning", entry.explanation.meaning);
  add_paragraph(text, "  seen", entry.explanation.seen);
  add_paragraph(text, "  remedy", entry.explanation.remedy);
  return text;
}

}  // namespace lapse::explain
