#include "control/story/rows.h"

#include <algorithm>

#include "control/story/fold.h"

namespace lapse::story {
namespace {

constexpr size_t kLookBack = 64;  // rows: two bursts
constexpr Duration kSameMoment = std::chrono::milliseconds(1);

struct FoldRule {
  size_t longest;  // a run up to this is shown as it is
  size_t first;    // rows kept at its beginning
  size_t last;     // and at its end
};

FoldRule rule_of(RowClass row_class) {
  switch (row_class) {
    case RowClass::kPlain:
      return {8, 3, 2};
    case RowClass::kKeepalive:
      return {8, 4, 2};
    case RowClass::kDropped:
      return {4, 2, 1};
    case RowClass::kSpecial:
      break;
  }
  return {SIZE_MAX, 0, 0};
}

RowClass class_of(const Row& row) {
  if (row.kind == RowKind::kFold) {
    return row.entry.role == Role::kKeepalive || row.entry.role == Role::kKeepaliveAnswer ? RowClass::kKeepalive
                                                                                          : RowClass::kPlain;
  }
  if (row.kind != RowKind::kPacket) {
    return RowClass::kSpecial;
  }
  const Entry& first = row.crossings.front();
  if (row.crossings.back().dropped) {
    return RowClass::kDropped;
  }
  if (!is_uneventful(row.crossings.back())) {
    return RowClass::kSpecial;
  }
  return first.role == Role::kKeepalive || first.role == Role::kKeepaliveAnswer ? RowClass::kKeepalive
                                                                                : RowClass::kPlain;
}

bool same_run(const Row& left, const Row& right) {
  if (left.row_class != right.row_class || left.row_class == RowClass::kSpecial) {
    return false;
  }
  if (left.row_class == RowClass::kPlain) {
    return right.time - left.last < kIdleGap;
  }
  if (left.row_class == RowClass::kDropped) {
    const Entry& one = left.crossings.back();
    const Entry& another = right.crossings.back();
    return one.to == another.to && one.link == another.link && one.reason == another.reason &&
           one.from_end == another.from_end && one.tcp_flags == another.tcp_flags;
  }
  return true;
}

bool carries_on(const Entry& before, const Entry& entry) {
  return before.to == entry.from && !before.dropped && before.from_end == entry.from_end &&
         before.sequence == entry.sequence && before.payload == entry.payload && before.tcp_flags == entry.tcp_flags &&
         entry.time - before.time <= kSameMoment;
}

// Builds the rows one entry after the other.
class Builder {
 public:
  explicit Builder(const Conversation& conversation) {
    for (const BoxKnowledge& known : conversation.boxes) {
      boxes_.push_back({.box = known.box});
    }
  }

  void add(const Entry& entry) {
    switch (entry.kind) {
      case EntryKind::kCrossing:
        add_crossing(entry);
        break;
      case EntryKind::kFold:
        add_row({.kind = RowKind::kFold, .time = entry.time, .last = entry.last, .entry = entry});
        break;
      case EntryKind::kBoxEvent:
        add_event(entry);
        break;
    }
  }

  std::vector<Row> take() {
    for (Row& row : rows_) {
      row.row_class = class_of(row);
    }
    return std::move(rows_);
  }

