#include "control/story/text.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lapse::story {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string seconds_text(Duration duration) {
  const int64_t total = duration_cast<milliseconds>(duration).count();
  const int64_t size = total < 0 ? -total : total;
  return absl::StrFormat("%s%d.%03d", total < 0 ? "-" : "", size / 1000, size % 1000);
}

std::string about(Duration duration) {
  if (duration >= hours(48)) {
    return absl::StrFormat("%.1f d", in_seconds(duration) / 86400);
  }
  if (duration >= hours(10)) {
    return absl::StrFormat("%.1f h", in_seconds(duration) / 3600);
  }
  if (duration < milliseconds(100) && duration > -milliseconds(100)) {
    return absl::StrFormat("%.3f s", in_seconds(duration));
  }
  return absl::StrFormat("%.1f s", in_seconds(duration));
}

std::string exact(Duration duration) {
  const int64_t total = duration_cast<milliseconds>(duration).count();
  constexpr int64_t kDay = 86'400'000;
  if (total >= kDay && total % kDay == 0) {
    return absl::StrCat(total / kDay, " d");
  }
  if (total % 1000 == 0) {
    return absl::StrCat(total / 1000, " s");
  }
  std::string text = seconds_text(duration);
  text.erase(text.find_last_not_of('0') + 1);
  return text + " s";
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 10'000) {
    return absl::StrCat(absl::string_view(count_text(bytes)), " B");
  }
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, absl::string_view(kUnits[unit].data(), kUnits[unit].size()));
}

std::string count_text(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t from_end = 3; from_end < digits.size(); from_end += 4) {
    digits.insert(digits.size() - from_end, ",");
  }
  return digits;
}

std::string counted(uint64_t count, std::string_view noun) {
  return count_text(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

CodePoint first_code_point(std::string_view text) {
  if (text.empty()) {
    return {0, 0};
  }
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  size_t size = 1;
  char32_t value = lead;
  if (lead >= 0xf0 && lead < 0xf8) {
    size = 4;
    value = lead & 0x07;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    size = 3;
    value = lead & 0x0f;
  } else if (lead >= 0xc0 && lead < 0xe0) {
    size = 2;
    value = lead & 0x1f;
  }
  if (size > text.size()) {
    return {lead, 1};
  }
  for (size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xc0) != 0x80) {
      return {lead, 1};
    }
    value = value << 6 | (byte(at) & 0x3f);
  }
  return {value, size};
}

size_t width(char32_t code_point) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array<Range, 4> kNone{{{0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};
  constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                        {0x2e80, 0xa4cf},
                                        {0xac00, 0xd7a3},
                                        {0xf900, 0xfaff},
                                        {0xfe30, 0xfe4f},
                                        {0xff00, 0xff60},
                                        {0xffe0, 0xffe6},
                                        {0x1f300, 0x1faff},
                                        {0x20000, 0x3fffd}}};
  for (const Range& range : kNone) {
    if (code_point >= range.first && code_point <= range.last) {
      return 0;
    }
  }
  for (const Range& range : kWide) {
    if (code_point >= range.first && code_point <= range.last) {
      return 2;
    }
  }
  return 1;
}

size_t width(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    columns += width(point.value);
    text.remove_prefix(point.size);
  }
  return columns;
}

std::string shortened(std::string_view text, size_t columns) {
  if (width(text) <= columns) {
    return std::string(text);
  }
  if (columns == 0) {
    return "";
  }
  std::string result;
  size_t used = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (used + width(point.value) + 1 > columns) {
      break;
    }
    used += width(point.value);
    result.append(text.substr(0, point.size));
    text.remove_prefix(point.size);
  }
  return result + "…";
}

}  // namespace lapse::story
