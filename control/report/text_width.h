// text_width.h - how wide a text can get in a reader's font, without that font.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     a pass over the text.
// Lifetime: none.
// Spec:     the advance widths of DejaVu Sans, the widest of the common sans-serif faces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lapse::report {

enum class Weight : uint8_t { kNormal, kBold };

// In the unit of 'size'; narrower fonts leave room.
double text_width(std::string_view text, double size, Weight weight = Weight::kNormal);

// 'text', or as much of it as is no wider than 'room', and an ellipsis.
std::string fitting(std::string_view text, double room, double size, Weight weight = Weight::kNormal);

// Lines no wider than 'room', broken at spaces; a longer word is cut.
std::vector<std::string> wrapped(std::string_view text, double room, double size);

}  // namespace lapse::report
