// flow_table.h - the lock-free connection tracking table of one box.
//
// Owner:    the box; shared by all workers. find() waits for nobody; insert and kill are lock-free.
// Memory:   allocated in the constructor (untouched pages cost nothing), never after.
// Time:     callers pass ticks of virtual time; nothing here reads a clock.
// Bytes:    keys are in wire order, exactly as parsed.
// Cost:     find(): bucket line + record line. Insert: two bucket lines and the record line. Stamp: one store.
// Lifetime: a FlowRef is valid until the calling worker's next quiescent state.
// Spec:     design, "The flow table"; RFC 4787 REQ-5, RFC 5382 REQ-5.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/flow/flow.h"
#include "dataplane/flow/flow_index.h"
#include "dataplane/flow/flow_steps.h"
#include "dataplane/flow/mapped_memory.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/flow/timing_wheel.h"
#include "dataplane/flow/tuple.h"
#include "dataplane/ids.h"
#include "dataplane/quiescence.h"
#include "dataplane/time.h"

namespace lapse {

// A flow as one worker saw it: 'control' is what the record's control word held, and what a swap expects to find.
struct FlowRef {
  FlowRecord* record = nullptr;
  FlowId id{};
  Direction direction = Direction::kOriginal;
  FlowControl control;

  explicit operator bool() const { return record != nullptr; }
};

// Told of each death that the table itself notices, by the one worker whose swap made it final.
class ExpiryListener {
 public:
  virtual ~ExpiryListener() = default;
  // The flow's timeout ran out at 'deadline' (virtual, in ticks: last seen + timeout). Ports are given back here.
  virtual void on_expired(const FlowRef& flow, Tick deadline) = 0;
};

class FlowTable {
 public:
  struct Options {
    uint32_t capacity = 65536;  // living flows
    size_t workers = 1;
    Comparator comparator = Comparator::kAtLeast;
    HashKey hash_key;
  };

  FlowTable(const Options& options, Quiescence& quiescence);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  Timeouts& timeouts() { return timeouts_; }
  const Timeouts& timeouts() const { return timeouts_; }
  uint32_t capacity() const { return options_.capacity; }
  uint32_t live_count() const;  // flows whose death nobody has noticed yet included

  // ---- the three passes of a burst ----
  uint64_t hash(const FiveTuple& key) const { return lapse::hash(key, options_.hash_key); }
  void prefetch_bucket(uint64_t hash) const;
  // What the second pass has seen of the index; good until the burst ends.
  enum class Guess : uint64_t {};
  // At most 32 keys; 'guesses' has as many places.
  void prefetch_records(std::span<const uint64_t> hashes, Guess* guesses) const;

  // The live record whose original or reply tuple is 'key', whether or not its time is over: see is_over().
  FlowRef find(const FiveTuple& key, uint64_t hash) const;
  // The same in the third pass: the index is scanned only when the guess is wrong. False, and 'found' as it was, when
  // there is none.
  bool find(const FiveTuple& key, uint64_t hash, Guess guess, FlowRef& found) const;

  // When the timeout of a flow that is over at 'now' ran out: last seen + timeout, for the event about its death. Read
  // before kill(): a worker that found the flow alive may still stamp it.
  std::optional<Tick> expired(const FlowRef& flow, Tick now) const;
  bool is_over(const FlowRef& flow, Tick now) const { return expired(flow, now).has_value(); }
  // The first tick at which it is over: a tick later than it expired where the comparator is '>'.
  Tick deadline(const FlowRef& flow) const;

  // ---- transitions; each is one swap of the control word ----
  // Makes the death of 'flow' final. True for exactly one caller, who counts it and tells; the record is reclaimed
  // later. False when it has died meanwhile or another worker moved it: look again.
  bool kill(const FlowRef& flow);
  // Moves 'flow' on; false when it has died meanwhile or another worker moved it: look again. Updates 'flow.control'.
  bool transition(FlowRef& flow, TcpState state, TimeoutClass timeout_class);
  // Marks activity: forward only, also when a burst that began later was faster, and only when the tick has changed.
  // Keeps the cadence, except across a clock jump.
  void stamp(const FlowRef& flow, Tick now, Tick last_jump);

  // ---- a new flow ----
  // A record in the state 'opening', owned by 'worker', or none: the table is full of living flows. Flows that are over,
  // whoever owns them, are killed to make room, through 'listener'. The caller fills the protocol and the scope, and by
  // set_original() and set_reply() both tuples; a tuple may be set again until it is put.
  FlowRef open(WorkerId worker, Tick now, ExpiryListener& listener);

