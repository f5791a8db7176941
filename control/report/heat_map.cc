#include "control/report/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::report {
namespace {

constexpr double kMargin = 20;
constexpr double kTitleSize = 17;
constexpr double kTextSize = 13;
constexpr double kLabelSize = 12;
constexpr double kLine = 19;  // from one line of text to the next
constexpr double kLeastWidth = 660;
constexpr double kSwatch = 16;
constexpr double kLabelGap = 10;
// The map without its labels is about so large, whatever the grid.
constexpr double kMapWidth = 900;
constexpr double kMapHeight = 540;
constexpr double kWidestCell = 64;
constexpr double kHighestCell = 26;
constexpr double kLowestOnlyRow = 48;  // of a map that is a single row
constexpr double kSmallestCell = 2;
constexpr double kSmallestLetter = 11;  // a cell that has room for one
constexpr double kSmallestMark = 5;     // a cell that has room for a stroke
constexpr std::array<size_t, 3> kSteps{1, 2, 5};

const TextStyle kTitle{.size = kTitleSize, .weight = Weight::kBold};
const TextStyle kText{.size = kTextSize};
const TextStyle kName{.size = kTextSize, .weight = Weight::kBold};

// The first of 1, 2, 5, 10, ... at which labels of 'room' have a place each.
size_t label_every(double cell, double room) {
  for (size_t ten = 1;; ten *= 10) {
    for (const size_t step : kSteps) {
      if (cell * static_cast<double>(step * ten) >= room) {
        return step * ten;
      }
    }
  }
}

double widest(const std::vector<std::string>& words) {
  double width = 0;
  for (const std::string& word : words) {
    width = std::max(width, text_width(word, kLabelSize));
  }
  return width;
}

class Painter {
 public:
  explicit Painter(const HeatMap& map) : map_(map) {
    const auto columns = static_cast<double>(map.across.values.size());
    const auto rows = static_cast<double>(map.down.values.size());
    cell_width_ = std::clamp(std::floor(kMapWidth / columns), kSmallestCell, kWidestCell);
    cell_height_ = rows == 1 ? kLowestOnlyRow : std::clamp(std::floor(kMapHeight / rows), kSmallestCell, kHighestCell);
    left_ =
        kMargin + std::max(widest(map.down.values), text_width(map.down.name, kTextSize, Weight::kBold)) + kLabelGap;
    map_width_ = columns * cell_width_;
    map_height_ = rows * cell_height_;
    // A label in the middle of the last column may reach out of it.
    width_ = std::max(kLeastWidth, left_ + map_width_ + kMargin + widest(map.across.values) / 2);
  }

  HeatMapDrawing paint() {
    draw_heading();
    draw_legend();
    top_ = y_ + (map_.down.name.empty() ? 8 : kLine + 8);
    draw_cells();
    draw_down();
    draw_across();
    return {std::move(drawing_), width_, y_ + kMargin};
  }

 private:
  void draw_lines(const std::string& words, const TextStyle& style, double line) {
    constexpr double kBoldIsWider = 1.12;
    const double size = style.size * (style.weight == Weight::kBold ? kBoldIsWider : 1);
    for (const std::string& row : wrapped(words, width_ - 2 * kMargin, size)) {
      y_ += line;
      drawing_.text({kMargin, y_}, row, style);
    }
  }
  void draw_heading();
  void draw_legend();
  void draw_cells();
  void draw_mark(const HeatMap::Kind& kind, Point corner);
  void draw_down();
  void draw_across();

