#include "control/report/ladder_svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::report {
namespace {

using story::Arrow;
using story::Life;
using story::Picture;
using story::PictureRow;
using story::RowKind;

constexpr double kMargin = 24;
constexpr double kTimeWidth = 84;
constexpr double kLeastLane = 200;
constexpr double kWidestLane = 340;
constexpr double kLeastWidth = 560;
constexpr double kLabelSize = 12;
constexpr double kCross = 6;  // half of an X
constexpr double kSmallSize = 11;
constexpr double kLineHeight = 16;
constexpr double kBetweenLadders = 36;

const TextStyle kTitleStyle{.size = 16, .weight = Weight::kBold};
const TextStyle kDimStyle{.size = kSmallSize, .colour = Colour::kDim};
const TextStyle kDimMiddle{.size = kSmallSize, .colour = Colour::kDim, .anchor = Anchor::kMiddle};
const TextStyle kTimeStyle{.size = kSmallSize, .colour = Colour::kDim, .anchor = Anchor::kEnd};
const TextStyle kNameStyle{.size = 13, .weight = Weight::kBold, .anchor = Anchor::kMiddle};

Colour colour_of(story::Tone tone) {
  switch (tone) {
    case story::Tone::kBad:
      return Colour::kAlarm;
    case story::Tone::kKeepalive:
      return Colour::kCalm;
    case story::Tone::kPlain:
      break;
  }
  return Colour::kInk;
}

Stroke stroke_of(Life life) {
  switch (life) {
    case Life::kAlive:
      return {.colour = Colour::kAlive, .width = 3};
    case Life::kInVain:
      return {.colour = Colour::kInVain, .width = 3, .dashes = "9 3"};
    case Life::kForgotten:
      return {.colour = Colour::kForgotten, .width = 1.5, .dashes = "2 5"};
    case Life::kNone:
      break;
  }
  return {.colour = Colour::kFaint, .width = 1.5, .dashes = "1 5"};
}

std::string_view words_of(Life life) {
  switch (life) {
    case Life::kAlive:
      return "has the connection, or the flow";
    case Life::kInVain:
      return "believes in what a box forgot";
    case Life::kForgotten:
      return "forgot the flow";
    case Life::kNone:
      break;
  }
  return "has nothing";
}

std::string_view legend_of(Life life) {
  switch (life) {
    case Life::kAlive:
      return "has the connection or flow";
    case Life::kInVain:
      return "believes in vain";
    case Life::kForgotten:
      return "forgot";
    case Life::kNone:
      break;
  }
  return "has nothing";
}

// No wider than 'room', and no narrower than they have to be: lines of about one length.
std::vector<std::string> balanced(std::string_view words, double room, double size) {
  std::vector<std::string> lines = wrapped(words, room, size);
  for (double narrower = room - 8; lines.size() > 1 && narrower > 60; narrower -= 8) {
    std::vector<std::string> next = wrapped(words, narrower, size);
    if (next.size() > lines.size()) {
      break;
    }
    lines = std::move(next);
  }
  return lines;
}

std::string moment(Duration time) {
  return story::seconds_text(time) + " s";
}

// One ladder: measured first, then drawn from 'top' downwards.
class LadderPainter {
 public:
  LadderPainter(Drawing& drawing, const Picture& picture) : drawing_(drawing), picture_(picture) { measure(); }

  double width() const { return std::max(kLeastWidth, columns_.back() + half_head_ + kMargin); }
  // Where the next thing may begin.
  double draw(double top, double whole_width) {
    whole_width_ = whole_width;
    y_ = top;
    draw_head();
    for (const PictureRow& row : picture_.rows) {
      draw_row(row);
    }
    draw_lifelines();
    drawing_.append(rows_);
    draw_believers();
    return y_;
  }

 private:
  struct Span {
    double from = 0;
    Life life = Life::kNone;
  };

  void measure();
  void draw_head();
  void draw_row(const PictureRow& row);
  void draw_packet(const PictureRow& row);
  void draw_arrow(const Arrow& arrow, double y);
  double end_of_link(size_t from, size_t to, bool lost) const;
  void draw_ending(const story::Ending& ending, double y);
  void draw_note(const PictureRow& row);
  void draw_sum(const PictureRow& row);
  void draw_silence(const PictureRow& row);
  void draw_pill(const std::vector<std::string>& lines, double centre, Colour edge, const TextStyle& style);
  void draw_lifelines();
  void draw_believers();
  void put_time(Duration time, double baseline);
  void live_on(const PictureRow& row, double y);
  double lane_room() const { return lane_ - 28; }
  double first_left() const { return kMargin + kTimeWidth + 8; }

