// How a record comes back: inbox, wheel, index, grace period, free list. Everything here but enlist(), pop_free() and
// push_free() is done by whoever holds the turn of the records' owner.
#include <algorithm>
#include <cassert>

#include "dataplane/flow/flow_table.h"
#include "dataplane/flow/flow_table_owner.h"

namespace lapse {

namespace {

constexpr uint64_t retag(uint64_t head, uint32_t first) {
  return ((head >> 32) + 1) << 32 | first;
}

}  // namespace

// ---- free lists: any worker may take, so that no record is lost to a worker that has too many ----

uint32_t FlowTable::pop_free(Owner& owner) {
  uint64_t head = owner.free_records.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    const auto first = static_cast<uint32_t>(head);
    const uint32_t next = next_[first - 1].load(std::memory_order_relaxed);
    if (owner.free_records.compare_exchange_weak(head, retag(head, next), std::memory_order_acq_rel,
                                                 std::memory_order_acquire)) {
      return first;
    }
  }
  return 0;
}

void FlowTable::push_free(Owner& owner, const Chain& chain) {
  uint64_t head = owner.free_records.load(std::memory_order_relaxed);
  do {
    next_[chain.last - 1].store(static_cast<uint32_t>(head), std::memory_order_relaxed);
  } while (!owner.free_records.compare_exchange_weak(head, retag(head, chain.first), std::memory_order_acq_rel,
                                                     std::memory_order_relaxed));
}

uint32_t FlowTable::free_count() const {
  uint32_t count = 0;
  for (size_t worker = 0; worker < options_.workers; ++worker) {
    auto record = static_cast<uint32_t>(owners_[worker]->free_records.load(std::memory_order_acquire));
    for (; record != 0; record = next_[record - 1].load(std::memory_order_relaxed)) {
      ++count;
    }
  }
  return count;
}

uint32_t FlowTable::take_record(WorkerId worker) {
  if (const uint32_t recycled = pop_free(owner(worker))) {
    return recycled;
  }
  uint32_t fresh = untouched_.load(std::memory_order_relaxed);
  while (fresh < record_count_) {
    if (untouched_.compare_exchange_weak(fresh, fresh + 1, std::memory_order_acq_rel)) {
      return fresh + 1;
    }
  }
  return take_freed(worker);
}

// Every record has been used: from this worker's list, then the others', and what has waited long enough counts.
uint32_t FlowTable::take_freed(WorkerId worker) {
  for (size_t i = 0; i < options_.workers; ++i) {
    Owner& other = *owners_[(lapse::index(worker) + i) % options_.workers];
    if (const Turn turn(other); turn) {
      collect_grace(other);
      begin_grace(other);
    }
    if (const uint32_t recycled = pop_free(other)) {
      return recycled;
    }
  }
  return 0;
}

// ---- the inbox ----

void FlowTable::enlist(FlowId id, FlowRecord& record, uint8_t flags) {
  if ((record.in_inbox.fetch_or(flags, std::memory_order_acq_rel) & FlowRecord::kInInbox) != 0) {
    return;
  }
  step(FlowStep::kEnlisted);
  std::atomic<uint32_t>& inbox = owner(WorkerId{record.owner}).inbox;
  uint32_t first = inbox.load(std::memory_order_relaxed);
  do {
    next_[lapse::index(id)].store(first, std::memory_order_relaxed);
  } while (!inbox.compare_exchange_weak(first, static_cast<uint32_t>(id) + 1, std::memory_order_acq_rel,
                                        std::memory_order_relaxed));
}

size_t FlowTable::drain_inbox(Owner& owner, size_t budget) {
  size_t looked = 0;
  while (looked < budget) {
    if (owner.drained == 0) {
      if (owner.inbox.load(std::memory_order_relaxed) == 0) {
        break;
      }
      owner.drained = owner.inbox.exchange(0, std::memory_order_acq_rel);
    }
    uint32_t ids[Batch::kSize];
    size_t count = 0;
    while (owner.drained != 0 && count < std::min(Batch::kSize, budget - looked)) {
      ids[count] = owner.drained - 1;
      __builtin_prefetch(&records_[ids[count]]);
      owner.drained = next_[ids[count]].load(std::memory_order_relaxed);
      ++count;
    }
    Batch ended;
    for (size_t i = 0; i < count; ++i) {
      look_at(owner, FlowId{ids[i]}, ended);
    }
    unlink(owner, ended);
    looked += count;
  }
  return looked;
}

