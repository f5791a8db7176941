#include "dataplane/box/fragment_store.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dataplane/wire/ipv4.h"

namespace lapse {
namespace {

// The side tells apart datagrams of the same ends that are on their way in and out.
FiveTuple key_of(const Packet& fragment, Side side) {
  const auto& ip = fragment.header_at<Ipv4Header>(fragment.l3_offset);
  return {ip.source, ip.destination, ip.identification, {}, ip.protocol, static_cast<uint8_t>(side), 0};
}

}  // namespace

FragmentStore::FragmentStore(const HashKey& hash_key)
    : datagrams_(std::make_unique<Datagram[]>(kMostDatagrams)),
      words_(std::make_unique_for_overwrite<DatagramMap::Words[]>(kMostDatagrams)),
      index_({buckets_.data(), buckets_.size()}, KeyHash{hash_key}) {
  for (size_t i = 0; i < kMostDatagrams; ++i) {
    free_.push_back(datagrams_[i]);
  }
  for (uint16_t slot = 0; slot < kMostHeld; ++slot) {
    held_[slot].next = std::exchange(free_held_, slot);
  }
}

FragmentStore::Verdict FragmentStore::admit(Packet* fragment, Side side, Instant real, Output& out) {
  assert(fragment->part != Part::kWhole);
  Datagram& datagram = find_or_make(key_of(*fragment, side), real, out);
  if (datagram.state == State::kRefused) {
    return {.fate = Fate::kDropped, .reason = datagram.refusal};
  }
  const FragmentField field(fragment->header_at<Ipv4Header>(fragment->l3_offset));
  const size_t size = size_t{fragment->length} - fragment->l4_offset;
  switch (datagram.map.add(words(datagram), field.offset, size, field.more)) {
    case DatagramMap::Outcome::kNew:
      break;
    case DatagramMap::Outcome::kRepeats:
      return {.fate = Fate::kDropped, .reason = DropReason::kFragmentOverlap};
    case DatagramMap::Outcome::kContradicts:
      give_up(datagram, DropReason::kFragmentOverlap, out);
      return {.fate = Fate::kDropped, .reason = DropReason::kFragmentOverlap};
  }
  if (fragment->part == Part::kFirst) {
    first_ = &datagram;
    return {.fate = Fate::kFirst};
  }
  if (datagram.state == State::kWaiting) {
    return hold(datagram, fragment);
  }
  const Verdict verdict{.fate = Fate::kFollows, .rewrite = datagram.rewrite};
  if (datagram.map.is_complete()) {
    remove(datagram);
  }
  return verdict;
}

FragmentStore::Datagram& FragmentStore::find_or_make(const FiveTuple& key, Instant real, Output& out) {
  if (const auto found = index_.find(key); found != index_.end()) {
    if (real < found->deadline) {
      return *found;
    }
    drop_held(*found, DropReason::kFragmentTimeout, out);
    remove(*found);
  }
  // A flood of datagrams without a first fragment displaces its own kind.
  if (free_.empty()) {
    Datagram& oldest = undecided_.empty() ? passing_.front() : undecided_.front();
    drop_held(oldest, DropReason::kFragmentStoreFull, out);
    remove(oldest);
  }
  Datagram& made = free_.front();
  free_.pop_front();
  made.key = key;
  made.deadline = real + kWaitFor;
  made.state = State::kWaiting;
  made.map = {};
  words(made).fill(0);
  undecided_.push_back(made);
  index_.insert(made);
  return made;
}

FragmentStore::Verdict FragmentStore::hold(Datagram& datagram, Packet* fragment) {
  if (free_held_ == kNone || datagram.held_count == kMostHeldOfOne) {
    return {.fate = Fate::kDropped, .reason = DropReason::kFragmentStoreFull};
  }
  const uint16_t slot = free_held_;
  free_held_ = held_[slot].next;
  held_[slot].packet = fragment;
  held_[slot].next = std::exchange(datagram.held, slot);
  ++datagram.held_count;
  held_in_.add();
  return {.fate = Fate::kHeld};
}

void FragmentStore::pass_on(const FragmentRewrite& rewrite) {
  Datagram& datagram = *std::exchange(first_, nullptr);
  datagram.state = State::kPassing;
  datagram.rewrite = rewrite;
  while (datagram.held != kNone) {
    const uint16_t slot = datagram.held;
    datagram.held = held_[slot].next;
    held_[slot].rewrite = rewrite;
    held_[slot].next = std::exchange(ready_, slot);
  }
  datagram.held_count = 0;
  if (datagram.map.is_complete()) {
    remove(datagram);
  } else {
    undecided_.erase(undecided_.iterator_to(datagram));
    passing_.push_back(datagram);
  }
}

void FragmentStore::refuse(Output& out) {
  give_up(*std::exchange(first_, nullptr), DropReason::kFragmentRefused, out);
}

std::optional<FragmentStore::Ready> FragmentStore::take_ready() {
  if (ready_ == kNone) {
    return std::nullopt;
  }
  const FragmentRewrite rewrite = held_[ready_].rewrite;
  return Ready{take_from(ready_), rewrite};
}

// The first slot of a chain is free again.
Packet* FragmentStore::take_from(uint16_t& chain) {
  const uint16_t slot = chain;
  chain = held_[slot].next;
  held_[slot].next = std::exchange(free_held_, slot);
  held_out_.add();
  return held_[slot].packet;
}

// What comes after it meets the same end, until the datagram is forgotten.
void FragmentStore::give_up(Datagram& datagram, DropReason reason, Output& out) {
  drop_held(datagram, reason, out);
  if (datagram.state == State::kPassing) {
    passing_.erase(passing_.iterator_to(datagram));
    undecided_.push_back(datagram);
  }
  datagram.state = State::kRefused;
  datagram.refusal = reason;
}

void FragmentStore::drop_held(Datagram& datagram, DropReason reason, Output& out) {
  while (datagram.held != kNone) {
    out.drop(take_from(datagram.held), reason);
  }
  datagram.held_count = 0;
}

void FragmentStore::remove(Datagram& datagram) {
  ByAge& list = datagram.state == State::kPassing ? passing_ : undecided_;
  list.erase(list.iterator_to(datagram));
  index_.erase(index_.iterator_to(datagram));
  free_.push_front(datagram);
}

void FragmentStore::expire(Instant real, size_t budget, Output& out) {
  for (ByAge* list : {&undecided_, &passing_}) {
    for (; budget > 0 && !list->empty() && list->front().deadline <= real; --budget) {
      drop_held(list->front(), DropReason::kFragmentTimeout, out);
      remove(list->front());
    }
  }
}

void FragmentStore::drop_all(DropReason reason, Output& out) {
  while (ready_ != kNone) {
    out.drop(take_from(ready_), reason);
  }
  for (Datagram& datagram : undecided_) {
    drop_held(datagram, reason, out);
  }
}

std::optional<Instant> FragmentStore::next_deadline(Instant real) const {
  if (ready_ != kNone) {
    return real;
  }
  if (held() == 0) {
    return std::nullopt;
  }
  return undecided_.front().deadline;
}

}  // namespace lapse
