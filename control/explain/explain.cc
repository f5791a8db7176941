#include "control/explain/explain.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/explain/case.h"
#include "control/explain/describe.h"
#include "control/explain/paragraph.h"
#include "control/story/names.h"

namespace lapse::explain {

using nlohmann::json;
using story::Conversation;

namespace {

void say(Explanation& explanation, std::string label, std::string text) {
  if (!text.empty()) {
    explanation.paragraphs.push_back({std::move(label), std::move(text)});
  }
}

std::string fix_text(const Fix& fix) {
  const bool proven = fix.worked.value_or(false);
  return proven ? absl::StrCat(fix.text, " Tried: with ", absl::StrJoin(fix.settings, " and "),
                               fix.keeps_flow ? " it survives." : " the program survives.")
                : fix.text;
}

// What was tried and did not help is no fix.
bool is_worth_saying(const Fix& fix) {
  return fix.worked.value_or(true);
}

}  // namespace

Explanation explain(const Run& run, const Conversation& conversation) {
  const Case found = examine(run, conversation);
  Explanation explanation{.conversation = conversation.id,
                          .name = found.program == nullptr ? "" : found.program->name,
                          .connection = story::tuple_name(conversation.tuple, run.directory),
                          .lost = lost_something(found)};
  if (explanation.lost) {
    say(explanation, "what", what_happened(found));
  }
  say(explanation, "timer", timer(found));
  say(explanation, "late", late_packets(found));
  say(explanation, "ends", programs(found));
  if (explanation.lost) {
    explanation.placebos = placebos(found);
    explanation.fixes = fixes(found, explanation.placebos);
    if (explanation.placebos.empty()) {
      say(explanation, "keepalive", no_keepalive(found));
    }
  } else {
    say(explanation, "kept", kept(found));
    say(explanation, "careful", narrow_margin(found));
  }
  if (run.source == Source::kInstance) {
    for (const HeldFlow* flow : held_flows(found)) {
      say(explanation, "now", held_text(found, *flow));
    }
  }
  explanation.facts = facts_json(found);
  return explanation;
}

std::vector<Explanation> explain(const Run& run) {
  std::vector<Explanation> all;
  for (const Conversation& conversation : run.conversations) {
    all.push_back(explain(run, conversation));
  }
  std::stable_partition(all.begin(), all.end(), [](const Explanation& one) { return one.lost; });
  return all;
}

std::string text(const Explanation& explanation) {
  std::string text =
      absl::StrCat(explanation.name.empty() ? "" : explanation.name + ", ", explanation.connection, "\n");
  for (const Paragraph& paragraph : explanation.paragraphs) {
    add_paragraph(text, "  " + paragraph.label, paragraph.text);
  }
  for (const Placebo& placebo : explanation.placebos) {
    add_paragraph(text, "  placebo", placebo.text);
  }
  for (const Fix& fix : explanation.fixes) {
    if (is_worth_saying(fix)) {
      add_paragraph(text, "  fix", fix_text(fix));
    }
  }
  return text;
}

json to_json(const Explanation& explanation) {
  json placebos = json::array();
  for (const Placebo& placebo : explanation.placebos) {
    placebos.push_back({{"kind", std::string(name(placebo.kind))}, {"who", placebo.who}, {"text", placebo.text}});
  }
  json fixes = json::array();
  for (const Fix& fix : explanation.fixes) {
    fixes.push_back(
        {{"text", fix.text}, {"settings", fix.settings}, {"worked", fix.worked ? json(*fix.worked) : json(nullptr)}});
  }
  json document = explanation.facts;
  document["conversation"] = explanation.conversation;
  document["name"] = explanation.name.empty() ? json(nullptr) : json(explanation.name);
  document["connection"] = explanation.connection;
  document["lost"] = explanation.lost;
  document["placebos"] = placebos;
  document["fixes"] = fixes;
  document["text"] = text(explanation);
  return document;
}

}  // namespace lapse::explain
