#include "control/story/ladder.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

#include "control/story/canvas.h"
#include "control/story/names.h"
#include "control/story/phrases.h"
#include "control/story/rows.h"
#include "control/story/text.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

constexpr std::string_view kSolid = "│";
constexpr std::string_view kDotted = "┊";

class Ladder {
 public:
  Ladder(const Conversation& conversation, const topology::Directory& directory, const LadderOptions& options)
      : story_(conversation),
        directory_(directory),
        colour_(options.colour),
        columns_(std::clamp(options.columns, kLeastColumns, kMostColumns)),
        has_right_end_(!ends_at_box(conversation, directory)) {
    for (const BoxKnowledge& known : story_.boxes) {
      boxes_.push_back({.box = known.box});
    }
    const size_t nodes = 1 + boxes_.size() + (has_right_end_ ? 1 : 0);
    first_ = std::max<size_t>(7, seconds_text(story_.last - story_.first).size() + 1) + 2;
    const size_t room = columns_ - 1 - first_;
    for (size_t node = 0; node < nodes; ++node) {
      lifelines_.push_back(first_ + (nodes == 1 ? 0 : room * node / (nodes - 1)));
    }
  }

  std::string draw() {
    draw_head();
    for (const Row& row : rows_of(story_)) {
      draw_row(row);
    }
    draw_believers();
    return std::move(out_);
  }

 private:
  enum class Place : uint8_t { kLeft, kMiddle, kRight };

  size_t lane() const { return lifelines_.size() > 1 ? lifelines_[1] - lifelines_[0] : columns_ - first_; }
  void end_line(const Line& line) { out_ += line.text(colour_) + "\n"; }
  void draw_head();
  void draw_labels(const std::vector<std::string>& labels, Ink ink);
  std::vector<std::string> addresses() const;
  Line line_with_lifelines() const;
  void put_time(Line& line, Instant time) const;
  size_t lifeline_of(BoxId box, End end_if_none) const;

  void draw_row(const Row& row);
  void draw_packet(const Row& row);
  size_t end_of_arrow(const Entry& entry) const;
  void draw_arrow(Line& line, const Entry& entry);
  bool draw_reason_beside(Line& line, const Entry& entry, size_t cross) const;
  void draw_note(const std::string& text, size_t centre, Ink ink, const Instant* time);
  void draw_middle(const std::string& text);
  void draw_believers();
  void apply(const Entry& entry);

  const Conversation& story_;
  const topology::Directory& directory_;
  bool colour_;
  size_t columns_;
  bool has_right_end_;
  size_t first_ = 0;               // column of the leftmost lifeline
  std::vector<size_t> lifelines_;  // columns
  std::array<EndState, 2> ends_;   // as of the row that is drawn
  std::vector<BoxKnowledge> boxes_;
  std::string out_;
};

Ink ink_of(const Entry& entry) {
  if (entry.dropped || (entry.tcp_flags & kTcpRst) != 0) {
    return Ink::kRed;
  }
  return entry.role == Role::kKeepalive || entry.role == Role::kKeepaliveAnswer ? Ink::kCyan : Ink::kPlain;
}

void Ladder::draw_head() {
  const std::string begin = "0.000s is " + seconds_text(story_.first.time_since_epoch()) + "s of virtual time";
  const std::string number = "#" + std::to_string(story_.id);
  const std::string title = shortened(tuple_name(story_.tuple, directory_), columns_ - number.size() - 2);
  Line line(columns_);
  line.put(0, title, Ink::kBold);
  line.put(columns_ - number.size(), number, Ink::kDim);
  const size_t room = columns_ - number.size() - width(title);
  if (begin.size() + 5 <= room) {
    line.put(width(title) + 3, begin, Ink::kDim);
  }
  end_line(line);
  out_ += "\n";
  std::vector<std::string> names{end_name(story_, End::kOpener, directory_)};
  for (const BoxKnowledge& known : story_.boxes) {
    names.push_back(box_name(known.box, directory_));
  }
  if (has_right_end_) {
    names.push_back(end_name(story_, End::kResponder, directory_));
  }
  draw_labels(names, Ink::kBold);
  draw_labels(addresses(), Ink::kDim);
}

