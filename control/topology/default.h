// default.h - what holds where a file says nothing, where that comes from, and how well it is known.
//
// Owner:    constants.
// Memory:   static.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     aws-behaviour, the flags at its beginning; design, `lapse check --effective`.
#pragma once

#include <string_view>

namespace lapse::topology {

// How well a value is known: documented by the provider, reported by others, inferred; or nobody's but ours.
enum class Confidence : char { kDocumented = 'D', kReported = 'R', kInferred = 'I', kOwn = 'O' };

constexpr std::string_view name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kDocumented:
      return "documented";
    case Confidence::kReported:
      return "reported";
    case Confidence::kInferred:
      return "inferred";
    case Confidence::kOwn:
      return "our choice";
  }
  return "";
}

struct Default {
  std::string_view text;     // as a file would say it
  std::string_view meaning;  // in words, of what no file can say: "no limit"
  std::string_view row;      // of the reference; empty: none, the choice is ours
  Confidence confidence = Confidence::kOwn;

  constexpr bool is_known() const { return !text.empty() || !meaning.empty(); }
  constexpr std::string_view shown() const { return text.empty() ? meaning : text; }
};

}  // namespace lapse::topology
