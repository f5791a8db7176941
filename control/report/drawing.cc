#include "control/report/drawing.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "control/report/escape.h"

namespace lapse::report {
namespace {

constexpr std::string_view kFont = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
constexpr double kAscent = 0.93;  // of the size: DejaVu Sans again
constexpr double kDescent = 0.24;

absl::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string fill_of(Colour colour) {
  return absl::StrCat(" class=\"f-", view(values(colour).name), "\" fill=\"", view(values(colour).light), "\"");
}

std::string stroke_of(const Stroke& stroke, std::string_view css_class) {
  std::string result =
      absl::StrCat(" class=\"", view(css_class), "s-", view(values(stroke.colour).name), "\" stroke=\"",
                   view(values(stroke.colour).light), "\" stroke-width=\"", number(stroke.width), "\"");
  if (!stroke.dashes.empty()) {
    absl::StrAppend(&result, " stroke-dasharray=\"", view(stroke.dashes), "\"");
  }
  return result;
}

std::string list_of(const std::vector<Point>& points) {
  std::string result;
  for (const Point& point : points) {
    absl::StrAppend(&result, result.empty() ? "" : " ", number(point.x), ",", number(point.y));
  }
  return result;
}

}  // namespace

std::string number(double value) {
  const double rounded = std::round(value * 100) / 100;
  std::string text = absl::StrFormat("%.2f", rounded == 0 ? 0.0 : rounded);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

void Drawing::begin_group(std::string_view css_class, std::string_view tooltip) {
  absl::StrAppend(&body_, "<g class=\"", view(css_class), "\">");
  if (!tooltip.empty()) {
    absl::StrAppend(&body_, "<title>", escape_xml(tooltip), "</title>");
  }
  body_ += "\n";
}

void Drawing::end_group() {
  body_ += "</g>\n";
}

void Drawing::text(Point baseline, std::string_view words, const TextStyle& style) {
  const double width = text_width(words, style.size, style.weight);
  const double left = style.anchor == Anchor::kStart    ? baseline.x
                      : style.anchor == Anchor::kMiddle ? baseline.x - width / 2
                                                        : baseline.x - width;
  texts_.push_back(
      {left, baseline.y - kAscent * style.size, width, (kAscent + kDescent) * style.size, std::string(words)});
  absl::StrAppend(&body_, "<text x=\"", number(baseline.x), "\" y=\"", number(baseline.y), "\" font-size=\"",
                  number(style.size), "\"", fill_of(style.colour));
  if (style.weight == Weight::kBold) {
    body_ += " font-weight=\"600\"";
  }
  if (style.anchor != Anchor::kStart) {
    absl::StrAppend(&body_, " text-anchor=\"", style.anchor == Anchor::kMiddle ? "middle" : "end", "\"");
  }
  absl::StrAppend(&body_, ">", escape_xml(words), "</text>\n");
}

void Drawing::line(Point from, Point to, const Stroke& stroke) {
  absl::StrAppend(&body_, "<line x1=\"", number(from.x), "\" y1=\"", number(from.y), "\" x2=\"", number(to.x),
                  "\" y2=\"", number(to.y), "\"", stroke_of(stroke, ""), "/>\n");
}

void Drawing::path(const std::vector<Point>& points, const Stroke& stroke) {
  absl::StrAppend(&body_, "<polyline points=\"", list_of(points), "\" fill=\"none\"", stroke_of(stroke, ""), "/>\n");
}

void Drawing::polygon(const std::vector<Point>& points, Colour fill) {
  absl::StrAppend(&body_, "<polygon points=\"", list_of(points), "\"", fill_of(fill), "/>\n");
}

void Drawing::rectangle(Point corner, double width, double height, double radius, Colour fill, const Stroke* edge) {
  absl::StrAppend(&body_, "<rect x=\"", number(corner.x), "\" y=\"", number(corner.y), "\" width=\"", number(width),
                  "\" height=\"", number(height), "\" rx=\"", number(radius), "\" fill=\"", view(values(fill).light),
                  "\"");
  const std::string fill_class = absl::StrCat("f-", view(values(fill).name), " ");
  if (edge != nullptr) {
    body_ += stroke_of(*edge, fill_class);
  } else {
    absl::StrAppend(&body_, " class=\"", fill_class, "\"");
  }
  body_ += "/>\n";
}

void Drawing::append(const Drawing& other) {
  body_ += other.body_;
  texts_.insert(texts_.end(), other.texts_.begin(), other.texts_.end());
}

std::string Drawing::svg(const Sheet& sheet, bool standalone) const {
  const std::string id = escape_xml(sheet.id);
  return absl::StrCat(standalone ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" : "",
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"", escape_xml(sheet.css_class),
                      "\" aria-labelledby=\"", id, "-title ", id, "-desc\" width=\"", number(sheet.width),
                      "\" height=\"", number(sheet.height), "\" viewBox=\"0 0 ", number(sheet.width), " ",
                      number(sheet.height), "\" font-family=\"", view(kFont), "\">\n<title id=\"", id, "-title\">",
                      escape_xml(sheet.title), "</title>\n<desc id=\"", id, "-desc\">", escape_xml(sheet.description),
                      "</desc>\n<rect width=\"", number(sheet.width), "\" height=\"", number(sheet.height), "\"",
                      fill_of(Colour::kPaper), "/>\n", body_, "</svg>\n");
}

}  // namespace lapse::report
