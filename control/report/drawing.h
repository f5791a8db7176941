// drawing.h - lines, boxes and words that become one SVG, without scripts or fonts of its own.
//
// Owner:    the caller.
// Memory:   grows with what is drawn.
// Time:     none.
// Bytes:    UTF-8; every word is escaped here.
// Cost:     none.
// Lifetime: none.
// Spec:     SVG 1.1; SVG Accessibility API Mappings: role img, named by title and desc.
//
// Coordinates are CSS pixels, y downwards. Numbers are written with at most two decimals, so equal drawings are equal
// bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/report/palette.h"
#include "control/report/text_width.h"

namespace lapse::report {

struct Point {
  double x = 0;
  double y = 0;
};

// Where a text can reach, in a font as wide as text_width() says.
struct TextBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  std::string text;

  bool overlaps(const TextBox& other) const {
    return x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height;
  }
};

enum class Anchor : uint8_t { kStart, kMiddle, kEnd };

struct TextStyle {
  double size = 12;
  Colour colour = Colour::kInk;
  Weight weight = Weight::kNormal;
  Anchor anchor = Anchor::kStart;
};

struct Stroke {
  Colour colour = Colour::kInk;
  double width = 1;
  std::string_view dashes;  // "2 5"; empty: solid
};

class Drawing {
 public:
  // Everything up to the next end_group() shows 'tooltip' under the pointer; groups do not nest.
  void begin_group(std::string_view css_class, std::string_view tooltip);
  void end_group();

  void text(Point baseline, std::string_view words, const TextStyle& style);
  void line(Point from, Point to, const Stroke& stroke);
  void path(const std::vector<Point>& points, const Stroke& stroke);
  void polygon(const std::vector<Point>& points, Colour fill);
  void rectangle(Point corner, double width, double height, double radius, Colour fill, const Stroke* edge = nullptr);

  // What 'other' has, over what is here.
  void append(const Drawing& other);

  const std::vector<TextBox>& texts() const { return texts_; }

  struct Sheet {
    double width = 0;
    double height = 0;
    std::string title;
    std::string description;
    std::string id;  // unique in the document: letters, digits, '-'
    std::string css_class;
  };
  // Ends with a newline. 'standalone' adds the XML declaration.
  std::string svg(const Sheet& sheet, bool standalone) const;

 private:
  std::string body_;
  std::vector<TextBox> texts_;
};

// "12.5", "12": what SVG calls a number.
std::string number(double value);

}  // namespace lapse::report
