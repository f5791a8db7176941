// How a record comes back: inbox, wheel, index, grace period, free list. Everything here but enlist(), pop_free() and
// push_free() is done by the owner of the records alone.
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

uint32_t FlowTable::take_record(Owner& owner) {
  if (const uint32_t recycled = pop_free(owner)) {
    return recycled;
  }
  uint32_t fresh = untouched_.load(std::memory_order_relaxed);
  while (fresh < record_count_) {
    if (untouched_.compare_exchange_weak(fresh, fresh + 1, std::memory_order_acq_rel)) {
      return fresh + 1;
    }
  }
  collect_grace(owner);
  begin_grace(owner);
  if (const uint32_t recycled = pop_free(owner)) {
    return recycled;
  }
  for (size_t other = 0; other < options_.workers; ++other) {
    if (const uint32_t recycled = pop_free(*owners_[other])) {
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
  FlowRecord& record = this->record(id);
  FlowRef flow{&record, id, Direction::kOriginal, record.control.load(std::memory_order_acquire)};
  while (flow.control.life == FlowLife::kLive) {
    if (!is_over(flow, now)) {
      file(owner, id, flow.control);
      return;
    }
    const Tick expired = expired_at(flow);
    if (mark_dead(flow)) {
      listener.on_expired(flow, expired);
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

// After a timeout was made shorter, every flow that this worker has filed is filed again, a budget at a time.
size_t FlowTable::refile_shortened(Owner& owner, WorkerId worker, size_t budget) {
  const uint32_t shortened = timeouts_.shortened();
  if (shortened != owner.shortened_seen) {
    owner.shortened_seen = shortened;
    owner.refile_next = 0;
    owner.refile_end = record_count();
  }
  size_t looked = 0;
  for (; looked < budget && owner.refile_next < owner.refile_end; ++looked, ++owner.refile_next) {
    const FlowRecord& record = records_[owner.refile_next];
    const FlowControl control = record.control.load(std::memory_order_acquire);
    if (control.life == FlowLife::kLive && record.owner == static_cast<uint8_t>(worker) &&
        owner.wheel.holds(owner.refile_next)) {
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
  if (owner.in_grace.first != 0 && quiescence_.passed(owner.token)) {
    step(FlowStep::kFreed);
    push_free(owner, owner.in_grace);
    owner.in_grace = {};
  }
}

// ---- between bursts ----

size_t FlowTable::reap(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener) {
  Owner& mine = owner(worker);
  if (mine.wheel.empty()) {
    mine.wheel.start_at(now);
  }
  size_t left = budget;
  left -= turn_wheel(mine, now, left, listener);
  left -= drain_inbox(mine, (left + 1) / 2);
  left -= refile_shortened(mine, worker, (left + 1) / 2);
  left -= turn_wheel(mine, now, left, listener);
  return budget - left;
}

// Half of what is left goes to each of the first two, so that a flood of new flows does not keep the wheel from
// turning.
size_t FlowTable::advance(WorkerId worker, Tick now, size_t budget, ExpiryListener& listener) {
  Owner& mine = owner(worker);
  collect_grace(mine);
  if (mine.wheel.empty()) {
    mine.wheel.start_at(now);
  }
  size_t left = budget;
  left -= drain_inbox(mine, (left + 1) / 2);
  left -= refile_shortened(mine, worker, (left + 1) / 2);
  left -= turn_wheel(mine, now, left, listener);
  left -= drain_inbox(mine, left);
  begin_grace(mine);
  return budget - left;
}

std::optional<Tick> FlowTable::next_deadline(WorkerId worker, Tick now) const {
  const Owner& mine = owner(worker);
  const bool waiting = mine.drained != 0 || mine.inbox.load(std::memory_order_acquire) != 0 ||
                       mine.refile_next < mine.refile_end || mine.shortened_seen != timeouts_.shortened();
  const std::optional<Tick> next = mine.wheel.next();
  return waiting || (next && static_cast<int32_t>(*next - now) < 0) ? std::optional<Tick>(now) : next;
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
