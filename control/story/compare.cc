#include "control/story/compare.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "control/story/names.h"
#include "control/story/rows.h"
#include "control/story/text.h"
#include "dataplane/wire/notation.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

struct Line {
  std::string text;
  Duration time{};  // since the conversation's first packet
  bool is_packet = false;
  bool is_acknowledgement = false;  // and nothing else, which got through
  BoxId from = kNoBox;
  End from_end = End::kOpener;
};

std::string station(BoxId box, End end, const topology::Directory& directory) {
  return box == kNoBox ? (end == End::kOpener ? "opener" : "responder") : box_name(box, directory);
}

std::string packet_text(const Row& row, const topology::Directory& directory) {
  const Entry& first = row.crossings.front();
  std::string text = station(first.from, first.from_end, directory);
  for (const Entry& crossing : row.crossings) {
    absl::StrAppend(&text, " > ", station(crossing.to, other(crossing.from_end), directory));
  }
  const Entry& last = row.crossings.back();
  absl::StrAppend(&text, " ", tcp_flags_to_string(first.tcp_flags), " ", first.payload);
  if (last.late) {
    absl::StrAppend(&text, " late");
  }
  if (last.dropped) {
    absl::StrAppend(&text, " dropped ", std::string(code(last.reason)));
  }
  if (first.made_by != kNoBox) {
    absl::StrAppend(&text, " made by ", box_name(first.made_by, directory));
  }
  return text;
}

bool is_acknowledgement(const Row& row) {
  const Entry& first = row.crossings.front();
  const Entry& last = row.crossings.back();
  return first.tcp_flags == kTcpAck && first.payload == 0 && first.made_by == kNoBox && !last.late && !last.dropped;
}

std::string event_text(const Entry& entry, const topology::Directory& directory) {
  return absl::StrCat(box_name(entry.to, directory), " ", std::string(name(entry.event)));
}

std::vector<Line> lines_of(const Conversation& conversation, const topology::Directory& directory) {
  std::vector<Line> lines;
  for (const Row& row : rows_of(conversation)) {
    const Duration time = row.time - conversation.first;
    switch (row.kind) {
      case RowKind::kPacket:
        lines.push_back({packet_text(row, directory), time, true, is_acknowledgement(row), row.crossings.front().from,
                         row.crossings.front().from_end});
        break;
      case RowKind::kBoxEvent:
        lines.push_back({event_text(row.entry, directory), time});
        break;
      case RowKind::kFold:
        lines.push_back({absl::StrCat(row.entry.packets[0], " and ", row.entry.packets[1], " packets"), time});
        break;
      case RowKind::kSilence:
        break;
    }
  }
  return lines;
}

// Whether rows 'row' and 'row' + 1 are two packets of one sender, soon after each other, and one only acknowledges.
bool is_pair_with_acknowledgement(const std::vector<Line>& lines, size_t row, Duration soon) {
  if (row + 1 >= lines.size()) {
    return false;
  }
  const Line& one = lines[row];
  const Line& other = lines[row + 1];
  return one.is_packet && other.is_packet && one.is_acknowledgement != other.is_acknowledgement &&
         one.from == other.from && one.from_end == other.from_end && other.time - one.time <= soon;
}

// Where 'late' has an acknowledgement on the other side of its packet than 'lines', it is put where 'lines' has it; where it
// travels alone in 'late' before the packet that carries it in 'lines', it is left out.
void align_acknowledgements(const std::vector<Line>& lines, std::vector<Line>& late, Duration soon) {
  for (size_t row = 0; row < lines.size(); ++row) {
    if (!is_pair_with_acknowledgement(late, row, soon) || late[row].text == lines[row].text ||
        late[row + 1].text != lines[row].text) {
      continue;
    }
    if (row + 1 < lines.size() && late[row].text == lines[row + 1].text) {
      std::swap(late[row], late[row + 1]);
      std::swap(late[row].time, late[row + 1].time);
    } else if (late[row].is_acknowledgement) {
      late.erase(late.begin() + static_cast<ptrdiff_t>(row));
    }
  }
}

std::string shown(const Line& line) {
  return absl::StrCat(exact(line.time), "  ", line.text);
}

// The two around row 'at', as far as they go.
std::string side_by_side(const std::vector<Line>& one, const std::vector<Line>& other, size_t at,
                         std::array<std::string_view, 2> names) {
  std::string text;
  for (size_t which = 0; which < 2; ++which) {
    const auto& lines = which == 0 ? one : other;
    absl::StrAppend(&text, "\n  ", std::string(names[which]), ":");
    for (size_t row = at > 1 ? at - 1 : 0; row < std::min(lines.size(), at + 3); ++row) {
      absl::StrAppend(&text, "\n    ", row == at ? "* " : "  ", shown(lines[row]));
    }
    if (at >= lines.size()) {
      absl::StrAppend(&text, "\n    * nothing more");
    }
  }
  return text;
}

Duration distance(Duration one, Duration other) {
  return one > other ? one - other : other - one;
}

bool about_the_same_time(const std::vector<Line>& one, const std::vector<Line>& other, size_t at,
                         const Tolerance& tolerance) {
  const auto gap_before = [at](const std::vector<Line>& lines) {
    return at == 0 ? Duration{} : lines[at].time - lines[at - 1].time;
  };
  const Duration gap = gap_before(one);
  const auto share = std::chrono::duration_cast<Duration>(gap * tolerance.share);
  return distance(one[at].time, other[at].time) <= tolerance.at_least ||
         (at > 0 && distance(gap, gap_before(other)) <= std::max(tolerance.at_least, share));
}

}  // namespace

std::vector<std::string> plain_rows(const Conversation& conversation, const topology::Directory& directory) {
  std::vector<std::string> rows;
  for (Line& line : lines_of(conversation, directory)) {
    rows.push_back(std::move(line.text));
  }
  return rows;
}

std::string first_difference(const Conversation& one, const Conversation& other, const topology::Directory& directory,
                             const Tolerance& tolerance, std::array<std::string_view, 2> names) {
  const auto left = lines_of(one, directory);
  auto right = lines_of(other, directory);
  align_acknowledgements(left, right, tolerance.at_least);
  for (size_t row = 0; row < std::max(left.size(), right.size()); ++row) {
    if (row >= left.size() || row >= right.size() || left[row].text != right[row].text) {
      return absl::StrCat("row ", row + 1, " differs", side_by_side(left, right, row, names));
    }
    if (!about_the_same_time(left, right, row, tolerance)) {
      return absl::StrCat("row ", row + 1, " is at another time", side_by_side(left, right, row, names));
    }
  }
  return "";
}

}  // namespace lapse::story