std::vector<std::string> Ladder::addresses() const {
  const bool has_ports = story_.tuple.protocol != static_cast<uint8_t>(Protocol::kIcmp);
  const auto text = [&](Ipv4Address address, Be16 port) {
    return has_ports ? endpoint_address(address, port) : to_string(address);
  };
  std::vector<std::string> labels{text(story_.ends[0].address, story_.ends[0].port)};
  for (const BoxKnowledge& known : story_.boxes) {
    const auto opened = std::find_if(story_.entries.begin(), story_.entries.end(), [&](const Entry& entry) {
      return entry.event == EventKind::kFlowNew && entry.to == known.box;
    });
    const bool translates = opened != story_.entries.end() && opened->outside != known.original.source;
    labels.push_back(translates ? "as " + text(opened->outside, opened->outside_port) : "");
  }
  if (has_right_end_) {
    labels.push_back(text(story_.ends[1].address, story_.ends[1].port));
  }
  return labels;
}

// The outer labels begin and end at their lifelines, so that the arrows have the width.
void Ladder::draw_labels(const std::vector<std::string>& labels, Ink ink) {
  Line line(columns_);
  for (size_t node = 0; node < labels.size(); ++node) {
    const std::string label = shortened(labels[node], std::max<size_t>(lane() * 2 / 3, 3));
    const size_t size = width(label);
    size_t column = lifelines_[node];
    if (node + 1 == labels.size() && node > 0) {
      column = column + 1 - size;
    } else if (node > 0) {
      column -= size / 2;
    }
    line.put(column, label, ink);
  }
  end_line(line);
}

Line Ladder::line_with_lifelines() const {
  Line line(columns_);
  const auto put = [&](size_t node, bool solid) {
    line.put(lifelines_[node], solid ? kSolid : kDotted, solid ? Ink::kPlain : Ink::kDim);
  };
  const bool tcp = story_.is_tcp();
  put(0, !tcp || believes(ends_[0].belief));
  for (size_t box = 0; box < boxes_.size(); ++box) {
    put(box + 1, boxes_[box].state == BoxState::kTracking);
  }
  if (has_right_end_) {
    put(lifelines_.size() - 1, !tcp || believes(ends_[1].belief));
  }
  return line;
}

void Ladder::put_time(Line& line, Instant time) const {
  const std::string text = seconds_text(time - story_.first) + "s";
  line.put(first_ - 2 - text.size(), text, Ink::kDim);
}

size_t Ladder::lifeline_of(BoxId box, End end_if_none) const {
  if (box == kNoBox) {
    return end_if_none == End::kOpener ? lifelines_.front() : lifelines_.back();
  }
  for (size_t at = 0; at < boxes_.size(); ++at) {
    if (boxes_[at].box == box) {
      return lifelines_[at + 1];
    }
  }
  return lifelines_.back();
}

void Ladder::apply(const Entry& entry) {
  apply_to_ends(entry, story_.is_tcp(), ends_);
  for (BoxKnowledge& box : boxes_) {
    apply_to_box(entry, box);
  }
}

void Ladder::draw_row(const Row& row) {
  for (const Entry& crossing : row.crossings) {
    apply(crossing);
  }
  apply(row.entry);
  for (const Entry& silent : row.silent) {
    apply(silent);
  }
  switch (row.kind) {
    case RowKind::kPacket:
      draw_packet(row);
      break;
    case RowKind::kBoxEvent:
      draw_note("[ " + box_event_text(row.entry) + " ]", lifeline_of(row.entry.to, End::kOpener), Ink::kYellow,
                &row.time);
      break;
    case RowKind::kFold:
      draw_middle(fold_text(row.entry, row.row_class == RowClass::kDropped, story_, directory_));
      break;
    case RowKind::kSilence:
      draw_middle("··· " + about(row.last - row.time) + " idle ···");
      break;
  }
}

void Ladder::draw_packet(const Row& row) {
  Line line = line_with_lifelines();
  put_time(line, row.time);
  for (const Entry& crossing : row.crossings) {
    draw_arrow(line, crossing);
  }
  const Entry& last = row.crossings.back();
  if (!last.dropped) {
    end_line(line);
    return;
  }
  const size_t cross = end_of_arrow(last);
  line.put(cross, "X", Ink::kRed);
  const bool said = !last.lost && draw_reason_beside(line, last, cross);
  end_line(line);
  if (!said && last.role != Role::kRepeated) {
    draw_note(long_reason(last), cross, Ink::kRed, nullptr);
  }
}

// The lifeline that it reaches; what a link has lost gets two thirds of the way.
size_t Ladder::end_of_arrow(const Entry& entry) const {
  const size_t to = lifeline_of(entry.to, other(entry.from_end));
  if (!entry.lost) {
    return to;
  }
  const size_t from = lifeline_of(entry.from, entry.from_end);
  return to > from ? from + (to - from) * 2 / 3 : from - (from - to) * 2 / 3;
}

