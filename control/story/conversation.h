// conversation.h - one conversation between two ends through its boxes: what happened, and who believes what about it.
//
// Owner:    the recorder; readers get copies.
// Memory:   bounded by the recorder's limits; what is in the middle of a long conversation is folded into sums.
// Time:     virtual, as in the events.
// Bytes:    addresses and ports in wire order.
// Cost:     none.
// Lifetime: a plain value.
// Spec:     design, "Control": the ladder reads the stream of events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/event.h"
#include "dataplane/flow/timeouts.h"

namespace lapse::story {

// The opener sent the first packet that was seen; it stands at the left of the picture.
enum class End : uint8_t { kOpener, kResponder };
constexpr End other(End end) {
  return end == End::kOpener ? End::kResponder : End::kOpener;
}
constexpr size_t index(End end) {
  return static_cast<size_t>(end);
}

// What an end of a TCP connection believes, as far as the packets that it sent and that reached it tell.
enum class Belief : uint8_t {
  kNothing,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinSent,
  kFinReceived,
  kClosed,
  kReset,    // it received a RST
  kRefused,  // it received a RST in answer to its SYN
  kAborted,  // it sent a RST
};
Belief after_sending(Belief belief, uint8_t tcp_flags);
Belief after_receiving(Belief belief, uint8_t tcp_flags);
// There is a connection, for this end.
bool believes(Belief belief);

// What a box knows of the conversation.
enum class BoxState : uint8_t { kNone, kTracking, kClosed, kForgot, kRefused };

enum class EntryKind : uint8_t { kCrossing, kBoxEvent, kFold };

enum class Role : uint8_t { kOrdinary, kKeepalive, kKeepaliveAnswer, kRepeated };

// One packet crossing one link, one event of a box, or a sum of such crossings.
struct Entry {
  Instant time;
  Instant last;  // kFold: of the last packet
  EntryKind kind = EntryKind::kCrossing;
  EventKind event = EventKind::kPacket;
  Role role = Role::kOrdinary;
  End from_end = End::kOpener;  // which end's direction the packet travels in
  DropReason reason = DropReason::kConsumed;
  Told told = Told::kNobody;
  bool dropped = false;    // kCrossing: by the box it entered, or on the link
  bool lost = false;       // kCrossing: dropped on the link: 'to' never saw it
  bool late = false;       // kCrossing: it met no living flow there
  BoxId from = kNoBox;     // kNoBox: the end that speaks
  BoxId to = kNoBox;       // kNoBox: the end that listens; kBoxEvent: the box
  BoxId made_by = kNoBox;  // a RST that no end sent
  LinkId link = kNoLink;
  uint8_t tcp_flags = 0;
  uint8_t timeout_class = 0;
  uint16_t payload = 0;
  uint32_t sequence = 0;
  uint32_t timeout_ms = 0;
  uint64_t frame = 0;   // kCrossing: its beginning in a capture; 0: not kept
  Ipv4Address outside;  // kFlowNew: how the other side of the box sees the opener
  Be16 outside_port;
  uint32_t keepalives = 0;            // kFold
  std::array<uint32_t, 2> packets{};  // kFold: by the end that sent them
  std::array<uint64_t, 2> bytes{};    // kFold: payload
};

struct EndState {
  Ipv4Address address;  // as its own link shows it
  Be16 port;
  bool seen = false;  // a packet left it or reached it
  Belief belief = Belief::kNothing;
  Instant since;            // of a change of belief
  BoxId reset_by = kNoBox;  // kReset, kRefused: the box that made the RST; kNoBox: the other end
  uint64_t packets_sent = 0;
  uint64_t bytes_sent = 0;
  uint64_t packets_received = 0;
};

struct BoxKnowledge {
  BoxId box = kNoBox;
  BoxState state = BoxState::kNone;
  Instant since;
  DropReason reason = DropReason::kConsumed;  // kRefused
  FiveTuple original;                         // of its newest flow
  FiveTuple reply;
};

struct FlowKey {
  BoxId box = kNoBox;
  uint32_t id = kNoFlow;
  uint32_t generation = 0;

  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

// A late packet: an end spoke, and a box no longer knew the connection.
struct LateSpeech {
  Instant time;
  End speaker = End::kOpener;
  Role role = Role::kOrdinary;
  uint8_t tcp_flags = 0;
  uint16_t payload = 0;
  DropReason reason = DropReason::kLate;
  BoxId box = kNoBox;
  Side side{};  // of the box, from which it came
};

// A box forgot a flow of the conversation in silence.
struct Forgetting {
  BoxId box = kNoBox;
  FlowKey flow;
  Instant time;
  uint32_t timeout_ms = 0;
  TimeoutClass timeout_class = TimeoutClass::kOther;
  Told told = Told::kNobody;
  std::array<bool, 2> believed{};  // TCP: which ends still believed in the connection then
};

struct Conversation {
  uint64_t id = 0;  // from 1, in the order of their first packets
  FiveTuple tuple;  // as the opener knows it
  Instant first;
  Instant last;
  std::array<EndState, 2> ends;
  std::vector<BoxKnowledge> boxes;  // in the opener's direction
  std::vector<FlowKey> flows;
  std::vector<Entry> entries;  // as they came; a late notice of an expiry carries an earlier time
  std::vector<Forgetting> forgettings;
  std::vector<LateSpeech> late;
  uint64_t late_packets = 0;
  uint64_t resets_by_boxes = 0;
  uint64_t refusals = 0;

  bool is_tcp() const { return tuple.protocol == static_cast<uint8_t>(Protocol::kTcp); }
  const EndState& end(End which) const { return ends[index(which)]; }
  const BoxKnowledge* box(BoxId id_of_box) const;
  BoxKnowledge& box_or_new(BoxId id_of_box);
  // Nothing more is expected of it.
  bool finished() const;
  // Bytes of payload that the ends sent.
  uint64_t bytes() const { return ends[0].bytes_sent + ends[1].bytes_sent; }
  uint64_t packets() const { return ends[0].packets_sent + ends[1].packets_sent; }
};

// How much the conversation tells about forgetting; 0: nothing.
int telling(const Conversation& conversation);

// The part of a conversation that its entries change one after the other; replayed for a picture.
void apply_to_ends(const Entry& entry, bool is_tcp, std::array<EndState, 2>& ends);
void apply_to_box(const Entry& entry, BoxKnowledge& box);

}  // namespace lapse::story
