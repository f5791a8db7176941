// palette.h - the colours of reports: told apart without colour vision, on white paper and on a dark screen.
//
// Owner:    none; constants.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: static.
// Spec:     Okabe and Ito, "Color Universal Design" (2008), for what carries meaning.
//
// A drawing alone has the light colours, so that it prints. Inside a page each element's class, f-NAME for what is
// filled and s-NAME for what is stroked, follows the page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lapse::report {

enum class Colour : uint8_t {
  kInk,
  kDim,
  kFaint,
  kPaper,
  kPanel,
  kAlive,
  kInVain,
  kForgotten,
  kAlarm,
  kCalm,
  kOnBright
};

struct ColourValues {
  std::string_view name;
  std::string_view light;
  std::string_view dark;
};
inline constexpr std::array<ColourValues, 11> kColours{{
    {"ink", "#1b1f24", "#e6e8eb"},
    {"dim", "#57606a", "#a3adb8"},
    {"faint", "#b8c0c8", "#4a535d"},
    {"paper", "#ffffff", "#14181d"},
    {"panel", "#f4f6f8", "#1f252c"},
    {"alive", "#0072b2", "#56b4e9"},
    {"invain", "#e69f00", "#f0b429"},
    {"forgotten", "#9a6a7f", "#c79ab0"},
    {"alarm", "#b84300", "#ff9a5c"},
    {"calm", "#00704f", "#4fd0a5"},
    {"onbright", "#1b1f24", "#14181d"},  // what is written on kInVain
}};
constexpr const ColourValues& values(Colour colour) {
  return kColours[static_cast<size_t>(colour)];
}

}  // namespace lapse::report