// One link: from lifeline to lifeline, the label in the middle.
void Ladder::draw_arrow(Line& line, const Entry& entry) {
  const size_t from = lifeline_of(entry.from, entry.from_end);
  const size_t to = end_of_arrow(entry);
  if (from == to) {
    return;
  }
  const size_t left = std::min(from, to) + 1;
  const size_t right = std::max(from, to);
  const Ink ink = ink_of(entry);
  line.fill(left, right, "─", ink);
  if (to > from) {
    line.put(right - 1, ">", ink);
  } else {
    line.put(left, "<", ink);
  }
  const size_t room = right - left;
  if (room < 6) {
    return;
  }
  const std::string label = shortened(packet_label(entry, story_, directory_), room - 5);
  const size_t size = width(label) + 2;
  line.put(left + (room - size) / 2, " " + label + " ", ink);
}

// In the lane behind the box, which the packet did not reach.
bool Ladder::draw_reason_beside(Line& line, const Entry& entry, size_t cross) const {
  const bool rightwards = entry.from_end == End::kOpener;
  const auto next = rightwards ? std::upper_bound(lifelines_.begin(), lifelines_.end(), cross)
                               : std::lower_bound(lifelines_.begin(), lifelines_.end(), cross);
  if (rightwards ? next == lifelines_.end() : next == lifelines_.begin()) {
    return false;
  }
  const size_t end = rightwards ? *next : *(next - 1);
  const size_t room = (rightwards ? end - cross : cross - end) - 1;
  for (const std::string& text : reasons(entry)) {
    if (width(text) + 2 <= room) {
      line.put(rightwards ? cross + 2 : cross - 1 - width(text), text, Ink::kRed);
      return true;
    }
  }
  return false;
}

std::vector<std::string> wrapped(const std::string& text, size_t room) {
  std::vector<std::string> lines;
  std::string line;
  size_t start = 0;
  while (start < text.size()) {
    const size_t space = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, space - start);
    if (!line.empty() && width(line) + 1 + width(word) > room) {
      lines.push_back(line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    start = space + 1;
  }
  lines.push_back(line);
  return lines;
}

// Words over the lifelines, around the one that they are about.
void Ladder::draw_note(const std::string& text, size_t centre, Ink ink, const Instant* time) {
  const size_t room = columns_ - first_ - 4;
  bool first = true;
  for (const std::string& part : wrapped(text, room)) {
    Line line = line_with_lifelines();
    if (first && time != nullptr) {
      put_time(line, *time);
    }
    first = false;
    const std::string words = " " + shortened(part, room) + " ";
    const size_t size = width(words);
    const size_t left = centre > first_ + 1 + size / 2 ? centre - size / 2 : first_ + 1;
    line.put(std::min(left, columns_ - 1 - size), words, ink);
    end_line(line);
  }
}

void Ladder::draw_middle(const std::string& text) {
  const std::string words = " " + shortened(text, columns_ - first_ - 6) + " ";
  Line line = line_with_lifelines();
  const size_t middle = first_ + (columns_ - first_) / 2;
  line.put(middle - width(words) / 2, words, Ink::kDim);
  end_line(line);
}

void Ladder::draw_believers() {
  end_line(line_with_lifelines());
  const std::string indent(first_, ' ');
  out_ +=
      indent +
      inked(story_.is_tcp() ? "who still believes in the connection:" : "what each side knows:", Ink::kDim, colour_) +
      "\n";
  const std::vector<Believer> list = believers(story_, directory_);
  size_t longest = 0;
  for (const Believer& believer : list) {
    longest = std::max(longest, width(believer.name));
  }
  for (const Believer& believer : list) {
    Line line(columns_);
    line.put(first_, believer.believes ? kSolid : kDotted, believer.believes ? Ink::kPlain : Ink::kDim);
    line.put(first_ + 2 + longest - width(believer.name), believer.name + ":", Ink::kBold);
    const size_t column = first_ + 4 + longest;
    line.put(column, shortened(believer.text, columns_ - column));
    end_line(line);
  }
}

}  // namespace

std::string render_ladder(const Conversation& conversation, const topology::Directory& directory,
                          const LadderOptions& options) {
  return Ladder(conversation, directory, options).draw();
}

}  // namespace lapse::story