// Whoever lists an id changes the control word first and the flag after. So if the flag falls here without the mark of
// a death, any later change lists the id again; and once that mark is seen nobody does.
void FlowTable::look_at(Owner& owner, FlowId id, Batch& ended) {
  step(FlowStep::kTakenFromInbox);
  FlowRecord& record = this->record(id);
  uint8_t flags = record.in_inbox.load(std::memory_order_acquire);
  while ((flags & FlowRecord::kDeathTold) == 0) {
    if (record.in_inbox.compare_exchange_weak(flags, 0, std::memory_order_acq_rel, std::memory_order_acquire)) {
      const FlowControl control = record.control.load(std::memory_order_acquire);
      if (control.life == FlowLife::kLive) {
        owner.wheel.remove(static_cast<uint32_t>(id));
        file(owner, id, control);
      }
      return;
    }
  }
  ended.add(id);
}

// ---- the wheel ----

void FlowTable::file(Owner& owner, FlowId id, FlowControl control) {
  owner.wheel.file(static_cast<uint32_t>(id), deadline({&record(id), id, Direction::kOriginal, control}));
}

void FlowTable::expire_or_file(Owner& owner, FlowId id, Tick now, ExpiryListener& listener, Batch& ended) {
  step(FlowStep::kTakenFromWheel);
  FlowRecord& record = this->record(id);
  FlowRef flow{&record, id, Direction::kOriginal, record.control.load(std::memory_order_acquire)};
  while (flow.control.life == FlowLife::kLive) {
    const std::optional<Tick> expired = this->expired(flow, now);
    if (!expired) {
      file(owner, id, flow.control);
      return;
    }
    if (mark_dead(flow)) {
      listener.on_expired(flow, *expired);
      const uint8_t before =
          record.in_inbox.fetch_or(FlowRecord::kInInbox | FlowRecord::kDeathTold, std::memory_order_acq_rel);
      if ((before & FlowRecord::kInInbox) == 0) {
        ended.add(id);
      }
      return;
    }
    flow.control = record.control.load(std::memory_order_acquire);
  }
}

size_t FlowTable::turn_wheel(Owner& owner, Tick now, size_t budget, ExpiryListener& listener) {
  size_t looked = 0;
  while (looked < budget) {
    uint32_t ids[Batch::kSize];
    const size_t count = owner.wheel.take_due(now, {ids, std::min(Batch::kSize, budget - looked)});
    if (count == 0) {
      break;
    }
    for (size_t i = 0; i < count; ++i) {
      __builtin_prefetch(&records_[ids[i]]);
    }
    Batch ended;
    for (size_t i = 0; i < count; ++i) {
      expire_or_file(owner, FlowId{ids[i]}, now, listener, ended);
    }
    unlink(owner, ended);
    looked += count;
  }
  return looked;
}

// After a timeout was made shorter, every flow that this owner has filed is filed again, a budget at a time. Only a
// living record's owner may be read, and only the owner's wheel may be asked.
size_t FlowTable::refile_shortened(Owner& owner, size_t budget) {
  const uint32_t shortened = timeouts_.shortened();
  if (shortened != owner.shortened_seen.load(std::memory_order_relaxed)) {
    owner.shortened_seen.store(shortened, std::memory_order_release);
    owner.refile_next = 0;
    owner.refile_end = record_count();
  }
  size_t looked = 0;
  for (; looked < budget && owner.refile_next < owner.refile_end; ++looked, ++owner.refile_next) {
    const FlowRecord& record = records_[owner.refile_next];
    const FlowControl control = record.control.load(std::memory_order_seq_cst);
    if (control.life != FlowLife::kLive) {
      continue;
    }
    const bool mine = record.owner == static_cast<uint8_t>(owner.id) || broken(FlowMutant::kNoOwnerCheck);
    if (mine && owner.wheel.holds(owner.refile_next)) {
      owner.wheel.remove(owner.refile_next);
      file(owner, FlowId{owner.refile_next}, control);
    }
  }
  return looked;
}

// ---- from the index to the free list ----

void FlowTable::unlink(Owner& owner, const Batch& ended) {
  uint64_t hashes[Batch::kSize][2];
  for (size_t i = 0; i < ended.count; ++i) {
    const FlowRecord& record = records_[ended.ids[i]];
    hashes[i][0] = hash(record.original());
    hashes[i][1] = hash(record.reply());
    index_.prefetch(hashes[i][0]);
    index_.prefetch(hashes[i][1]);
    owner.wheel.remove(ended.ids[i]);
  }
  for (size_t i = 0; i < ended.count; ++i) {
    const uint32_t id = ended.ids[i];
    index_.remove(hashes[i][0], id, Direction::kOriginal);
    index_.remove(hashes[i][1], id, Direction::kReply);
    step(FlowStep::kWordsRemoved);
    next_[id].store(0, std::memory_order_relaxed);
    if (owner.unlinked.first == 0) {
      owner.unlinked.first = id + 1;
    } else {
      next_[owner.unlinked.last - 1].store(id + 1, std::memory_order_relaxed);
    }
    owner.unlinked.last = id + 1;
  }
}

void FlowTable::bury(Owner& owner, FlowId id) {
  Batch ended;
  ended.add(id);
  unlink(owner, ended);
}

