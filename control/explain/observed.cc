#include "control/explain/observed.h"

#include <algorithm>

namespace lapse::explain {

using story::Conversation;
using story::End;
using story::Entry;
using story::EntryKind;
using story::Role;

namespace {

// The box got it and knew the flow.
bool is_seen_by(const Entry& entry, BoxId box) {
  return entry.kind == EntryKind::kCrossing && entry.to == box && !entry.lost && !entry.late;
}

bool is_links_doing(DropReason reason) {
  return reason == DropReason::kLinkLoss || reason == DropReason::kLinkQueueFull || reason == DropReason::kLinkMtu ||
         reason == DropReason::kLinkStoreFull;
}

}  // namespace

std::optional<Silence> longest_silence(const Conversation& conversation, BoxId box) {
  std::optional<Silence> longest;
  std::optional<Instant> before;
  for (const Entry& entry : conversation.entries) {
    if (entry.kind != EntryKind::kFold && !is_seen_by(entry, box)) {
      continue;
    }
    if (before && entry.time > *before && (!longest || entry.time - *before > longest->length())) {
      longest = Silence{*before, entry.time, entry.role, entry.from_end};
    }
    before = std::max(before.value_or(entry.last), entry.last);
  }
  return longest;
}

const Entry* last_packet(const Conversation& conversation, BoxId box, Instant until) {
  const Entry* last = nullptr;
  for (const Entry& entry : conversation.entries) {
    if (is_seen_by(entry, box) && entry.time <= until) {
      last = &entry;
    }
  }
  return last;
}

Probes probes_of(const Conversation& conversation, End end) {
  Probes probes;
  const auto heard = [&probes] {
    probes.unanswered = probes.lost = probes.answers_lost = probes.undelivered = probes.late = 0;
    probes.lost_on = kNoLink;
  };
  for (const Entry& entry : conversation.entries) {
    const bool own = entry.from_end == end;
    if (entry.kind == EntryKind::kFold) {
      // A sum of keepalives counts each on the link where its end put it.
      probes.sent += entry.role == Role::kKeepalive || entry.keepalives > 0 ? entry.keepalives : 0;
      heard();
    }
    if (entry.kind != EntryKind::kCrossing) {
      continue;
    }
    const bool is_part = own ? entry.role == Role::kKeepalive : entry.role == Role::kKeepaliveAnswer;
    if (is_part && entry.lost && is_links_doing(entry.reason)) {
      ++(own ? probes.lost : probes.answers_lost);
      probes.lost_on = entry.link;
    } else if (is_part && own && entry.lost) {
      ++probes.undelivered;
    }
    if (own && entry.role == Role::kKeepalive && entry.late) {
      ++probes.late;
    }
    if (own && entry.role == Role::kKeepalive && entry.from == kNoBox) {
      ++probes.sent;
      ++probes.unanswered;
      probes.times.push_back(entry.time);
    } else if (!own && entry.to == kNoBox && !entry.lost) {
      heard();
    }
  }
  return probes;
}

}  // namespace lapse::explain
