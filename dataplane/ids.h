// ids.h - small integers that name things, told apart by the compiler.
//
// Owner:    none; plain values, given out when a topology is built and stable for its life.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "ids not pointers, configuration by stable ids".
#pragma once

#include <cstddef>
#include <cstdint>

namespace lapse {

enum class WorkerId : uint8_t {};
enum class BoxId : uint8_t {};
enum class LinkId : uint8_t {};
enum class InterfaceId : uint8_t {};  // one attachment of one box, counted through the whole topology
enum class LineId : uint8_t {};       // one direction of a link, by who sends
enum class Side : uint8_t {};         // the attachment as its box counts it; each kind names its own constants

inline constexpr size_t kMaxWorkers = 16;
inline constexpr size_t kMaxBoxes = 64;
inline constexpr size_t kMaxLinks = 64;
inline constexpr size_t kMaxInterfaces = 128;
inline constexpr size_t kMaxLines = kMaxInterfaces + kMaxLinks;
inline constexpr size_t kMaxSides = 16;

inline constexpr BoxId kNoBox{0xff};
inline constexpr LinkId kNoLink{0xff};
inline constexpr InterfaceId kNoInterface{0xff};

template <typename Id>
constexpr size_t index(Id id) {
  return static_cast<size_t>(id);
}

}  // namespace lapse
