// picture.h - one conversation laid out: columns, rows, lifelines and words. Text, SVG and Mermaid are drawn from it.
//
// Owner:    the caller; a picture copies what it shows.
// Memory:   ordinary.
// Time:     virtual, counted from the conversation's first packet.
// Bytes:    UTF-8.
// Cost:     a pass over the conversation's rows.
// Lifetime: none.
// Spec:     design, "Control": the ladder; aws-behaviour 2.1, 2.5.
//
// A row is a packet's whole way, an event of a box, a fold of uneventful packets, or a silence. It says how each
// column's lifeline goes on below it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/story/phrases.h"
#include "control/story/rows.h"

namespace lapse::story {

// What a lifeline's owner has: an end the connection, a box the flow.
enum class Life : uint8_t {
  kNone,  // nothing: it never had it, or it is over for it
  kAlive,
  kInVain,     // an end believes in what a box on the way has forgotten
  kForgotten,  // a box dropped the flow by its own clock
};
// It has the connection, or the flow.
constexpr bool holds(Life life) {
  return life == Life::kAlive || life == Life::kInVain;
}

struct Column {
  std::string name;     // "app"
  std::string address;  // "10.0.1.10:40000"; of a box that translates: "as 203.0.113.10:51234"
  bool is_box = false;
};

enum class Tone : uint8_t { kPlain, kKeepalive, kBad };

// One link's crossing, between two columns.
struct Arrow {
  size_t from = 0;
  size_t to = 0;
  std::string label;
  std::string detail;  // "seq 1001, 120 bytes"
  Tone tone = Tone::kPlain;
  bool lost = false;  // the link lost it: it is drawn as far as kLostAfter of the way
};
inline constexpr double kLostAfter = 2.0 / 3;

// A packet ended in a box, or on the link before it.
struct Ending {
  size_t column = 0;
  size_t from = 0;                   // the column that the last link begins at
  bool lost = false;                 // on that link
  bool rightwards = true;            // the way it would have gone on
  bool repeated = false;             // of one that was sent before: its reason has been told
  std::vector<std::string> reasons;  // from long to short
  std::string sentence;
};

struct PictureRow {
  RowKind kind = RowKind::kPacket;
  RowClass row_class = RowClass::kSpecial;
  Duration time{};  // from the first packet on
  Duration last{};
  std::vector<Arrow> arrows;     // kPacket
  std::optional<Ending> ending;  // kPacket
  size_t column = 0;             // kBoxEvent: whose
  bool forgets = false;          // kBoxEvent: the flow
  std::string words;             // all but kPacket
  std::vector<Life> lives;       // by column, from here on
};

struct Picture {
  std::string title;   // "tcp app:40000 > api:8080"
  std::string number;  // "#3"
  std::string begin;   // "0.000s is 12.500s of virtual time"
  bool is_tcp = false;
  Duration length{};
  std::vector<Column> columns;
  std::vector<PictureRow> rows;
  std::vector<Believer> believers;
};

Picture picture_of(const Conversation& conversation, const topology::Directory& directory);

}  // namespace lapse::story
