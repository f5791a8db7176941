#include "control/report/text_width.h"

#include <array>

#include "control/story/text.h"

namespace lapse::report {
namespace {

constexpr char32_t kFirst = 32;
constexpr double kBoldFactor = 1.14;
constexpr double kOther = 0.85;  // of an em; a letter beyond ASCII
constexpr double kWide = 1.05;

// Thousandths of an em, from the space on.
constexpr std::array<uint16_t, 95> kWidths{
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,  //
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,  //
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,  //
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,  //
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};

double em_of(char32_t character) {
  if (character >= kFirst && character < kFirst + kWidths.size()) {
    return kWidths[character - kFirst] / 1000.0;
  }
  const size_t columns = story::width(character);
  return columns == 0 ? 0 : columns == 2 ? kWide : character == U'…' ? 1.0 : kOther;
}

}  // namespace

double text_width(std::string_view text, double size, Weight weight) {
  double ems = 0;
  while (!text.empty()) {
    const story::CodePoint point = story::first_code_point(text);
    ems += em_of(point.value);
    text.remove_prefix(point.size);
  }
  return ems * size * (weight == Weight::kBold ? kBoldFactor : 1.0);
}

std::string fitting(std::string_view text, double room, double size, Weight weight) {
  if (text_width(text, size, weight) <= room) {
    return std::string(text);
  }
  const double end = text_width("…", size, weight);
  std::string result;
  while (!text.empty()) {
    const std::string_view next = text.substr(0, story::first_code_point(text).size);
    if (text_width(result, size, weight) + text_width(next, size, weight) + end > room) {
      break;
    }
    result += next;
    text.remove_prefix(next.size());
  }
  return result + "…";
}

std::vector<std::string> wrapped(std::string_view text, double room, double size) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string word = fitting(text.substr(0, space), room, size);
    if (!line.empty() && text_width(line, size) + text_width(" ", size) + text_width(word, size) > room) {
      lines.push_back(line);
      line.clear();
    }
    line += line.empty() ? "" : " ";
    line += word;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  lines.push_back(line);
  return lines;
}

}  // namespace lapse::report
