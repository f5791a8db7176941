// record_text.h - the small values of a record as JSON, in both directions.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     seconds.
// Bytes:    none.
// Cost:     a search through a few names.
// Lifetime: none.
// Spec:     record.h.
//
// What cannot be read throws std::invalid_argument or nlohmann's own exceptions; read_record() makes a status of them.
#pragma once

#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>

#include "nlohmann/json.hpp"

#include "control/explain/run.h"

namespace lapse::explain {

using nlohmann::json;

// Names of enumerators, in their order.
template <typename Enum>
struct Names;
template <>
struct Names<SetBy> {
  static constexpr std::array<std::string_view, 3> kAll{"default", "file", "command line"};
};
template <>
struct Names<Source> {
  static constexpr std::array<std::string_view, 3> kAll{"scenario", "lab", "instance"};
};
template <>
struct Names<ConnectionKind> {
  static constexpr std::array<std::string_view, 4> kAll{"connection", "pool", "proxy", "datagrams"};
};
template <>
struct Names<LatePacket> {
  static constexpr std::array<std::string_view, 2> kAll{"drop", "rst"};
};
template <>
struct Names<TimeoutClass> {
  static constexpr auto kAll = kTimeoutClassNames;
};
template <>
struct Names<Told> {
  static constexpr std::array<std::string_view, 3> kAll{"nobody", "sender", "both"};
};
template <>
struct Names<story::End> {
  static constexpr std::array<std::string_view, 2> kAll{"opener", "responder"};
};
template <>
struct Names<story::Belief> {
  static constexpr std::array<std::string_view, 10> kAll{"nothing",  "syn_sent",     "syn_received", "established",
                                                         "fin_sent", "fin_received", "closed",       "reset",
                                                         "refused",  "aborted"};
};
template <>
struct Names<story::BoxState> {
  static constexpr std::array<std::string_view, 5> kAll{"none", "tracking", "closed", "forgot", "refused"};
};
template <>
struct Names<story::EntryKind> {
  static constexpr std::array<std::string_view, 3> kAll{"packet", "event", "fold"};
};
template <>
struct Names<story::Role> {
  static constexpr std::array<std::string_view, 4> kAll{"ordinary", "keepalive", "keepalive_answer", "repeated"};
};

template <typename Enum>
std::string text_of(Enum value) {
  return std::string(Names<Enum>::kAll.at(static_cast<size_t>(value)));
}
template <typename Enum>
Enum enum_of(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  for (size_t position = 0; position < Names<Enum>::kAll.size(); ++position) {
    if (Names<Enum>::kAll[position] == text) {
      return static_cast<Enum>(position);
    }
  }
  throw std::invalid_argument("an unknown word (" + text + ")");
}

inline double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
inline double seconds(Instant instant) {
  return seconds(instant.time_since_epoch());
}
inline Duration duration_of(const json& value) {
  constexpr double kMostSeconds = 9e9;
  const double number = value.get<double>();
  if (!(std::abs(number) <= kMostSeconds)) {
    throw std::invalid_argument("a time out of range");
  }
  return Duration(std::llround(number * 1e9));
}
inline Instant instant_of(const json& value) {
  return Instant(duration_of(value));
}

inline json address_json(Ipv4Address address) {
  return to_string(address);
}
inline Ipv4Address address_of(const json& value) {
  const auto address = parse_ipv4(value.get_ref<const std::string&>());
  if (!address) {
    throw std::invalid_argument("not an address (" + value.get<std::string>() + ")");
  }
  return *address;
}

inline json tuple_json(const FiveTuple& tuple) {
  return json::array({tuple.protocol, to_string(tuple.source), tuple.source_port.host(), to_string(tuple.destination),
                      tuple.destination_port.host()});
}
inline FiveTuple tuple_of(const json& value) {
  return {.source = address_of(value.at(1)),
          .destination = address_of(value.at(3)),
          .source_port = be16(value.at(2).get<uint16_t>()),
          .destination_port = be16(value.at(4).get<uint16_t>()),
          .protocol = value.at(0).get<uint8_t>()};
}

// Boxes and links are numbers in the order of the record's own lists; none is null.
template <typename Id>
json id_json(Id id, Id none) {
  return id == none ? json(nullptr) : json(index(id));
}
template <typename Id>
Id id_of(const json& value, Id none) {
  return value.is_null() ? none : Id{value.get<uint8_t>()};
}

}  // namespace lapse::explain