  const HeatMap& map_;
  Drawing drawing_;
  double cell_width_ = 0;
  double cell_height_ = 0;
  double left_ = 0;
  double map_width_ = 0;
  double map_height_ = 0;
  double width_ = 0;
  double top_ = 0;
  double y_ = kMargin - 6;  // the baseline of what was written last
};

void Painter::draw_heading() {
  if (!map_.title.empty()) {
    draw_lines(map_.title, kTitle, 24);
  }
  if (!map_.summary.empty()) {
    y_ += 4;
    draw_lines(map_.summary, kText, kLine);
  }
  y_ += 8;
}

void Painter::draw_legend() {
  for (const auto& [kind, count] : map_.counts()) {
    y_ += kLine + 3;
    drawing_.rectangle({kMargin, y_ - 13}, kSwatch, kSwatch, 3, kind->fill);
    if (kind->mark != ' ') {
      drawing_.text({kMargin + kSwatch / 2, y_ - 1}, std::string(1, kind->mark),
                    {.size = 11, .colour = kind->print, .weight = Weight::kBold, .anchor = Anchor::kMiddle});
    }
    const std::string name = absl::StrCat(kind->name, " ", story::count_text(count));
    const double x = kMargin + kSwatch + 8;
    drawing_.text({x, y_}, name, kName);
    const double behind = x + text_width(name, kTextSize, Weight::kBold) + 10;
    drawing_.text({behind, y_}, fitting(kind->meaning, width_ - kMargin - behind, kTextSize),
                  {.size = kTextSize, .colour = Colour::kDim});
  }
  y_ += 14;
}

// A letter, or where that has no room a stroke: level, upright, or both ways, by the kind.
void Painter::draw_mark(const HeatMap::Kind& kind, Point corner) {
  const Point middle{corner.x + cell_width_ / 2, corner.y + cell_height_ / 2};
  const double room = std::min(cell_width_, cell_height_);
  if (kind.mark == ' ' || room < kSmallestMark) {
    return;
  }
  if (room >= kSmallestLetter + 3) {
    drawing_.text({middle.x, middle.y + kSmallestLetter * 0.36}, std::string(1, kind.mark),
                  {.size = kSmallestLetter, .colour = kind.print, .weight = Weight::kBold, .anchor = Anchor::kMiddle});
    return;
  }
  const double reach = room * 0.28;
  const Stroke stroke{.colour = kind.print};
  const auto number = static_cast<size_t>(&kind - map_.kinds.data());
  if (number % 3 != 0) {
    drawing_.line({middle.x - reach, middle.y}, {middle.x + reach, middle.y}, stroke);
  }
  if (number % 3 != 1) {
    drawing_.line({middle.x, middle.y - reach}, {middle.x, middle.y + reach}, stroke);
  }
}

void Painter::draw_cells() {
  // A hair of paper between cells, where they are large enough for it.
  const double gap = std::min(cell_width_, cell_height_) >= 8 ? 1 : 0;
  for (size_t at = 0; at < map_.cells.size(); ++at) {
    const size_t row = at / map_.across.values.size();
    const size_t column = at % map_.across.values.size();
    const Point corner{left_ + static_cast<double>(column) * cell_width_,
                       top_ + static_cast<double>(row) * cell_height_};
    const HeatMap::Kind& kind = map_.kinds[map_.cells[at].kind];
    drawing_.begin_group("cell", map_.cells[at].tooltip);
    drawing_.rectangle(corner, cell_width_ - gap, cell_height_ - gap, gap * 2, kind.fill);
    draw_mark(kind, corner);
    drawing_.end_group();
  }
}

void Painter::draw_down() {
  if (map_.down.name.empty()) {
    return;
  }
  drawing_.text({left_ - kLabelGap, top_ - 8}, map_.down.name,
                {.size = kTextSize, .weight = Weight::kBold, .anchor = Anchor::kEnd});
  drawing_.text({left_, top_ - 8}, fitting(map_.down.detail, width_ - left_ - kMargin, kLabelSize),
                {.size = kLabelSize, .colour = Colour::kDim});
  const size_t every = label_every(cell_height_, kLabelSize * 1.3);
  for (size_t row = 0; row < map_.down.values.size(); row += every) {
    const double y = top_ + (static_cast<double>(row) + 0.5) * cell_height_ + kLabelSize * 0.36;
    drawing_.text({left_ - kLabelGap, y}, map_.down.values[row], {.size = kLabelSize, .anchor = Anchor::kEnd});
  }
}

void Painter::draw_across() {
  y_ = top_ + map_height_ + 18;
  const size_t every = label_every(cell_width_, widest(map_.across.values) + 8);
  for (size_t column = 0; column < map_.across.values.size(); column += every) {
    const double x = left_ + (static_cast<double>(column) + 0.5) * cell_width_;
    drawing_.line({x, top_ + map_height_}, {x, top_ + map_height_ + 4}, {.colour = Colour::kFaint});
    drawing_.text({x, y_}, map_.across.values[column], {.size = kLabelSize, .anchor = Anchor::kMiddle});
  }
  y_ += kLine + 3;
  drawing_.text({left_, y_}, map_.across.name, kName);
  const double behind = left_ + text_width(map_.across.name, kTextSize, Weight::kBold) + 8;
  drawing_.text({behind, y_}, fitting(map_.across.detail, width_ - behind - kMargin, kLabelSize),
                {.size = kLabelSize, .colour = Colour::kDim});
}

}  // namespace

std::vector<std::pair<const HeatMap::Kind*, size_t>> HeatMap::counts() const {
  std::vector<size_t> number(kinds.size(), 0);
  for (const Cell& cell : cells) {
    ++number[cell.kind];
  }
  std::vector<std::pair<const Kind*, size_t>> counts;
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    if (number[kind] > 0) {
      counts.emplace_back(&kinds[kind], number[kind]);
    }
  }
  return counts;
}

HeatMapDrawing draw_heat_map(const HeatMap& map) {
  return Painter(map).paint();
}

std::string svg_of(const HeatMap& map, bool standalone) {
  const HeatMapDrawing drawn = draw_heat_map(map);
  return drawn.drawing.svg({.width = drawn.width,
                            .height = drawn.height,
                            .title = map.title,
                            .description = map.summary,
                            .id = "heat",
                            .css_class = "heat"},
                           standalone);
}

}  // namespace lapse::report
