#include "control/story/recorder.h"

#include <algorithm>
#include <tuple>

#include "control/story/fold.h"
#include "control/story/names.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

constexpr HashKey kHashKey{0x6c61707365ULL, 0x73746f7279ULL};
constexpr size_t kMostTuples = 32;  // of one conversation; a datagram socket may be translated again and again
constexpr size_t kMostNotes = 64;   // forgettings and late speeches of one conversation
constexpr size_t kMostMadeResets = 8;

// One of the two ways to write a tuple, so that both directions find the same place.
FiveTuple canonical(FiveTuple tuple) {
  tuple.scope = 0;
  tuple.reserved = 0;
  const FiveTuple reversed = tuple.reversed();
  const auto rank = [](const FiveTuple& which) {
    return std::tuple(which.source.raw(), which.source_port.raw(), which.destination.raw(),
                      which.destination_port.raw());
  };
  return rank(tuple) <= rank(reversed) ? tuple : reversed;
}

bool is_canonical(FiveTuple tuple) {
  tuple.scope = 0;
  tuple.reserved = 0;
  return canonical(tuple) == tuple;
}

bool is_tcp(const Event& event) {
  return event.tuple.protocol == static_cast<uint8_t>(Protocol::kTcp);
}

bool is_first_syn(const Event& event) {
  return is_tcp(event) && (event.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
}

// A later fragment has no ports, an ICMP error no identifier: they belong to a flow that their headers do not name.
bool names_no_flow(const Event& event) {
  const bool is_packet = event.kind == EventKind::kPacket || event.kind == EventKind::kPacketDropped;
  return is_packet && !is_tcp(event) && event.tuple.source_port == Be16{} && event.tuple.destination_port == Be16{};
}

}  // namespace

size_t Recorder::TupleHash::operator()(const FiveTuple& tuple) const {
  return hash(tuple, kHashKey);
}

size_t Recorder::FlowHash::operator()(const FlowKey& flow) const {
  const uint64_t word = uint64_t{flow.id} << 32 | flow.generation;
  return (word ^ index(flow.box)) * 0x9e3779b97f4a7c15ULL >> 7;
}

Recorder::Recorder(const topology::Directory& directory, const Limits& limits)
    : directory_(directory), limits_(limits) {}

