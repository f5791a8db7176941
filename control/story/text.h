// text.h - numbers and UTF-8 for people: durations, sizes, counts, and how many columns a text fills.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/time.h"

namespace lapse::story {

// "350.002": always three decimals.
std::string seconds_text(Duration duration);

// "350.0 s", "2.5 h", "5.0 d": for gaps and moments in a sentence.
std::string about(Duration duration);

// "350 s", "0.12 s", "5 d": for a timeout, exact.
std::string exact(Duration duration);

// "120 B", "1.4 KiB", "1.0 GiB".
std::string bytes_text(uint64_t bytes);

// "1,234,567".
std::string count_text(uint64_t count);

// "1 packet", "1,234 packets".
std::string counted(uint64_t count, std::string_view noun);

// The code point at the start of 'text' and its length in bytes; a byte that is no UTF-8 stands for itself.
struct CodePoint {
  char32_t value = 0;
  size_t size = 1;
};
CodePoint first_code_point(std::string_view text);

// Terminal columns: 0 for combining marks, 2 for East Asian wide characters.
size_t width(char32_t code_point);
size_t width(std::string_view text);

// 'text' in at most 'columns' columns; what does not fit is replaced by an ellipsis.
std::string shortened(std::string_view text, size_t columns);

}  // namespace lapse::story