void FlowTable::begin_grace(Owner& owner) {
  if (owner.in_grace.first == 0 && owner.unlinked.first != 0) {
    owner.in_grace = owner.unlinked;
    owner.unlinked = {};
    owner.token = quiescence_.start();
    step(FlowStep::kGraceStarted);
  }
}

void FlowTable::collect_grace(Owner& owner) {
  if (owner.in_grace.first == 0) {
    return;
  }
  if (quiescence_.passed(owner.token) || broken(FlowMutant::kNoGracePeriod)) {
    push_free(owner, owner.in_grace);
    owner.in_grace = {};
    step(FlowStep::kFreed);
  }
}

// ---- between bursts ----

// Whether looking may be worth it: something has come in, or what the last turn left is due. In this order: a turn says
// kWork before it takes anything away.
bool FlowTable::is_behind(const Owner& owner, Tick now) const {
  if (owner.inbox.load(std::memory_order_acquire) != 0 ||
      owner.shortened_seen.load(std::memory_order_acquire) != timeouts_.shortened()) {
    return true;
  }
  const uint64_t left = owner.left.load(std::memory_order_acquire);
  return left == Owner::kWork || (left != Owner::kNothing && static_cast<int32_t>(static_cast<Tick>(left) - now) <= 0);
}

size_t FlowTable::reap_of(Owner& owner, Tick now, size_t budget, ExpiryListener& listener) {
  const Turn turn(owner);
  if (!turn) {
    return 0;
  }
  if (owner.wheel.empty()) {
    owner.wheel.start_at(now);
  }
  size_t left = budget;
  left -= turn_wheel(owner, now, left, listener);
  left -= drain_inbox(owner, (left + 1) / 2);
  left -= refile_shortened(owner, (left + 1) / 2);
  left -= turn_wheel(owner, now, left, listener);
  return budget - left;
}

size_t FlowTable::reap(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener) {
  size_t left = budget;
  for (size_t i = 0; i < options_.workers && left > 0; ++i) {
    Owner& other = *owners_[(lapse::index(worker) + i) % options_.workers];
    if (is_behind(other, now)) {
      left -= reap_of(other, now, left, listener);
    }
  }
  return budget - left;
}

// Half of what is left goes to each of the first two, so that a flood of new flows does not keep the wheel from
// turning.
size_t FlowTable::advance(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener) {
  Owner& mine = owner(worker);
  const Turn turn(mine);
  if (!turn) {
    return 0;
  }
  collect_grace(mine);
  if (mine.wheel.empty()) {
    mine.wheel.start_at(now);
  }
  size_t left = budget;
  left -= drain_inbox(mine, (left + 1) / 2);
  left -= refile_shortened(mine, (left + 1) / 2);
  left -= turn_wheel(mine, now, left, listener);
  left -= drain_inbox(mine, left);
  begin_grace(mine);
  return budget - left;
}

std::optional<Tick> FlowTable::next_deadline(WorkerId worker, Tick now) const {
  const Owner& mine = owner(worker);
  if (is_behind(mine, now)) {
    return now;
  }
  const uint64_t left = mine.left.load(std::memory_order_acquire);
  if (left == Owner::kNothing) {
    return std::nullopt;
  }
  return left == Owner::kWork ? now : static_cast<Tick>(left);
}

// ---- after a fault ----

void FlowTable::rebuild() {
  index_.erase_all();
  places_.clear();
  chunks_.erase_all();
  for (size_t worker = 0; worker < options_.workers; ++worker) {
    Owner& owner = *owners_[worker];
    owner.wheel.erase_all();
    owner.inbox.store(0, std::memory_order_relaxed);
    owner.free_records.store(0, std::memory_order_relaxed);
    owner.left.store(Owner::kNothing, std::memory_order_relaxed);
    owner.turn.store(false, std::memory_order_release);
    owner.drained = owner.refile_next = owner.refile_end = 0;
    owner.unlinked = owner.in_grace = {};
  }
  uint32_t live = 0;
  for (uint32_t id = 0; id < record_count(); ++id) {
    FlowRecord& record = records_[id];
    FlowControl control = record.control.load(std::memory_order_acquire);
    if (control.life == FlowLife::kLive) {
      ++live;
      for (const Direction direction : {Direction::kOriginal, Direction::kReply}) {
        const uint64_t key_hash = hash(record.tuple(direction));
        [[maybe_unused]] const auto position = index_.insert(key_hash, FlowIndex::word(key_hash, id, direction));
        assert(position);
      }
      record.in_inbox.store(0, std::memory_order_relaxed);
      enlist(FlowId{id}, record, FlowRecord::kInInbox);
    } else {
      control.life = FlowLife::kDead;
      record.control.store(control, std::memory_order_release);
      push_free(*owners_[record.owner < options_.workers ? record.owner : 0], {id + 1, id + 1});
    }
  }
  live_.store(live, std::memory_order_relaxed);
}

}  // namespace lapse
