#include <algorithm>

#include "control/story/recorder.h"
#include "dataplane/wire/tcp.h"

// What one packet on one link means to the conversation that it belongs to.
namespace lapse::story {
namespace {

constexpr size_t kLookBack = 4 * 32;  // entries: a burst, on its way in and out

bool is_tcp(const Event& event) {
  return event.tuple.protocol == static_cast<uint8_t>(Protocol::kTcp);
}

// How far the segment reaches into the sequence space.
uint32_t sequence_end(const Event& event) {
  return event.sequence + event.payload_length + ((event.tcp_flags & kTcpSyn) != 0 ? 1U : 0U) +
         ((event.tcp_flags & kTcpFin) != 0 ? 1U : 0U);
}

bool is_after(uint32_t left, uint32_t right) {
  return static_cast<int32_t>(left - right) > 0;
}

}  // namespace

Entry Recorder::crossing(Recording& recording, const Event& event, End from_end) {
  Entry entry;
  entry.time = entry.last = event.time;
  entry.from_end = from_end;
  entry.from = box_of(event.from_interface);
  entry.to = box_of(event.to_interface);
  entry.link = event.link;
  entry.tcp_flags = event.tcp_flags;
  entry.payload = event.payload_length;
  entry.sequence = event.sequence;
  entry.frame = event.frame;
  if (is_tcp(event)) {
    entry.role = role_of(recording, event, from_end);
    if ((event.tcp_flags & kTcpRst) != 0) {
      entry.made_by = maker_of_reset(recording, event);
    }
  }
  return entry;
}

// RFC 1122, 4.2.3.6: a keepalive probe repeats the last sequence number, with one byte or none. Told apart per link,
// because the same data byte passes every link of the path.
Role Recorder::role_of(Recording& recording, const Event& event, End from_end) {
  const auto leg_of = [&](End end) -> Leg& {
    for (Leg& leg : recording.legs) {
      if (leg.link == event.link && leg.from_end == end) {
        return leg;
      }
    }
    recording.legs.push_back({.link = event.link, .from_end = end});
    return recording.legs.back();
  };
  leg_of(other(from_end));  // made first: the references below stay valid
  Leg& leg = leg_of(from_end);
  Leg& opposite = leg_of(other(from_end));
  constexpr uint8_t kNotOrdinary = kTcpSyn | kTcpFin | kTcpRst;
  const bool ordinary = (event.tcp_flags & kNotOrdinary) == 0;
  const uint32_t end = sequence_end(event);
  if ((event.tcp_flags & kTcpRst) != 0) {
    return Role::kOrdinary;
  }
  if (leg.known && ordinary && event.payload_length <= 1 && event.sequence == leg.highest_end - 1) {
    leg.probed = true;
    return Role::kKeepalive;
  }
  Role role = Role::kOrdinary;
  if (ordinary && event.payload_length == 0 && opposite.probed) {
    role = Role::kKeepaliveAnswer;
  } else if (leg.known && end != event.sequence && !is_after(end, leg.highest_end)) {
    role = Role::kRepeated;
  }
  opposite.probed = false;
  if (!leg.known || is_after(end, leg.highest_end)) {
    leg.known = true;
    leg.highest_end = end;
  }
  return role;
}

// A box announces its RST before it puts it on the link; an end's own RST has crossed a link from that end.
BoxId Recorder::maker_of_reset(Recording& recording, const Event& event) {
  const auto same = [&](const MadeReset& made) { return made.sequence == event.sequence; };
  auto& made = recording.made_resets;
  if (event.from_interface == kNoInterface) {
    std::erase_if(made, same);
    return kNoBox;
  }
  const auto found = std::find_if(made.rbegin(), made.rend(), same);
  return found == made.rend() ? kNoBox : found->box;
}

// The boxes stand in the order in which the opener's packets meet them.
void Recorder::order_boxes(Conversation& story, const Entry& entry) {
  const bool forward = entry.from_end == End::kOpener;
  const BoxId before = forward ? entry.from : entry.to;
  const BoxId behind = forward ? entry.to : entry.from;
  auto& boxes = story.boxes;
  const auto find = [&](BoxId box) {
    return std::find_if(boxes.begin(), boxes.end(), [&](const auto& known) { return known.box == box; });
  };
  if (before != kNoBox && find(before) == boxes.end()) {
    boxes.insert(behind == kNoBox ? boxes.end() : find(behind), {.box = before});
  }
  if (behind != kNoBox && find(behind) == boxes.end()) {
    boxes.insert(before == kNoBox ? boxes.begin() : find(before) + 1, {.box = behind});
  }
}

// An end's address is the one that its own link shows.
void Recorder::name_ends(Conversation& story, const Event& event, const Entry& entry) {
  EndState& speaker = story.ends[index(entry.from_end)];
  EndState& listener = story.ends[index(other(entry.from_end))];
  if (entry.from == kNoBox) {
    speaker.address = event.tuple.source;
    speaker.port = event.tuple.source_port;
  }
  if (entry.to == kNoBox) {
    listener.address = event.tuple.destination;
    listener.port = event.tuple.destination_port;
  }
}

// The crossing by which the event's packet came into its box.
Entry* Recorder::entering(Conversation& story, const Event& event, End from_end) {
  auto& entries = story.entries;
  const size_t oldest = entries.size() > kLookBack ? entries.size() - kLookBack : 0;
  for (size_t at = oldest; at < entries.size(); ++at) {
    Entry& entry = entries[at];
    if (entry.kind == EntryKind::kCrossing && entry.to == event.box && entry.from_end == from_end && !entry.dropped &&
        !(event.kind == EventKind::kLatePacket && entry.late) && entry.time == event.time &&
        entry.sequence == event.sequence && entry.payload == event.payload_length &&
        entry.tcp_flags == event.tcp_flags) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace lapse::story
