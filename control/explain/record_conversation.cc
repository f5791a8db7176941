#include "control/explain/record_conversation.h"

#include "control/explain/record_text.h"

namespace lapse::explain {

using story::BoxKnowledge;
using story::Conversation;
using story::EndState;
using story::Entry;
using story::EntryKind;
using story::Forgetting;
using story::LateSpeech;

namespace {

// Enumerators that the data plane names itself.
DropReason reason_of(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    if (code(static_cast<DropReason>(reason)) == text) {
      return static_cast<DropReason>(reason);
    }
  }
  throw std::invalid_argument("an unknown reason (" + text + ")");
}
EventKind event_of(const json& value) {
  const auto& text = value.get_ref<const std::string&>();
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    if (name(static_cast<EventKind>(kind)) == text) {
      return static_cast<EventKind>(kind);
    }
  }
  throw std::invalid_argument("an unknown event (" + text + ")");
}

// What is as ever is left out: most entries are packets that nothing happened to.
json to_json(const Entry& entry) {
  json value{{"time", seconds(entry.time)}, {"kind", text_of(entry.kind)}};
  const auto add = [&value](const char* key, bool said, const json& what) {
    if (said) {
      value[key] = what;
    }
  };
  const Entry usual;
  const bool packet = entry.kind == EntryKind::kCrossing;
  add("last", entry.last != entry.time, seconds(entry.last));
  add("event", entry.kind == EntryKind::kBoxEvent, std::string(name(entry.event)));
  add("role", entry.role != usual.role, text_of(entry.role));
  add("speaker", entry.kind != EntryKind::kBoxEvent, text_of(entry.from_end));
  add("reason", entry.reason != usual.reason, std::string(code(entry.reason)));
  add("told", entry.told != usual.told, text_of(entry.told));
  add("dropped", entry.dropped, true);
  add("lost", entry.lost, true);
  add("late", entry.late, true);
  add("from", entry.from != kNoBox, id_json(entry.from, kNoBox));
  add("to", entry.to != kNoBox, id_json(entry.to, kNoBox));
  add("made_by", entry.made_by != kNoBox, id_json(entry.made_by, kNoBox));
  add("link", entry.link != kNoLink, id_json(entry.link, kNoLink));
  add("flags", packet, entry.tcp_flags);
  add("length", packet, entry.payload);
  add("sequence", packet, entry.sequence);
  add("timeout_ms", entry.timeout_ms != 0, entry.timeout_ms);
  add("class", entry.timeout_ms != 0, text_of(static_cast<TimeoutClass>(entry.timeout_class)));
  add("outside", entry.outside_port != Be16{}, json::array({to_string(entry.outside), entry.outside_port.host()}));
  add("keepalives", entry.keepalives != 0, entry.keepalives);
  add("packets", entry.kind == EntryKind::kFold, entry.packets);
  add("bytes", entry.kind == EntryKind::kFold, entry.bytes);
  return value;
}

Entry entry_of(const json& value) {
  Entry entry;
  const auto read = [&value](const char* key, auto reader) {
    if (const auto found = value.find(key); found != value.end()) {
      reader(*found);
    }
  };
  entry.time = entry.last = instant_of(value.at("time"));
  entry.kind = enum_of<EntryKind>(value.at("kind"));
  read("last", [&](const json& said) { entry.last = instant_of(said); });
  read("event", [&](const json& said) { entry.event = event_of(said); });
  read("role", [&](const json& said) { entry.role = enum_of<story::Role>(said); });
  read("speaker", [&](const json& said) { entry.from_end = enum_of<story::End>(said); });
  read("reason", [&](const json& said) { entry.reason = reason_of(said); });
  read("told", [&](const json& said) { entry.told = enum_of<Told>(said); });
  read("dropped", [&](const json& said) { entry.dropped = said; });
  read("lost", [&](const json& said) { entry.lost = said; });
  read("late", [&](const json& said) { entry.late = said; });
  read("from", [&](const json& said) { entry.from = id_of(said, kNoBox); });
  read("to", [&](const json& said) { entry.to = id_of(said, kNoBox); });
  read("made_by", [&](const json& said) { entry.made_by = id_of(said, kNoBox); });
  read("link", [&](const json& said) { entry.link = id_of(said, kNoLink); });
  read("flags", [&](const json& said) { entry.tcp_flags = said; });
  read("length", [&](const json& said) { entry.payload = said; });
  read("sequence", [&](const json& said) { entry.sequence = said; });
  read("timeout_ms", [&](const json& said) { entry.timeout_ms = said; });
  read("class", [&](const json& said) { entry.timeout_class = static_cast<uint8_t>(enum_of<TimeoutClass>(said)); });
  read("outside", [&](const json& said) {
    entry.outside = address_of(said.at(0));
    entry.outside_port = be16(said.at(1).get<uint16_t>());
  });
  read("keepalives", [&](const json& said) { entry.keepalives = said; });
  read("packets", [&](const json& said) { entry.packets = said; });
  read("bytes", [&](const json& said) { entry.bytes = said; });
  return entry;
}

