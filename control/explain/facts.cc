#include "control/explain/describe.h"
#include "control/explain/record_text.h"
#include "control/story/names.h"
#include "control/story/report.h"

// An explanation for programs: what its paragraphs are made of, by stable names.
namespace lapse::explain {

using story::End;
using story::LateSpeech;

namespace {

json origin_json(const Origin& origin) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json(nullptr) : json(text); };
  return {{"by", text_of(origin.by)},
          {"place", or_null(origin.place)},
          {"reference", or_null(origin.reference)},
          {"confidence", or_null(origin.confidence)}};
}

json late_json(const Case& found, const LateSpeech& word) {
  json behaviour = nullptr;
  if (const LateFacts* late = late_facts(*found.box, word.side)) {
    behaviour = {{"side", late->side}, {"behaviour", text_of(late->behaviour)}, {"set", origin_json(late->origin)}};
  }
  return {{"who", found.name(word.speaker)},
          {"what", story::noun(word)},
          {"at", seconds(word.time - found.conversation.first)},
          {"silence", seconds(word.time - found.silent_since)},
          {"reset", word.reason == DropReason::kAnswered},
          {"late_packet", behaviour}};
}

json end_json(const Case& found, End end) {
  json document{{"name", found.name(end)}, {"probes", found.probes[story::index(end)].sent}};
  const EndFacts* const facts = tells_of_this_one(found) ? found.facts(end) : nullptr;
  document["error"] = facts == nullptr || facts->error.empty() ? json(nullptr) : json(facts->error);
  document["waiting"] = facts == nullptr ? json(nullptr) : json(facts->waiting);
  document["keepalive"] = facts == nullptr      ? json(nullptr)
                          : facts->keepalive.on ? json(seconds(facts->keepalive.time))
                                                : json(false);
  return document;
}

}  // namespace

json facts_json(const Case& found) {
  json document{{"box", nullptr}, {"timer", nullptr}, {"forgotten_at", nullptr}, {"not_told", json::array()}};
  document["ends"] = json::array({end_json(found, End::kOpener), end_json(found, End::kResponder)});
  document["late"] = json::array();
  document["held"] = json::array();
  for (const HeldFlow* flow : held_flows(found)) {
    document["held"].push_back({{"flow", story::flow_name(flow->key, found.run.directory)},
                                {"state", flow->state},
                                {"idle", seconds(found.run.end - flow->last_seen)},
                                {"timeout", seconds(flow->timeout)},
                                {"left", seconds(flow->timeout - (found.run.end - flow->last_seen))}});
  }
  if (found.forgotten == nullptr || found.box == nullptr) {
    return document;
  }
  const TimeoutFacts& timeout = found.box->timeouts[static_cast<size_t>(found.forgotten->timeout_class)];
  document["box"] = found.box->name;
  document["timer"] = {{"name", "timeouts." + std::string(name(found.forgotten->timeout_class))},
                       {"value", seconds(found.timeout)},
                       {"set", origin_json(timeout.origin)},
                       {"fixed", timeout.fixed()}};
  document["forgotten_at"] = seconds(found.forgotten->time - found.conversation.first);
  document["not_told"] = story::untold_ends(found.conversation, *found.forgotten, found.run.directory);
  for (const LateSpeech& word : found.words) {
    document["late"].push_back(late_json(found, word));
  }
  return document;
}

}  // namespace lapse::explain