void Recorder::add(const Event& event) {
  if (names_no_flow(event)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  switch (event.kind) {
    case EventKind::kPacket:
      add_packet(event);
      break;
    case EventKind::kPacketDropped:
      add_drop(event);
      break;
    case EventKind::kLatePacket:
      add_late(event);
      break;
    case EventKind::kRstSent:
      add_reset(event);
      break;
    case EventKind::kRejected:
      add_refusal(event);
      break;
    case EventKind::kLinkDown:
    case EventKind::kLinkUp:
      return;  // of no conversation
    default:
      add_flow_event(event);
      break;
  }
  make_room();
}

void Recorder::add_packet(const Event& event) {
  // Between two hosts of one link: no box takes part.
  if (event.from_interface == kNoInterface && event.to_interface == kNoInterface) {
    return;
  }
  End from_end = End::kOpener;
  Recording* recording = &at_or_new(event.tuple, event.time, from_end);
  if (is_first_syn(event)) {
    if (recording->has_syn && recording->syn_sequence != event.sequence) {
      recording = &start(event.tuple, event.time);
      from_end = End::kOpener;
    }
    recording->has_syn = true;
    recording->syn_sequence = event.sequence;
  }
  Entry entry = crossing(*recording, event, from_end);
  if (event.kind == EventKind::kPacketDropped) {
    entry.dropped = entry.lost = true;
    entry.reason = event.reason;
  }
  name_ends(recording->story, event, entry);
  order_boxes(recording->story, entry);
  append(*recording, entry);
}

void Recorder::add_drop(const Event& event) {
  if (event.box == kNoBox) {
    add_packet(event);  // it set out, and the link lost it
    return;
  }
  End from_end = End::kOpener;
  Recording* recording = at(event.tuple, from_end);
  if (recording == nullptr) {
    return;
  }
  if (Entry* entry = entering(recording->story, event, from_end)) {
    entry->dropped = true;
    entry->reason = event.reason;
  }
}

void Recorder::add_late(const Event& event) {
  End from_end = End::kOpener;
  Recording& recording = at_or_new(event.tuple, event.time, from_end);
  Conversation& story = recording.story;
  ++story.late_packets;
  Role role = Role::kOrdinary;
  if (Entry* entry = entering(story, event, from_end)) {
    entry->late = true;
    entry->reason = event.reason;
    entry->told = event.told;
    role = entry->role;
  } else {
    append_box_event(recording, event);
  }
  if (story.late.size() < kMostNotes) {
    story.late.push_back(
        {event.time, from_end, role, event.tcp_flags, event.payload_length, event.reason, event.box, event.side});
  }
}

void Recorder::add_reset(const Event& event) {
  End from_end = End::kOpener;
  Recording& recording = at_or_new(event.tuple, event.time, from_end);
  ++recording.story.resets_by_boxes;
  if (recording.made_resets.size() == kMostMadeResets) {
    recording.made_resets.erase(recording.made_resets.begin());
  }
  recording.made_resets.push_back({event.box, event.sequence});
}

void Recorder::add_refusal(const Event& event) {
  End from_end = End::kOpener;
  Recording& recording = at_or_new(event.tuple, event.time, from_end);
  ++recording.story.refusals;
  append_box_event(recording, event);
}

void Recorder::add_flow_event(const Event& event) {
  const FlowKey flow{event.box, event.flow, event.generation};
  Recording* recording = event.kind == EventKind::kFlowNew ? nullptr : of_flow(flow);
  if (recording == nullptr) {
    End from_end = End::kOpener;
    recording = &at_or_new(event.tuple, event.time, from_end);
    if (event.kind == EventKind::kFlowNew) {
      bind(*recording, event.reply, other(from_end));
      bind_flow(*recording, flow);
    }
  }
  if (event.kind == EventKind::kFlowExpired) {
    note_expiry(*recording, event, flow);
  }
  append_box_event(*recording, event);
}

// What a forgotten flow means depends on who still believes in it at that moment.
void Recorder::note_expiry(Recording& recording, const Event& event, const FlowKey& flow) {
  Conversation& story = recording.story;
  const BoxKnowledge* known = story.box(event.box);
  if ((known != nullptr && known->state == BoxState::kClosed) || story.forgettings.size() == kMostNotes) {
    return;
  }
  Forgetting forgetting{.box = event.box,
                        .flow = flow,
                        .time = event.time,
                        .timeout_ms = event.timeout_ms,
                        .timeout_class = static_cast<TimeoutClass>(event.timeout_class),
                        .told = event.told};
  for (const End end : {End::kOpener, End::kResponder}) {
    forgetting.believed[index(end)] = believes(story.end(end).belief);
  }
  story.forgettings.push_back(forgetting);
}

Recorder::Recording& Recorder::start(const FiveTuple& tuple, Instant time) {
  const uint64_t id = next_id_++;
  Recording& recording = recordings_[id];
  Conversation& story = recording.story;
  story.id = id;
  story.tuple = tuple;
  story.first = story.last = time;
  story.ends[0].address = tuple.source;
  story.ends[0].port = tuple.source_port;
  story.ends[1].address = tuple.destination;
  story.ends[1].port = tuple.destination_port;
  bind(recording, tuple, End::kOpener);
  return recording;
}

Recorder::Recording* Recorder::at(const FiveTuple& tuple, End& from_end) {
  const auto found = places_.find(canonical(tuple));
  if (found == places_.end()) {
    return nullptr;
  }
  from_end = is_canonical(tuple) ? found->second.end : other(found->second.end);
  return &recordings_.at(found->second.conversation);
}

Recorder::Recording& Recorder::at_or_new(const FiveTuple& tuple, Instant time, End& from_end) {
  if (Recording* known = at(tuple, from_end)) {
    return *known;
  }
  from_end = End::kOpener;
  return start(tuple, time);
}

Recorder::Recording* Recorder::of_flow(const FlowKey& flow) {
  const auto found = flows_.find(flow);
  return found == flows_.end() ? nullptr : &recordings_.at(found->second);
}

// The newest conversation on a tuple is the one that its packets belong to.
void Recorder::bind(Recording& recording, const FiveTuple& tuple, End from_end) {
  const FiveTuple key = canonical(tuple);
  places_[key] = {recording.story.id, is_canonical(tuple) ? from_end : other(from_end)};
  auto& tuples = recording.tuples;
  if (std::find(tuples.begin(), tuples.end(), key) != tuples.end()) {
    return;
  }
  if (tuples.size() == kMostTuples) {
    const auto place = places_.find(tuples[1]);
    if (place != places_.end() && place->second.conversation == recording.story.id) {
      places_.erase(place);
    }
    tuples.erase(tuples.begin() + 1);
  }
  tuples.push_back(key);
}

void Recorder::bind_flow(Recording& recording, const FlowKey& flow) {
  auto& flows = recording.story.flows;
  if (flows.size() == kMostTuples) {
    flows_.erase(flows.front());
    flows.erase(flows.begin());
  }
  flows.push_back(flow);
  flows_[flow] = recording.story.id;
}

void Recorder::append_box_event(Recording& recording, const Event& event) {
  Entry entry;
  entry.time = entry.last = event.time;
  entry.kind = EntryKind::kBoxEvent;
  entry.event = event.kind;
  entry.reason = event.reason;
  entry.told = event.told;
  entry.to = event.box;
  entry.timeout_ms = event.timeout_ms;
  entry.timeout_class = event.timeout_class;
  BoxKnowledge& box = recording.story.box_or_new(event.box);
  if (event.kind == EventKind::kFlowNew) {
    box.original = event.tuple;
    box.reply = event.reply;
    entry.outside = event.reply.destination;
    entry.outside_port = event.reply.destination_port;
  }
  apply_to_box(entry, box);
  append(recording, entry);
}

void Recorder::append(Recording& recording, const Entry& entry) {
  Conversation& story = recording.story;
  apply_to_ends(entry, story.is_tcp(), story.ends);
  story.last = std::max(story.last, entry.time);
  story.entries.push_back(entry);
  ++entry_count_;
  if (story.entries.size() >= limits_.entries) {
    fold(recording);
  }
}

void Recorder::fold(Recording& recording) {
  auto& entries = recording.story.entries;
  entry_count_ -= entries.size();
  fold_middle(entries, limits_.entries);
  entry_count_ += entries.size();
}

// In batches, so that a flood of new conversations does not pay for the choice each time.
void Recorder::make_room() {
  if (recordings_.size() <= limits_.conversations && entry_count_ <= limits_.all_entries) {
    return;
  }
  // A connection that waits in silence is what this is all about: it outlives everything that is over or never began.
  const auto worth_of = [](const Conversation& story) {
    const bool held = std::any_of(story.boxes.begin(), story.boxes.end(),
                                  [](const BoxKnowledge& known) { return known.state == BoxState::kTracking; });
    return telling(story) > 0 ? 10 + telling(story) : (story.finished() ? 0 : 1) + (held ? 2 : 0);
  };
  struct Candidate {
    int worth;
    Instant last;
    uint64_t id;
    size_t entries;
  };
  std::vector<Candidate> candidates;
  candidates.reserve(recordings_.size());
  for (const auto& [id, recording] : recordings_) {
    const Conversation& story = recording.story;
    candidates.push_back({worth_of(story), story.last, id, story.entries.size()});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& left, const Candidate& right) {
    return std::tie(left.worth, left.last, left.id) < std::tie(right.worth, right.last, right.id);
  });
  const size_t kept = limits_.conversations - limits_.conversations / 10;
  const size_t kept_entries = limits_.all_entries - limits_.all_entries / 10;
  for (const Candidate& candidate : candidates) {
    if (recordings_.size() <= std::max<size_t>(kept, 1) && entry_count_ <= kept_entries) {
      break;
    }
    let_go(candidate.id);
  }
}