  Drawing& drawing_;
  Drawing rows_;  // over the lifelines
  const Picture& picture_;
  double lane_ = kLeastLane;
  double half_head_ = 60;
  double whole_width_ = 0;
  double y_ = 0;
  double lifelines_top_ = 0;
  std::vector<double> columns_;           // x of the lifelines
  std::vector<std::vector<Span>> spans_;  // by column
};

void LadderPainter::measure() {
  for (const PictureRow& row : picture_.rows) {
    for (const Arrow& arrow : row.arrows) {
      lane_ = std::max(lane_, text_width(arrow.label, kLabelSize) + 40);
    }
    if (row.ending) {
      lane_ = std::max(lane_, text_width(row.ending->reasons.back(), kSmallSize) + 40);
    }
  }
  for (const story::Column& column : picture_.columns) {
    const double head =
        std::max(text_width(column.name, kNameStyle.size, Weight::kBold), text_width(column.address, kSmallSize));
    half_head_ = std::max(half_head_, head / 2 + 12);
  }
  half_head_ = std::min(half_head_, kWidestLane / 2 - 8);
  lane_ = std::clamp(std::max(lane_, 2 * half_head_ + 16), kLeastLane, kWidestLane);
  for (size_t column = 0; column < picture_.columns.size(); ++column) {
    columns_.push_back(std::round(first_left() + half_head_ + lane_ * static_cast<double>(column)));
    spans_.push_back({{0, Life::kNone}});
  }
}

void LadderPainter::draw_head() {
  const double number_width = text_width(picture_.number, kSmallSize);
  drawing_.text({kMargin, y_ + 16},
                fitting(picture_.title, whole_width_ - 3 * kMargin - number_width, kTitleStyle.size, Weight::kBold),
                kTitleStyle);
  drawing_.text({whole_width_ - kMargin, y_ + 16}, picture_.number, kTimeStyle);
  drawing_.text({kMargin, y_ + 36}, fitting(picture_.begin, whole_width_ - 2 * kMargin, kSmallSize), kDimStyle);
  y_ += 56;
  for (size_t at = 0; at < columns_.size(); ++at) {
    const story::Column& column = picture_.columns[at];
    const Stroke edge{.colour = column.is_box ? Colour::kInk : Colour::kFaint, .width = 1.25};
    drawing_.begin_group("head", column.is_box ? "a box" : "a host");
    drawing_.rectangle({columns_[at] - half_head_, y_}, 2 * half_head_, 42, column.is_box ? 2 : 12, Colour::kPanel,
                       &edge);
    const double room = 2 * half_head_ - 16;
    drawing_.text({columns_[at], y_ + 18}, fitting(column.name, room, kNameStyle.size, Weight::kBold), kNameStyle);
    if (!column.address.empty()) {
      drawing_.text({columns_[at], y_ + 34}, fitting(column.address, room, kSmallSize), kDimMiddle);
    }
    drawing_.end_group();
  }
  y_ += 42;
  lifelines_top_ = y_;
  y_ += 10;
}

void LadderPainter::put_time(Duration time, double baseline) {
  rows_.text({kMargin + kTimeWidth, baseline}, fitting(moment(time), kTimeWidth, kSmallSize), kTimeStyle);
}

void LadderPainter::live_on(const PictureRow& row, double y) {
  for (size_t column = 0; column < row.lives.size(); ++column) {
    if (spans_[column].back().life != row.lives[column]) {
      spans_[column].push_back({y, row.lives[column]});
    }
  }
}

void LadderPainter::draw_row(const PictureRow& row) {
  switch (row.kind) {
    case RowKind::kPacket:
      draw_packet(row);
      break;
    case RowKind::kBoxEvent:
      draw_note(row);
      break;
    case RowKind::kFold:
      draw_sum(row);
      break;
    case RowKind::kSilence:
      draw_silence(row);
      break;
  }
}

void LadderPainter::draw_packet(const PictureRow& row) {
  std::string tooltip = moment(row.time);
  if (!row.arrows.empty()) {
    absl::StrAppend(&tooltip, ": ", row.arrows.front().label, " from ", picture_.columns[row.arrows.front().from].name,
                    "; ", row.arrows.front().detail);
  }
  if (row.ending) {
    absl::StrAppend(&tooltip, row.ending->lost ? "; lost before " : "; ended in ",
                    picture_.columns[row.ending->column].name, ": ", row.ending->sentence);
  }
  rows_.begin_group("packet", tooltip);
  const double y = y_ + 22;
  put_time(row.time, y + 4);
  for (const Arrow& arrow : row.arrows) {
    draw_arrow(arrow, y);
  }
  live_on(row, y);
  y_ += 30;
  if (row.ending) {
    draw_ending(*row.ending, y);
  }
  rows_.end_group();
}

// The lifeline that the packet reaches, unless the link loses it on the way.
double LadderPainter::end_of_link(size_t from, size_t to, bool lost) const {
  return lost ? columns_[from] + (columns_[to] - columns_[from]) * story::kLostAfter : columns_[to];
}

void LadderPainter::draw_arrow(const Arrow& arrow, double y) {
  const double direction = arrow.to > arrow.from ? 1 : -1;
  const double from = columns_[arrow.from] + direction * 4;
  const double end = end_of_link(arrow.from, arrow.to, arrow.lost);
  const double to = end - direction * 5;
  const Colour colour = colour_of(arrow.tone);
  rows_.line({from, y}, {to - direction * 7, y},
             {.colour = colour, .width = 1.5, .dashes = arrow.tone == story::Tone::kKeepalive ? "5 3" : ""});
  rows_.polygon({{to, y}, {to - direction * 9, y - 4}, {to - direction * 9, y + 4}}, colour);
  const double room = arrow.lost ? lane_room() * story::kLostAfter - kCross : lane_room();
  rows_.text({(columns_[arrow.from] + end - (arrow.lost ? direction * kCross : 0)) / 2, y - 6},
             fitting(arrow.label, room, kLabelSize), {.size = kLabelSize, .colour = colour, .anchor = Anchor::kMiddle});
}

// An X on the box's lifeline, or on the link, and its reason in the lane that the packet did not reach, or below where there is none.
void LadderPainter::draw_ending(const story::Ending& ending, double y) {
  const double x = end_of_link(ending.from, ending.column, ending.lost);
  const Stroke cross{.colour = Colour::kAlarm, .width = 2.5};
  rows_.line({x - kCross, y - kCross}, {x + kCross, y + kCross}, cross);
  rows_.line({x - kCross, y + kCross}, {x + kCross, y - kCross}, cross);
  const bool has_lane = !ending.lost && (ending.rightwards ? ending.column + 1 < columns_.size() : ending.column > 0);
  for (const std::string& reason : ending.reasons) {
    if (has_lane && text_width(reason, kSmallSize) <= lane_room()) {
      rows_.text(
          {ending.rightwards ? x + 14 : x - 14, y + 4}, reason,
          {.size = kSmallSize, .colour = Colour::kAlarm, .anchor = ending.rightwards ? Anchor::kStart : Anchor::kEnd});
      return;
    }
  }
  if (!ending.repeated) {
    draw_pill(balanced(ending.sentence, 1.6 * lane_, kSmallSize), x, Colour::kAlarm,
              {.size = kSmallSize, .colour = Colour::kAlarm, .anchor = Anchor::kMiddle});
  }
}

void LadderPainter::draw_note(const PictureRow& row) {
  rows_.begin_group(row.forgets ? "forgets" : "note", moment(row.time) + ": " + row.words);
  y_ += 4;
  put_time(row.time, y_ + 15);
  live_on(row, y_);
  draw_pill(balanced(row.words, std::min(1.6 * lane_, 300.0), kLabelSize), columns_[row.column],
            row.forgets ? Colour::kAlarm : Colour::kDim, {.size = kLabelSize, .anchor = Anchor::kMiddle});
  y_ += 4;
  rows_.end_group();
}

// Words on a plate of their own, around 'centre' as far as the picture allows.
void LadderPainter::draw_pill(const std::vector<std::string>& lines, double centre, Colour edge,
                              const TextStyle& style) {
  double width = 0;
  for (const std::string& line : lines) {
    width = std::max(width, text_width(line, style.size));
  }
  width += 20;
  const double height = kLineHeight * static_cast<double>(lines.size()) + 6;
  const double left =
      std::clamp(centre - width / 2, first_left(), std::max(first_left(), whole_width_ - kMargin - width));
  const Stroke border{.colour = edge, .width = 1.25};
  rows_.rectangle({left, y_}, width, height, 4, Colour::kPaper, &border);
  double baseline = y_ + 15;
  for (const std::string& line : lines) {
    rows_.text({left + width / 2, baseline}, line, style);
    baseline += kLineHeight;
  }
  y_ += height;
}

void LadderPainter::draw_sum(const PictureRow& row) {
  rows_.begin_group("fold", moment(row.time) + " to " + moment(row.last) + ": " + row.words);
  y_ += 4;
  put_time(row.time, y_ + 15);
  live_on(row, y_);
  const double middle = (columns_.front() + columns_.back()) / 2;
  const double left = columns_.front() + 10;
  const double right = std::max(columns_.back() - 10, left + 20);
  const double room = std::max(right - left - 20, kLeastLane);
  rows_.rectangle({left, y_ + 2}, right - left, 20, 10, Colour::kPanel);
  rows_.text({middle, y_ + 16}, fitting("⋯ " + row.words + " ⋯", room, kSmallSize), kDimMiddle);
  y_ += 28;
  rows_.end_group();
}

// A tear through the lifelines: time left out, with its length.
void LadderPainter::draw_silence(const PictureRow& row) {
  rows_.begin_group("silence", moment(row.time) + " to " + moment(row.last) + ": " + row.words);
  live_on(row, y_);
  const double left = columns_.front() - half_head_;
  const double right = columns_.back() + half_head_;
  rows_.rectangle({left, y_ + 6}, right - left, 20, 0, Colour::kPaper);
  const Stroke edge{.colour = Colour::kFaint};
  for (const double at : {y_ + 6, y_ + 26}) {
    std::vector<Point> tear;
    bool up = false;
    for (double x = left; x <= right; x += 10, up = !up) {
      tear.push_back({x, at + (up ? -2.0 : 2.0)});
    }
    tear.push_back({right, at});
    rows_.path(tear, edge);
  }
  rows_.text({(columns_.front() + columns_.back()) / 2, y_ + 20}, row.words, kDimMiddle);
  y_ += 34;
  rows_.end_group();
}

void LadderPainter::draw_lifelines() {
  y_ += 6;
  for (size_t column = 0; column < columns_.size(); ++column) {
    const auto& spans = spans_[column];
    for (size_t at = 0; at < spans.size(); ++at) {
      const double from = at == 0 ? lifelines_top_ : spans[at].from;
      const double to = at + 1 < spans.size() ? spans[at + 1].from : y_;
      if (to > from) {
        drawing_.begin_group("life", picture_.columns[column].name + " " + std::string(words_of(spans[at].life)));
        drawing_.line({columns_[column], from}, {columns_[column], to}, stroke_of(spans[at].life));
        drawing_.end_group();
      }
    }
  }
}

void LadderPainter::draw_believers() {
  y_ += 28;
  drawing_.text({kMargin, y_}, picture_.is_tcp ? "Who still believes in the connection" : "What each side knows",
                {.size = kLabelSize, .weight = Weight::kBold});
  double names = 0;
  for (const story::Believer& believer : picture_.believers) {
    names = std::max(names, text_width(believer.name, kLabelSize, Weight::kBold));
  }
  names = std::min(names, 160.0);
  for (size_t at = 0; at < picture_.believers.size(); ++at) {
    const story::Believer& believer = picture_.believers[at];
    const Life life =
        picture_.rows.empty() || at >= picture_.rows.back().lives.size() ? Life::kNone : picture_.rows.back().lives[at];
    y_ += 19;
    drawing_.begin_group("believer", words_of(life));
    drawing_.line({kMargin, y_ - 4}, {kMargin + 26, y_ - 4}, stroke_of(life));
    drawing_.text({kMargin + 38, y_}, fitting(believer.name, names, kLabelSize, Weight::kBold),
                  {.size = kLabelSize, .weight = Weight::kBold});
    const double column = kMargin + 38 + names + 14;
    drawing_.text({column, y_}, fitting(believer.text, whole_width_ - kMargin - column, kLabelSize),
                  {.size = kLabelSize});
    drawing_.end_group();
  }
  y_ += 12;
}

double draw_legend(Drawing& drawing, double top, double width) {
  drawing.line({kMargin, top}, {width - kMargin, top}, {.colour = Colour::kFaint});
  double x = kMargin;
  double y = top + 20;
  for (const Life life : {Life::kAlive, Life::kInVain, Life::kForgotten, Life::kNone}) {
    const std::string words(legend_of(life));
    const double needed = 32 + text_width(words, kSmallSize) + 18;
    if (x > kMargin && x + needed > width - kMargin) {
      x = kMargin;
      y += 18;
    }
    drawing.line({x, y - 4}, {x + 24, y - 4}, stroke_of(life));
    drawing.text({x + 32, y}, words, kDimStyle);
    x += needed;
  }
  return y + 20;
}

}  // namespace

LadderDrawing draw_ladders(const std::vector<Picture>& pictures) {
  LadderDrawing result;
  std::vector<LadderPainter> painters;
  painters.reserve(pictures.size());
  result.width = kLeastWidth;
  for (const Picture& picture : pictures) {
    painters.emplace_back(result.drawing, picture);
    result.width = std::max(result.width, painters.back().width());
  }
  double y = kMargin;
  for (LadderPainter& painter : painters) {
    y = painter.draw(y, result.width) + kBetweenLadders;
  }
  if (painters.empty()) {
    result.drawing.text({kMargin, y + 16}, "No packet met a box.", kTitleStyle);
    y += kBetweenLadders;
  }
  result.height = std::ceil(draw_legend(result.drawing, y - kBetweenLadders + 16, result.width));
  return result;
}

}  // namespace lapse::report
