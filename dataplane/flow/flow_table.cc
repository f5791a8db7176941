#include "dataplane/flow/flow_table.h"

#include <cassert>

#include "dataplane/flow/flow_table_owner.h"

namespace lapse {

namespace {

// So many that the records which wait for their grace period never refuse a flow below capacity.
uint32_t with_slack(uint32_t capacity) {
  assert(capacity > 0 && capacity <= FlowIndex::kMaxRecords / 2);
  return capacity + capacity / 16 + 1024;
}

}  // namespace

// What stands between a key and whoever wants to put it.
enum class FlowTable::Claim : uint8_t {
  kNone,       // not this key, or a flow that is over
  kHeld,       // a flow that is not over has it, or will have it
  kTentative,  // another put has placed its word and not yet looked for rivals
};

FlowTable::FlowTable(const Options& options, Quiescence& quiescence)
    : options_(options),
      timeouts_(options.comparator),
      quiescence_(quiescence),
      record_count_(with_slack(options.capacity)),
      records_(record_count_),
      index_(size_t{2} * record_count_),
      next_(record_count_),
      places_(record_count_),
      chunks_(record_count_, options.workers) {
  assert(options.workers > 0 && options.workers <= kMaxWorkers);
  for (size_t worker = 0; worker < options.workers; ++worker) {
    owners_[worker] = std::make_unique<Owner>(WorkerId{static_cast<uint8_t>(worker)}, chunks_, places_);
  }
}

FlowTable::~FlowTable() = default;

FlowTable::Owner& FlowTable::owner(WorkerId worker) const {
  assert(lapse::index(worker) < options_.workers);
  return *owners_[lapse::index(worker)];
}

uint32_t FlowTable::live_count() const {
  return live_.load(std::memory_order_relaxed);
}

bool FlowTable::reserve() {
  uint32_t live = live_.load(std::memory_order_relaxed);
  do {
    if (live >= options_.capacity) {
      return false;
    }
  } while (!live_.compare_exchange_weak(live, live + 1, std::memory_order_relaxed));
  return true;
}

// A few at a time, so that a full table with many dead does not make one packet bury them all.
bool FlowTable::reserve_or_reap(WorkerId worker, Tick now, ExpiryListener& listener) {
  for (size_t round = 0; !reserve(); ++round) {
    if (round == kReapRounds || reap(worker, now, kReapForRoom, listener) == 0) {
      return reserve();
    }
  }
  return true;
}

FlowRef FlowTable::open(WorkerId worker, Tick now, ExpiryListener& listener) {
  if (!reserve_or_reap(worker, now, listener)) {
    return {};
  }
  const uint32_t taken = take_record(worker);
  if (taken == 0) {
    release_reservation();
    return {};
  }
  const FlowId id{taken - 1};
  FlowRecord& record = this->record(id);
  const FlowControl control{.generation = record.control.load(std::memory_order_relaxed).generation + 1,
                            .life = FlowLife::kOpening};
  record.last_seen.store(now, std::memory_order_relaxed);
  for (size_t direction = 0; direction < 2; ++direction) {
    record.highest_end[direction].store(0, std::memory_order_relaxed);
    record.last_ack[direction].store(0, std::memory_order_relaxed);
    record.window[direction].store(0, std::memory_order_relaxed);
  }
  record.owner = static_cast<uint8_t>(worker);
  record.cadence.store(0, std::memory_order_relaxed);
  record.in_inbox.store(0, std::memory_order_relaxed);
  record.shift.store(0, std::memory_order_relaxed);
  record.target.store(0, std::memory_order_relaxed);
  record.control.store(control, std::memory_order_release);
  step(FlowStep::kRecordOpened);
  return {&record, id, Direction::kOriginal, control};
}

bool FlowTable::scan(const FiveTuple& key, uint64_t hash, FlowRef& found) const {
  return index_.scan<std::memory_order_acquire>(
      hash, [&](FlowIndex::Position, FlowIndex::Word word) { return match(word, key, found); });
}

// The record's state is read before its key: what is opening may change its key, but then has given up this word.
FlowTable::Claim FlowTable::judge(FlowIndex::Word word, const FiveTuple& key, Tick now, ExpiryListener& listener,
                                  FlowRef* holder) {
  FlowRecord& record = records_[FlowIndex::record(word)];
  for (;;) {
    const FlowControl control = record.control.load(std::memory_order_acquire);
    if (control.life != FlowLife::kOpening && control.life != FlowLife::kLive) {
      return Claim::kNone;
    }
    if (!record.has_key(key, FlowIndex::direction(word))) {
      return Claim::kNone;
    }
    if (control.life == FlowLife::kOpening) {
      return FlowIndex::tentative(word) ? Claim::kTentative : Claim::kHeld;
    }
    const FlowRef flow{&record, FlowId{FlowIndex::record(word)}, FlowIndex::direction(word), control};
    const std::optional<Tick> expired = this->expired(flow, now);
    if (!expired) {
      if (holder != nullptr) {
        *holder = flow;
      }
      return Claim::kHeld;
    }
    if (kill(flow)) {
      listener.on_expired(flow, *expired);
      return Claim::kNone;
    }
  }
}

// After our word is in, every other word for the key is seen here, or its owner sees ours: of two at least one yields.
// A word that another put has placed without having looked yet is taken out if it stands behind ours.
bool FlowTable::outlasts_rivals(FlowIndex::Position own, const FiveTuple& key, uint64_t hash, Tick now,
                                ExpiryListener& listener, FlowRef* holder) {
  return !index_.scan<std::memory_order_seq_cst>(hash, [&](FlowIndex::Position position, FlowIndex::Word word) {
    if (position.slot == own.slot) {
      return false;
    }
    switch (judge(word, key, now, listener, holder)) {
      case Claim::kNone:
        return false;
      case Claim::kHeld:
        return true;
      case Claim::kTentative:
        break;
    }
    if (position.order < own.order) {
      return true;
    }
    if (index_.clear(hash, position, word)) {
      return false;
    }
    // It has been confirmed meanwhile, or was taken back.
    const FlowIndex::Word confirmed = word & ~FlowIndex::kTentative;
    return FlowIndex::holds(position, confirmed) && judge(confirmed, key, now, listener, holder) != Claim::kNone;
  });
}

// A dead flow's words stand until its owner comes by. They do not keep a living one out: a record whose word was seen in
// this burst is not reused in it, so a dead one stays dead, and its keys say where the word counts as spilled.
FlowIndex::Position FlowTable::place(uint64_t hash, FlowIndex::Word word) {
  const FlowIndex::Position position = index_.insert(hash, word);
  if (position) [[likely]] {
    return position;
  }
  index_.walk(hash, [this](FlowIndex::Position where, FlowIndex::Word seen) {
    const FlowRecord& record = records_[FlowIndex::record(seen)];
    if (record.control.load(std::memory_order_acquire).life == FlowLife::kDead) {
      index_.clear(this->hash(record.tuple(FlowIndex::direction(seen))), where, seen);
    }
  });
  return index_.insert(hash, word);
}

FlowTable::Put FlowTable::put(const FlowRef& opening, Direction direction, uint64_t hash, Tick now,
                              ExpiryListener& listener, FlowRef* holder) {
  assert(opening.control.life == FlowLife::kOpening);
  if (holder != nullptr) {
    *holder = {};
  }
  const FiveTuple key = opening.record->tuple(direction);
  const bool taken = index_.scan<std::memory_order_acquire>(hash, [&](FlowIndex::Position, FlowIndex::Word word) {
    return judge(word, key, now, listener, holder) != Claim::kNone;
  });
  if (taken) {
    return Put::kTaken;
  }
  step(FlowStep::kKeyLookedFor);
  const FlowIndex::Word confirmed = FlowIndex::word(hash, static_cast<uint32_t>(opening.id), direction);
  const FlowIndex::Word tentative = confirmed | FlowIndex::kTentative;
  const FlowIndex::Position position = place(hash, tentative);
  if (!position) {
    return Put::kTaken;
  }
  step(FlowStep::kWordPlaced);
  if (!broken(FlowMutant::kNoSecondScan) && !outlasts_rivals(position, key, hash, now, listener, holder)) {
    index_.clear(hash, position, tentative);
    return Put::kTaken;
  }
  step(FlowStep::kRivalsLookedFor);
  if (!FlowIndex::replace(position, tentative, confirmed)) {
    return Put::kTaken;
  }
  step(FlowStep::kWordConfirmed);
  return Put::kInserted;
}

void FlowTable::publish(FlowRef& opening, TcpState state, TimeoutClass timeout_class, Tick now) {
  assert(opening.control.life == FlowLife::kOpening);
  FlowRecord& record = *opening.record;
  record.last_seen.store(now, std::memory_order_relaxed);
  opening.control.life = FlowLife::kLive;
  opening.control.tcp_state = state;
  opening.control.timeout_class = timeout_class;
  if (broken(FlowMutant::kPublishRelaxed)) {
    record.control.store(opening.control, std::memory_order_relaxed);
  } else {
    record.control.store(opening.control, std::memory_order_release);
  }
  step(FlowStep::kPublished);
  // The owner files it from there: no packet touches the wheel.
  enlist(opening.id, record, FlowRecord::kInInbox);
}

// A key of this record that was never put is not found, which is as good. The words go at once, or a burst of failures
// would crowd the index; by the inbox only while another worker does this one's work.
void FlowTable::roll_back(const FlowRef& opening) {
  assert(opening.control.life == FlowLife::kOpening);
  FlowRecord& record = *opening.record;
  FlowControl dead = opening.control;
  dead.life = FlowLife::kDead;
  record.control.store(dead, std::memory_order_release);
  release_reservation();
  Owner& mine = owner(WorkerId{record.owner});
  if (const Turn turn(mine); turn) {
    bury(mine, opening.id);
  } else {
    enlist(opening.id, record, FlowRecord::kInInbox | FlowRecord::kDeathTold);
  }
}

bool FlowTable::mark_dead(const FlowRef& flow) {
  FlowControl expected = flow.control;
  if (expected.life != FlowLife::kLive) {
    return false;
  }
  FlowControl dead = expected;
  dead.life = FlowLife::kDead;
  if (!flow.record->control.compare_exchange_strong(expected, dead, std::memory_order_acq_rel,
                                                    std::memory_order_relaxed)) {
    return false;
  }
  live_.fetch_sub(1, std::memory_order_relaxed);
  step(FlowStep::kDied);
  return true;
}

bool FlowTable::kill(const FlowRef& flow) {
  if (!mark_dead(flow)) {
    return false;
  }
  const uint8_t told = broken(FlowMutant::kDeathNotTold) ? 0 : FlowRecord::kDeathTold;
  enlist(flow.id, *flow.record, FlowRecord::kInInbox | told);
  return true;
}

bool FlowTable::transition(FlowRef& flow, TcpState state, TimeoutClass timeout_class) {
  FlowControl expected = flow.control;
  if (expected.life != FlowLife::kLive) {
    return false;
  }
  FlowControl moved = expected;
  moved.tcp_state = state;
  moved.timeout_class = timeout_class;
  if (!flow.record->control.compare_exchange_strong(expected, moved, std::memory_order_seq_cst,
                                                    std::memory_order_relaxed)) {
    return false;
  }
  step(FlowStep::kMoved);
  // Filed under the old class it would be looked at too late; what gets longer is found when its old time comes.
  if (timeouts_.is_shorter(timeout_class, flow.control.timeout_class)) {
    enlist(flow.id, *flow.record, FlowRecord::kInInbox);
  }
  flow.control = moved;
  return true;
}

std::optional<FlowSnapshot> FlowTable::snapshot(FlowId id) const {
  const FlowRecord& record = this->record(id);
  const FlowControl before = record.control.load(std::memory_order_acquire);
  if (before.life != FlowLife::kLive) {
    return std::nullopt;
  }
  FlowSnapshot copy{.id = id,
                    .control = before,
                    .original = record.original(),
                    .reply = record.reply(),
                    .last_seen = record.last_seen.load(std::memory_order_relaxed),
                    .cadence = record.cadence.load(std::memory_order_relaxed),
                    .owner = record.owner};
  copy.control = record.control.load(std::memory_order_acquire);
  if (copy.control.life != FlowLife::kLive || copy.control.generation != before.generation) {
    return std::nullopt;
  }
  return copy;
}

uint32_t FlowTable::record_count() const {
  return untouched_.load(std::memory_order_acquire);
}

size_t FlowTable::memory_bytes() const {
  return records_.bytes() + index_.bytes() + next_.bytes() + places_.bytes() + chunks_.bytes() + sizeof(*this) +
         options_.workers * sizeof(Owner);
}

}  // namespace lapse