  enum class Put : uint8_t { kInserted, kTaken };
  // Put-if-absent of one of the record's two tuples. kTaken: a flow that is not over has this key; 'holder' names it
  // (and may still be opening: then its record is null), or another put of this key is under way. A flow that is over
  // and in the way is killed, through 'listener'.
  Put put(const FlowRef& opening, Direction direction, uint64_t hash, Tick now, ExpiryListener& listener,
          FlowRef* holder = nullptr);
  // Makes the flow visible to find(), stamped 'now'. Both keys are in. Updates 'opening.control'.
  void publish(FlowRef& opening, TcpState state, TimeoutClass timeout_class, Tick now);
  // Takes back what was put, and the record.
  void roll_back(const FlowRef& opening);

  // Kills flows that are over, first those of 'worker', then those of workers that are behind, looking at 'budget'
  // records at most and only at those whose time has come by the wheel: for whoever finds something used up that such a
  // flow may hold. Returns the number looked at.
  size_t reap(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener);

  // ---- reclaim: the owner's own flows, between bursts ----
  // Drains the inbox, kills and unlinks what is over, files living flows again, frees records after their grace period:
  // at most 'budget' records. Returns the number of records worked on; 0 also while another worker that needs room
  // does this one's work.
  size_t advance(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener);
  // No flow of this worker is over before this tick; none when it has no flows. `now` when work is waiting. A lower
  // bound: the flow that it is about may have been seen since, and a distant deadline is known to the slot of the
  // wheel. From bound to bound an idle flow is reached in at most TimingWheel::kLevels steps.
  std::optional<Tick> next_deadline(WorkerId worker, Tick now) const;

  // ---- control ----
  // Copies record 'id' when it is live. The caller reads slices and goes quiescent between them.
  std::optional<FlowSnapshot> snapshot(FlowId id) const;
  uint32_t record_count() const;  // ids run from 0 to here
  size_t memory_bytes() const;    // index, records, wheel and the rest, as mapped
  uint32_t free_count() const;    // for tests: records in free lists; no worker may be in the table
  const FlowIndex& key_index() const { return index_; }  // for tests and metrics
  // Makes index, wheels, inboxes and free lists anew from the records, after a worker stopped in the middle of
  // anything: what was live lives on, what was opening is gone. No worker may be in the table.
  void rebuild();

 private:
  struct Owner;
  class Turn;
  struct Chain;
  struct Batch;
  enum class Claim : uint8_t;

  static constexpr size_t kReapForRoom = 8;  // records looked at before it is tried again
  static constexpr size_t kReapRounds = 8;   // times that a packet finds no room and looks for some more

  FlowRecord& record(FlowId id) const { return records_[index(id)]; }
  Owner& owner(WorkerId worker) const;

  bool match(FlowIndex::Word word, const FiveTuple& key, FlowRef& found) const;

  // flow_table.cc
  bool scan(const FiveTuple& key, uint64_t hash, FlowRef& found) const;
  Claim judge(FlowIndex::Word word, const FiveTuple& key, Tick now, ExpiryListener& listener, FlowRef* holder);
  FlowIndex::Position place(uint64_t hash, FlowIndex::Word word);
  bool outlasts_rivals(FlowIndex::Position own, const FiveTuple& key, uint64_t hash, Tick now, ExpiryListener& listener,
                       FlowRef* holder);
  bool reserve();
  bool reserve_or_reap(WorkerId worker, Tick now, ExpiryListener& listener);
  void release_reservation() { live_.fetch_sub(1, std::memory_order_relaxed); }

  // flow_reclaim.cc
  uint32_t take_record(WorkerId worker);
  uint32_t pop_free(Owner& owner);
  void push_free(Owner& owner, const Chain& chain);
  uint32_t take_freed(WorkerId worker);
  bool mark_dead(const FlowRef& flow);
  void enlist(FlowId id, FlowRecord& record, uint8_t flags);
  void bury(Owner& owner, FlowId id);
  size_t reap_of(Owner& owner, Tick now, size_t budget, ExpiryListener& listener);
  bool is_behind(const Owner& owner, Tick now) const;
  void collect_grace(Owner& owner);
  void begin_grace(Owner& owner);
  size_t drain_inbox(Owner& owner, size_t budget);
  size_t refile_shortened(Owner& owner, size_t budget);
  size_t turn_wheel(Owner& owner, Tick now, size_t budget, ExpiryListener& listener);
  void look_at(Owner& owner, FlowId id, Batch& ended);
  void expire_or_file(Owner& owner, FlowId id, Tick now, ExpiryListener& listener, Batch& ended);
  void file(Owner& owner, FlowId id, FlowControl control);
  void unlink(Owner& owner, const Batch& ended);

