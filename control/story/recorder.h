// recorder.h - groups the stream of events into conversations, in bounded memory.
//
// Owner:    whoever feeds it; add() and the readers may be called from any thread.
// Memory:   bounded by its limits: long conversations are folded in the middle, old finished ones are let go first.
// Time:     none but the events'.
// Bytes:    tuples in wire order.
// Cost:     add(): two look-ups and an append.
// Lifetime: the directory outlives it.
// Spec:     design, "Control": the ladder reads the stream of events.
//
// A conversation is what the tuples of a box's flows link together: a packet joins by its tuple, in either direction,
// and a flow event joins the tuple in front of a box to the one behind it. A SYN with a new sequence number on a known
// tuple starts another conversation.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::story {

class Recorder {
 public:
  struct Limits {
    size_t conversations = 2000;
    size_t entries = 400;          // of one conversation
    size_t all_entries = 200'000;  // of all together
  };

  explicit Recorder(const topology::Directory& directory) : Recorder(directory, Limits{}) {}
  Recorder(const topology::Directory& directory, const Limits& limits);

  void add(const Event& event);

  // Calls 'visitor' for each conversation, oldest first, and holds the recorder up meanwhile.
  void visit(const std::function<void(const Conversation&)>& visitor) const;

  // "natgw/17.3", "app:40000", "10.0.1.10:40000", "40000", "app", "#3", or "last": all that match, oldest first.
  std::vector<Conversation> find(std::string_view reference) const;

  // Conversations that were let go to stay within the limits.
  uint64_t forgotten() const;

 private:
  struct Place {
    uint64_t conversation = 0;
    End end = End::kOpener;  // of the canonical tuple's source
  };
  struct Leg {
    LinkId link = kNoLink;
    End from_end = End::kOpener;
    bool known = false;
    bool probed = false;
    uint32_t highest_end = 0;
  };
  struct MadeReset {
    BoxId box = kNoBox;
    uint32_t sequence = 0;
  };
  // A conversation with what is needed only to go on recording it.
  struct Recording {
    Conversation story;
    std::vector<FiveTuple> tuples;  // canonical; keys of places_
    std::vector<Leg> legs;
    std::vector<MadeReset> made_resets;
    uint32_t syn_sequence = 0;
    bool has_syn = false;
  };
  struct TupleHash {
    size_t operator()(const FiveTuple& tuple) const;
  };
  struct FlowHash {
    size_t operator()(const FlowKey& flow) const;
  };

  void add_packet(const Event& event);
  void add_drop(const Event& event);
  void add_flow_event(const Event& event);
  void add_late(const Event& event);
  void add_reset(const Event& event);
  void add_refusal(const Event& event);

  Recording& start(const FiveTuple& tuple, Instant time);
  Recording* at(const FiveTuple& tuple, End& from_end);
  Recording& at_or_new(const FiveTuple& tuple, Instant time, End& from_end);
  Recording* of_flow(const FlowKey& flow);
  void bind(Recording& recording, const FiveTuple& tuple, End from_end);
  void bind_flow(Recording& recording, const FlowKey& flow);

  Entry crossing(Recording& recording, const Event& event, End from_end);
  Role role_of(Recording& recording, const Event& event, End from_end);
  BoxId maker_of_reset(Recording& recording, const Event& event);
  void order_boxes(Conversation& story, const Entry& entry);
  void name_ends(Conversation& story, const Event& event, const Entry& entry);
  Entry* entering(Conversation& story, const Event& event, End from_end);
  void append(Recording& recording, const Entry& entry);
  void append_box_event(Recording& recording, const Event& event);
  void note_expiry(Recording& recording, const Event& event, const FlowKey& flow);
  void fold(Recording& recording);
  void make_room();
  void let_go(uint64_t id);

  BoxId box_of(InterfaceId interface) const;
  bool matches(const Conversation& story, std::string_view reference) const;

  const topology::Directory& directory_;
  Limits limits_;
  mutable std::mutex mutex_;
  uint64_t next_id_ = 1;
  uint64_t forgotten_ = 0;
  size_t entry_count_ = 0;
  std::map<uint64_t, Recording> recordings_;
  std::unordered_map<FiveTuple, Place, TupleHash> places_;
  std::unordered_map<FlowKey, uint64_t, FlowHash> flows_;
};

}  // namespace lapse::story