 private:
  void add_row(Row row) {
    row.silent.insert(row.silent.begin(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    rows_.push_back(std::move(row));
  }

  void add_crossing(const Entry& entry) {
    if (entry.from != kNoBox) {
      const size_t oldest = rows_.size() > kLookBack ? rows_.size() - kLookBack : 0;
      for (size_t at = oldest; at < rows_.size(); ++at) {
        Row& row = rows_[at];
        if (row.kind == RowKind::kPacket && carries_on(row.crossings.back(), entry)) {
          row.crossings.push_back(entry);
          row.last = entry.time;
          return;
        }
      }
    }
    add_row({.kind = RowKind::kPacket, .time = entry.time, .last = entry.time, .crossings = {entry}});
  }

  void add_event(const Entry& entry) {
    const auto box =
        std::find_if(boxes_.begin(), boxes_.end(), [&](const auto& known) { return known.box == entry.to; });
    const BoxState before = box == boxes_.end() ? BoxState::kNone : box->state;
    if (box != boxes_.end()) {
      apply_to_box(entry, *box);
    }
    if (has_line(entry, before)) {
      if (entry.event == EventKind::kFlowNew && !rows_.empty()) {
        rows_.back().silent.push_back(entry);  // the packet that opened it passed a box that has the flow
      }
      add_row({.kind = RowKind::kBoxEvent, .time = entry.time, .last = entry.time, .entry = entry});
    } else if (rows_.empty()) {
      waiting_.push_back(entry);
    } else {
      rows_.back().silent.push_back(entry);
    }
  }

  bool has_line(const Entry& entry, BoxState before) const {
    switch (entry.event) {
      case EventKind::kFlowExpired:
      case EventKind::kFlowReleased:
        return before != BoxState::kClosed;
      case EventKind::kFlowNew:
        return before == BoxState::kForgot;
      case EventKind::kLatePacket:
      case EventKind::kIcmpSent:
        return true;
      case EventKind::kRejected:
        return rows_.empty() || rows_.back().kind != RowKind::kPacket || !rows_.back().crossings.back().dropped;
      default:
        return false;
    }
  }

  std::vector<Row> rows_;
  std::vector<Entry> waiting_;
  std::vector<BoxKnowledge> boxes_;
};

Row folded(const std::vector<Row>& rows, size_t first, size_t last) {
  Row sum{.kind = RowKind::kFold,
          .row_class = rows[first].row_class,
          .time = rows[first].time,
          .last = rows[last - 1].last};
  const Row& example = rows[first];
  sum.entry = example.kind == RowKind::kPacket ? example.crossings.front() : example.entry;
  sum.entry.kind = EntryKind::kFold;
  sum.entry.packets = {};
  sum.entry.bytes = {};
  sum.entry.keepalives = 0;
  for (size_t at = first; at < last; ++at) {
    for (const Entry& crossing : rows[at].crossings) {
      add_to_fold(sum.entry, crossing);
    }
    if (rows[at].kind == RowKind::kFold) {
      add_to_fold(sum.entry, rows[at].entry);
    }
    sum.silent.insert(sum.silent.end(), rows[at].silent.begin(), rows[at].silent.end());
  }
  return sum;
}

std::vector<Row> fold_runs(const std::vector<Row>& rows) {
  std::vector<Row> result;
  for (size_t first = 0; first < rows.size();) {
    size_t last = first + 1;
    while (last < rows.size() && same_run(rows[last - 1], rows[last])) {
      ++last;
    }
    const FoldRule rule = rule_of(rows[first].row_class);
    const auto at = [&](size_t row) { return rows.begin() + static_cast<ptrdiff_t>(row); };
    if (last - first > rule.longest) {
      result.insert(result.end(), at(first), at(first + rule.first));
      result.push_back(folded(rows, first + rule.first, last - rule.last));
      result.insert(result.end(), at(last - rule.last), at(last));
    } else {
      result.insert(result.end(), at(first), at(last));
    }
    first = last;
  }
  return result;
}

// Inside a fold of keepalives or of repeated attempts the silence is part of the pattern.
bool is_pattern(const Row& row) {
  return row.kind == RowKind::kFold && row.row_class != RowClass::kPlain;
}

std::vector<Row> with_silences(const std::vector<Row>& rows) {
  std::vector<Row> result;
  for (const Row& row : rows) {
    if (!result.empty() && row.time - result.back().last >= kIdleGap && !is_pattern(row) &&
        !is_pattern(result.back())) {
      result.push_back({.kind = RowKind::kSilence, .time = result.back().last, .last = row.time});
    }
    result.push_back(row);
  }
  return result;
}

}  // namespace

std::vector<Row> rows_of(const Conversation& conversation) {
  std::vector<Entry> entries = conversation.entries;
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& left, const Entry& right) { return left.time < right.time; });
  Builder builder(conversation);
  for (const Entry& entry : entries) {
    builder.add(entry);
  }
  return with_silences(fold_runs(builder.take()));
}

}  // namespace lapse::story