  Options options_;
  Timeouts timeouts_;
  Quiescence& quiescence_;
  uint32_t record_count_;
  MappedArray<FlowRecord> records_;
  FlowIndex index_;
  // Links the ids (+ 1; 0: end) of an inbox, a chain that waits for its grace period, or a free list: a record is in at
  // most one of them.
  MappedArray<std::atomic<uint32_t>> next_;
  WheelPlaces places_;
  WheelChunkPool chunks_;
  std::array<std::unique_ptr<Owner>, kMaxWorkers> owners_;
  alignas(64) std::atomic<uint32_t> live_{0};
  alignas(64) std::atomic<uint32_t> untouched_{0};  // records from here on were never used
};

[[gnu::always_inline]] inline void FlowTable::prefetch_bucket(uint64_t hash) const {
  index_.prefetch_first(hash);
}

[[gnu::always_inline]] inline void FlowTable::prefetch_records(std::span<const uint64_t> hashes, Guess* guesses) const {
  FlowIndex::Word words[FlowIndex::kMostGuesses];
  index_.guess(hashes, words, [this](FlowIndex::Word word) { return &records_[FlowIndex::record(word)]; });
  for (size_t i = 0; i < hashes.size(); ++i) {
    guesses[i] = Guess{words[i]};
  }
}

// The word was read in this burst, so its record is not reused before the caller's next quiescent state: once it has
// been seen alive its key stands still. The second look at the control word makes 'control' as fresh as can be.
// Fills 'found' field by field: a FlowRef that is made in one place and copied to another costs a stalled load.
[[gnu::always_inline]] inline bool FlowTable::match(FlowIndex::Word word, const FiveTuple& key, FlowRef& found) const {
  FlowRecord& record = records_[FlowIndex::record(word)];
  const FlowControl before = record.control.load(std::memory_order_acquire);
  const bool before_fits = before.life == FlowLife::kLive || broken(FlowMutant::kNoControlCheck);
  if (!before_fits || !record.has_key(key, FlowIndex::direction(word))) {
    return false;
  }
  const FlowControl control = record.control.load(std::memory_order_acquire);
  if (!control.is_same_life(before) && !broken(FlowMutant::kNoControlCheck)) {
    return false;
  }
  found.record = &record;
  found.id = FlowId{FlowIndex::record(word)};
  found.direction = FlowIndex::direction(word);
  found.control = control;
  return true;
}

// A living record with the key is the flow, however it was come by: no two live with one key.
[[gnu::always_inline]] inline bool FlowTable::find(const FiveTuple& key, uint64_t hash, Guess guess,
                                                   FlowRef& found) const {
  return (guess != Guess{} && match(static_cast<FlowIndex::Word>(guess), key, found)) || scan(key, hash, found);
}

inline FlowRef FlowTable::find(const FiveTuple& key, uint64_t hash) const {
  FlowRef found;
  scan(key, hash, found);
  return found;
}

inline Tick FlowTable::deadline(const FlowRef& flow) const {
  return flow.record->last_seen.load(std::memory_order_relaxed) + timeouts_.dead_after(flow.control.timeout_class);
}

// Signed: another worker may have stamped the flow in a burst that began after this one.
inline std::optional<Tick> FlowTable::expired(const FlowRef& flow, Tick now) const {
  const Tick last = flow.record->last_seen.load(std::memory_order_relaxed);
  if (static_cast<int32_t>(now - last) < static_cast<int32_t>(timeouts_.dead_after(flow.control.timeout_class))) {
    return std::nullopt;
  }
  return last + timeouts_.milliseconds(flow.control.timeout_class);
}

// A swap, not a store: of two workers the one whose burst began earlier may come second. It never touches the control
// word, so it cannot undo a death.
inline void FlowTable::stamp(const FlowRef& flow, Tick now, Tick last_jump) {
  constexpr int32_t kShortestCadence = 1000;  // ticks
  Tick last = flow.record->last_seen.load(std::memory_order_relaxed);
  int32_t gap;
  do {
    gap = static_cast<int32_t>(now - last);
    if (gap <= 0) {
      return;
    }
    step(FlowStep::kStampRead);
    if (broken(FlowMutant::kStampGoesBack)) {
      last = flow.record->last_seen.load(std::memory_order_relaxed);
    }
  } while (!flow.record->last_seen.compare_exchange_weak(last, now, std::memory_order_relaxed));
  if (broken(FlowMutant::kStampRevives)) {
    flow.record->control.store(flow.control, std::memory_order_release);
  }
  if (gap >= kShortestCadence && now - last_jump >= static_cast<Tick>(gap)) [[unlikely]] {
    flow.record->cadence.store(static_cast<uint8_t>(std::bit_width(static_cast<uint32_t>(gap)) - 1),
                               std::memory_order_relaxed);
  }
}

}  // namespace lapse