json to_json(const EndState& end) {
  return {
      {"address", to_string(end.address)}, {"port", end.port.host()},      {"seen", end.seen},
      {"belief", text_of(end.belief)},     {"since", seconds(end.since)},  {"reset_by", id_json(end.reset_by, kNoBox)},
      {"packets_sent", end.packets_sent},  {"bytes_sent", end.bytes_sent}, {"packets_received", end.packets_received}};
}
EndState end_of(const json& value) {
  return {.address = address_of(value.at("address")),
          .port = be16(value.at("port").get<uint16_t>()),
          .seen = value.at("seen"),
          .belief = enum_of<story::Belief>(value.at("belief")),
          .since = instant_of(value.at("since")),
          .reset_by = id_of(value.at("reset_by"), kNoBox),
          .packets_sent = value.at("packets_sent"),
          .bytes_sent = value.at("bytes_sent"),
          .packets_received = value.at("packets_received")};
}

json to_json(const BoxKnowledge& known) {
  return {{"box", index(known.box)},
          {"state", text_of(known.state)},
          {"since", seconds(known.since)},
          {"reason", std::string(code(known.reason))},
          {"original", tuple_json(known.original)},
          {"reply", tuple_json(known.reply)}};
}
BoxKnowledge knowledge_of(const json& value) {
  return {.box = id_of(value.at("box"), kNoBox),
          .state = enum_of<story::BoxState>(value.at("state")),
          .since = instant_of(value.at("since")),
          .reason = reason_of(value.at("reason")),
          .original = tuple_of(value.at("original")),
          .reply = tuple_of(value.at("reply"))};
}

json to_json(const Forgetting& forgetting) {
  return {{"flow", key_json(forgetting.flow)},   {"time", seconds(forgetting.time)},
          {"timeout_ms", forgetting.timeout_ms}, {"class", text_of(forgetting.timeout_class)},
          {"told", text_of(forgetting.told)},    {"believed", forgetting.believed}};
}
Forgetting forgetting_of(const json& value) {
  const story::FlowKey flow = key_of(value.at("flow"));
  return {.box = flow.box,
          .flow = flow,
          .time = instant_of(value.at("time")),
          .timeout_ms = value.at("timeout_ms"),
          .timeout_class = enum_of<TimeoutClass>(value.at("class")),
          .told = enum_of<Told>(value.at("told")),
          .believed = value.at("believed")};
}

json to_json(const LateSpeech& late) {
  return {{"time", seconds(late.time)}, {"speaker", text_of(late.speaker)},
          {"role", text_of(late.role)}, {"flags", late.tcp_flags},
          {"length", late.payload},     {"reason", std::string(code(late.reason))},
          {"box", index(late.box)},     {"side", static_cast<unsigned>(late.side)}};
}
LateSpeech late_of(const json& value) {
  return {.time = instant_of(value.at("time")),
          .speaker = enum_of<story::End>(value.at("speaker")),
          .role = enum_of<story::Role>(value.at("role")),
          .tcp_flags = value.at("flags"),
          .payload = value.at("length"),
          .reason = reason_of(value.at("reason")),
          .box = id_of(value.at("box"), kNoBox),
          .side = Side{value.at("side").get<uint8_t>()}};
}

template <typename Values, typename Write>
json list_of(const Values& values, Write write) {
  json list = json::array();
  for (const auto& value : values) {
    list.push_back(write(value));
  }
  return list;
}

}  // namespace

json key_json(const story::FlowKey& key) {
  return json::array({index(key.box), key.id, key.generation});
}
story::FlowKey key_of(const json& value) {
  return {BoxId{value.at(0).get<uint8_t>()}, value.at(1), value.at(2)};
}

json conversation_json(const Conversation& story) {
  const auto write = [](const auto& value) { return to_json(value); };
  return {{"id", story.id},
          {"tuple", tuple_json(story.tuple)},
          {"first", seconds(story.first)},
          {"last", seconds(story.last)},
          {"ends", list_of(story.ends, write)},
          {"boxes", list_of(story.boxes, write)},
          {"flows", list_of(story.flows, key_json)},
          {"entries", list_of(story.entries, write)},
          {"forgettings", list_of(story.forgettings, write)},
          {"late", list_of(story.late, write)},
          {"late_packets", story.late_packets},
          {"resets_by_boxes", story.resets_by_boxes},
          {"refusals", story.refusals}};
}

Conversation conversation_of(const json& value) {
  Conversation story;
  story.id = value.at("id");
  story.tuple = tuple_of(value.at("tuple"));
  story.first = instant_of(value.at("first"));
  story.last = instant_of(value.at("last"));
  story.ends = {end_of(value.at("ends").at(0)), end_of(value.at("ends").at(1))};
  for (const json& known : value.at("boxes")) {
    story.boxes.push_back(knowledge_of(known));
  }
  for (const json& flow : value.at("flows")) {
    story.flows.push_back(key_of(flow));
  }
  for (const json& entry : value.at("entries")) {
    story.entries.push_back(entry_of(entry));
  }
  for (const json& forgetting : value.at("forgettings")) {
    story.forgettings.push_back(forgetting_of(forgetting));
  }
  for (const json& late : value.at("late")) {
    story.late.push_back(late_of(late));
  }
  story.late_packets = value.at("late_packets");
  story.resets_by_boxes = value.at("resets_by_boxes");
  story.refusals = value.at("refusals");
  return story;
}

}  // namespace lapse::explain
