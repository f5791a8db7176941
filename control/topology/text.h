// text.h - the small words that messages about a file are made of.
//
// Owner:    none; pure functions.
// Memory:   allocates strings.
// Time:     none.
// Bytes:    none.
// Cost:     nearest() is quadratic in the length of a word.
// Lifetime: nearest() returns a view into 'words'.
// Spec:     design, "Anything unknown is an error".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lapse::topology {

template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (text.append(std::string_view(parts)), ...);
  return text;
}

// A value as a message shows it: cut to a readable length, control characters escaped, quoted where that helps.
std::string shown(std::string_view value);

// "a, b, c".
std::string listed(std::span<const std::string_view> words);

// The word that 'word' is most likely meant to be, or an empty view when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

// "; did you mean X? " or "; ": stands between what is wrong and what is accepted.
std::string suggestion(std::string_view word, std::span<const std::string_view> words);

// "1 host", "2 hosts", "1 box", "2 boxes".
std::string counted(size_t count, std::string_view singular);

}  // namespace lapse::topology