void Recorder::let_go(uint64_t id) {
  const auto found = recordings_.find(id);
  for (const FiveTuple& tuple : found->second.tuples) {
    const auto place = places_.find(tuple);
    if (place != places_.end() && place->second.conversation == id) {
      places_.erase(place);
    }
  }
  for (const FlowKey& flow : found->second.story.flows) {
    flows_.erase(flow);
  }
  entry_count_ -= found->second.story.entries.size();
  recordings_.erase(found);
  ++forgotten_;
}

BoxId Recorder::box_of(InterfaceId interface) const {
  return index(interface) < directory_.interfaces.size() ? directory_.interfaces[index(interface)].box : kNoBox;
}

void Recorder::visit(const std::function<void(const Conversation&)>& visitor) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, recording] : recordings_) {
    visitor(recording.story);
  }
}

std::vector<Conversation> Recorder::find(std::string_view reference) const {
  const std::lock_guard lock(mutex_);
  std::vector<Conversation> found;
  if (reference == "last") {
    const Recording* newest = nullptr;
    for (const auto& [id, recording] : recordings_) {
      if (newest == nullptr || recording.story.last >= newest->story.last) {
        newest = &recording;
      }
    }
    if (newest != nullptr) {
      found.push_back(newest->story);
    }
    return found;
  }
  for (const auto& [id, recording] : recordings_) {
    if (reference == "all" || matches(recording.story, reference)) {
      found.push_back(recording.story);
    }
  }
  return found;
}

bool Recorder::matches(const Conversation& story, std::string_view reference) const {
  if (reference == "#" + std::to_string(story.id)) {
    return true;
  }
  for (const FlowKey& flow : story.flows) {
    if (flow_name(flow, directory_) == reference) {
      return true;
    }
  }
  const auto end_matches = [&](Ipv4Address address, Be16 port) {
    return reference == directory_.name_of(address) || reference == to_string(address) ||
           reference == endpoint_name(address, port, directory_) || reference == endpoint_address(address, port) ||
           reference == std::to_string(port.host());
  };
  const auto tuple_matches = [&](const FiveTuple& tuple) {
    const std::string whole = tuple_name(tuple, directory_);  // also without the protocol in front
    return end_matches(tuple.source, tuple.source_port) || end_matches(tuple.destination, tuple.destination_port) ||
           reference == whole || reference == whole.substr(whole.find(' ') + 1);
  };
  return tuple_matches(story.tuple) || std::any_of(story.boxes.begin(), story.boxes.end(), [&](const auto& known) {
           return known.state != BoxState::kNone && (tuple_matches(known.original) || tuple_matches(known.reply));
         });
}

uint64_t Recorder::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

}  // namespace lapse::story
