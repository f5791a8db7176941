#include "control/story/ladder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/story/canvas.h"
#include "control/story/picture.h"
#include "control/story/text.h"

namespace lapse::story {
namespace {

constexpr std::string_view kSolid = "│";
constexpr std::string_view kDotted = "┊";

Ink ink_of(Tone tone) {
  switch (tone) {
    case Tone::kBad:
      return Ink::kRed;
    case Tone::kKeepalive:
      return Ink::kCyan;
    case Tone::kPlain:
      break;
  }
  return Ink::kPlain;
}

std::string dotted(const std::string& words) {
  return "··· " + words + " ···";
}

class Ladder {
 public:
  Ladder(const Picture& picture, const LadderOptions& options)
      : picture_(picture),
        colour_(options.colour),
        columns_(std::clamp(options.columns, kLeastColumns, kMostColumns)),
        lives_(picture.columns.size(), Life::kNone) {
    const size_t nodes = picture_.columns.size();
    first_ = std::max<size_t>(7, seconds_text(picture_.length).size() + 1) + 2;
    const size_t room = columns_ - 1 - first_;
    for (size_t node = 0; node < nodes; ++node) {
      lifelines_.push_back(first_ + (nodes == 1 ? 0 : room * node / (nodes - 1)));
    }
  }

  std::string draw() {
    draw_head();
    for (const PictureRow& row : picture_.rows) {
      draw_row(row);
    }
    draw_believers();
    return std::move(out_);
  }

 private:
  size_t lane() const { return lifelines_.size() > 1 ? lifelines_[1] - lifelines_[0] : columns_ - first_; }
  void end_line(const Line& line) { out_ += line.text(colour_) + "\n"; }
  void draw_head();
  void draw_labels(const std::vector<std::string>& labels, Ink ink);
  Line line_with_lifelines() const;
  void put_time(Line& line, Duration time) const;
  void draw_row(const PictureRow& row);
  void draw_packet(const PictureRow& row);
  size_t end_of_link(size_t from, size_t to, bool lost) const;
  void draw_arrow(Line& line, const Arrow& arrow) const;
  bool draw_reason_beside(Line& line, const Ending& ending) const;
  void draw_note(const std::string& text, size_t centre, Ink ink, const Duration* time);
  void draw_middle(const std::string& text);
  void draw_believers();

  const Picture& picture_;
  bool colour_;
  size_t columns_;
  size_t first_ = 0;               // column of the leftmost lifeline
  std::vector<size_t> lifelines_;  // columns
  std::vector<Life> lives_;        // as of the row that is drawn
  std::string out_;
};

void Ladder::draw_head() {
  const std::string title = shortened(picture_.title, columns_ - picture_.number.size() - 2);
  Line line(columns_);
  line.put(0, title, Ink::kBold);
  line.put(columns_ - picture_.number.size(), picture_.number, Ink::kDim);
  const size_t room = columns_ - picture_.number.size() - width(title);
  if (picture_.begin.size() + 5 <= room) {
    line.put(width(title) + 3, picture_.begin, Ink::kDim);
  }
  end_line(line);
  out_ += "\n";
  std::vector<std::string> names;
  std::vector<std::string> addresses;
  for (const Column& column : picture_.columns) {
    names.push_back(column.name);
    addresses.push_back(column.address);
  }
  draw_labels(names, Ink::kBold);
  draw_labels(addresses, Ink::kDim);
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
  for (size_t node = 0; node < lifelines_.size(); ++node) {
    const bool solid = holds(lives_[node]);
    line.put(lifelines_[node], solid ? kSolid : kDotted, solid ? Ink::kPlain : Ink::kDim);
  }
  return line;
}

void Ladder::put_time(Line& line, Duration time) const {
  const std::string text = seconds_text(time) + "s";
  line.put(first_ - 2 - text.size(), text, Ink::kDim);
}

void Ladder::draw_row(const PictureRow& row) {
  lives_ = row.lives;
  switch (row.kind) {
    case RowKind::kPacket:
      draw_packet(row);
      break;
    case RowKind::kBoxEvent:
      draw_note("[ " + row.words + " ]", lifelines_[row.column], Ink::kYellow, &row.time);
      break;
    case RowKind::kFold:
    case RowKind::kSilence:
      draw_middle(dotted(row.words));
      break;
  }
}

void Ladder::draw_packet(const PictureRow& row) {
  Line line = line_with_lifelines();
  put_time(line, row.time);
  for (const Arrow& arrow : row.arrows) {
    draw_arrow(line, arrow);
  }
  if (!row.ending) {
    end_line(line);
    return;
  }
  const size_t cross = end_of_link(row.ending->from, row.ending->column, row.ending->lost);
  line.put(cross, "X", Ink::kRed);
  const bool said = !row.ending->lost && draw_reason_beside(line, *row.ending);
  end_line(line);
  if (!said && !row.ending->repeated) {
    draw_note(row.ending->sentence, cross, Ink::kRed, nullptr);
  }
}

// The lifeline that the packet reaches, unless the link loses it on the way.
size_t Ladder::end_of_link(size_t from, size_t to, bool lost) const {
  const auto begin = static_cast<double>(lifelines_[from]);
  const auto end = static_cast<double>(lifelines_[to]);
  return lost ? static_cast<size_t>(begin + (end - begin) * kLostAfter) : lifelines_[to];
}

// One link: from lifeline to lifeline, the label in the middle.
void Ladder::draw_arrow(Line& line, const Arrow& arrow) const {
  const size_t from = lifelines_[arrow.from];
  const size_t to = end_of_link(arrow.from, arrow.to, arrow.lost);
  const size_t left = std::min(from, to) + 1;
  const size_t right = std::max(from, to);
  const Ink ink = ink_of(arrow.tone);
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
  const std::string label = shortened(arrow.label, room - 5);
  const size_t size = width(label) + 2;
  line.put(left + (room - size) / 2, " " + label + " ", ink);
}

// In the lane behind the box, which the packet did not reach.
bool Ladder::draw_reason_beside(Line& line, const Ending& ending) const {
  const size_t cross = lifelines_[ending.column];
  if (ending.rightwards ? ending.column + 1 == lifelines_.size() : ending.column == 0) {
    return false;
  }
  const size_t end = lifelines_[ending.rightwards ? ending.column + 1 : ending.column - 1];
  const size_t room = (ending.rightwards ? end - cross : cross - end) - 1;
  for (const std::string& text : ending.reasons) {
    if (width(text) + 2 <= room) {
      line.put(ending.rightwards ? cross + 2 : cross - 1 - width(text), text, Ink::kRed);
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
void Ladder::draw_note(const std::string& text, size_t centre, Ink ink, const Duration* time) {
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
      inked(picture_.is_tcp ? "who still believes in the connection:" : "what each side knows:", Ink::kDim, colour_) +
      "\n";
  size_t longest = 0;
  for (const Believer& believer : picture_.believers) {
    longest = std::max(longest, width(believer.name));
  }
  for (const Believer& believer : picture_.believers) {
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
  const Picture picture = picture_of(conversation, directory);
  return Ladder(picture, options).draw();
}

}  // namespace lapse::story
