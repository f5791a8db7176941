#include "control/story/fold.h"

#include <algorithm>

#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

enum class Thorough : uint8_t { kWithinBusyTimes, kAcrossSilence, kEverything };

bool is_keepalive(const Entry& entry) {
  return entry.role == Role::kKeepalive || entry.role == Role::kKeepaliveAnswer;
}

bool may_join(const Entry& sum, const Entry& entry, Thorough thorough) {
  if (thorough == Thorough::kEverything) {
    return true;
  }
  if (sum.kind == EntryKind::kFold && is_keepalive(sum) != is_keepalive(entry)) {
    return thorough == Thorough::kAcrossSilence;
  }
  return thorough == Thorough::kAcrossSilence || is_keepalive(entry) || entry.time - sum.last < kIdleGap;
}

Entry empty_sum(const Entry& first) {
  Entry sum;
  sum.kind = EntryKind::kFold;
  sum.time = sum.last = first.time;
  sum.role = first.role;
  sum.from_end = first.from_end;
  return sum;
}

std::vector<Entry> folded(const std::vector<Entry>& entries, size_t first, size_t last, Thorough thorough) {
  std::vector<Entry> result(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(first));
  bool open = false;
  for (size_t at = first; at < last; ++at) {
    const Entry& entry = entries[at];
    if (thorough != Thorough::kEverything && !is_uneventful(entry)) {
      result.push_back(entry);
      open = false;
      continue;
    }
    if (!open || !may_join(result.back(), entry, thorough)) {
      result.push_back(empty_sum(entry));
      open = true;
    }
    add_to_fold(result.back(), entry);
  }
  result.insert(result.end(), entries.begin() + static_cast<ptrdiff_t>(last), entries.end());
  return result;
}

}  // namespace

bool is_uneventful(const Entry& entry) {
  constexpr uint8_t kEventful = kTcpSyn | kTcpFin | kTcpRst;
  return entry.kind == EntryKind::kFold ||
         (entry.kind == EntryKind::kCrossing && !entry.dropped && !entry.late && (entry.tcp_flags & kEventful) == 0);
}

void add_to_fold(Entry& sum, const Entry& entry) {
  sum.time = std::min(sum.time, entry.time);
  sum.last = std::max(sum.last, entry.last);
  if (entry.kind == EntryKind::kFold) {
    for (size_t end = 0; end < sum.packets.size(); ++end) {
      sum.packets[end] += entry.packets[end];
      sum.bytes[end] += entry.bytes[end];
    }
    sum.keepalives += entry.keepalives;
  } else if (entry.kind == EntryKind::kCrossing && entry.from == kNoBox) {
    ++sum.packets[index(entry.from_end)];
    sum.bytes[index(entry.from_end)] += entry.payload;
    sum.keepalives += entry.role == Role::kKeepalive ? 1 : 0;
  }
}

void fold_middle(std::vector<Entry>& entries, size_t limit) {
  const size_t ends = std::min(limit / 4, entries.size() / 2);
  const size_t goal = limit * 3 / 4;
  for (const Thorough thorough : {Thorough::kWithinBusyTimes, Thorough::kAcrossSilence, Thorough::kEverything}) {
    entries = folded(entries, ends, entries.size() - ends, thorough);
    if (entries.size() <= goal) {
      return;
    }
  }
}

}  // namespace lapse::story
