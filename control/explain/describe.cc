#include "control/explain/describe.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/explain/words.h"
#include "control/story/names.h"
#include "control/story/phrases.h"
#include "control/story/report.h"
#include "control/story/text.h"

namespace lapse::explain {

using story::Belief;
using story::Conversation;
using story::End;
using story::LateSpeech;

namespace {

constexpr std::array kEnds{End::kOpener, End::kResponder};

bool is_kernel_giving_up(const std::string& error) {
  return error == "ETIMEDOUT" || error == "ENETRESET";
}

bool has_failed(const EndFacts& facts) {
  return !facts.error.empty() && facts.error != "EOF";
}

}  // namespace

Side side_of(End end) {
  return Side{static_cast<uint8_t>(end == End::kOpener ? 0 : 1)};
}

const LateFacts* late_facts(const BoxFacts& box, Side side) {
  return static_cast<size_t>(side) < box.late.size() ? &box.late[static_cast<size_t>(side)] : nullptr;
}

bool tells_of_this_one(const Case& found) {
  return found.program != nullptr &&
         (found.program->tuples.size() < 2 || found.program->tuples.back() == found.conversation.tuple);
}

bool lost_something(const Case& found) {
  const Conversation& story = found.conversation;
  const bool failed = tells_of_this_one(found) && std::any_of(kEnds.begin(), kEnds.end(), [&](End end) {
                        return has_failed(*found.facts(end)) || is_overdue(*found.program, end, found.run.end);
                      });
  return found.forgotten != nullptr || story.refusals > 0 || failed || found.found_peer_dead(End::kOpener) ||
         found.found_peer_dead(End::kResponder);
}

bool is_overdue(const ConnectionFacts& connection, End end, Instant now) {
  const EndFacts& facts = connection.ends[story::index(end)];
  return facts.waiting && now > facts.waiting_since + connection.answer_after;
}

// ---- what ----

namespace {

std::string refusal(const Case& found) {
  for (const story::BoxKnowledge& known : found.conversation.boxes) {
    if (known.state == story::BoxState::kRefused) {
      const std::string code(lapse::code(known.reason));
      return absl::StrCat(story::box_name(known.box, found.run.directory),
                          " refused to open the flow: ", std::string(lapse::sentence(known.reason)),
                          " (`lapse explain ", code, "`).");
    }
  }
  return "";
}

std::string own_patience(const Case& found) {
  const EndFacts& client = *found.facts(End::kOpener);
  std::string text = absl::StrCat(found.name(End::kOpener), " gave up by its own timeout of ",
                                  in_seconds(client.patience), ", at ", moment(client.error_at, found.conversation));
  if (found.forgotten == nullptr) {
    return text + ". No box forgot the connection before that.";
  }
  return absl::StrCat(text, ", before any box forgot: no box is to blame. What came after: ",
                      story::sentence(found.conversation, *found.forgotten, found.run.directory));
}

std::string start_of_times(const Conversation& story) {
  return story.first == Instant{} ? ""
                                  : absl::StrCat(" Times count from its first packet, ",
                                                 story::about(story.first.time_since_epoch()), " into the run.");
}

}  // namespace

std::string what_happened(const Case& found) {
  const Conversation& story = found.conversation;
  if (found.gave_up_first(End::kOpener)) {
    return own_patience(found) + start_of_times(story);
  }
  if (found.forgotten == nullptr) {
    const std::string refused = refusal(found);
    return (refused.empty() ? "No box forgot this connection." : refused) + start_of_times(story);
  }
  std::string text = absl::StrCat(story::sentence(story, *found.forgotten, found.run.directory),
                                  " It was forgotten at ", moment(found.forgotten->time, story));
  if (const story::Entry* last = last_packet(story, found.forgotten->box, found.forgotten->time)) {
    absl::StrAppend(&text, "; the last packet before was ", found.name(last->from_end), "'s ",
                    story::packet_label(*last, story, found.run.directory), " at ", moment(last->time, story));
  }
  return text + "." + start_of_times(story);
}

// ---- timer ----

std::string timer(const Case& found) {
  if (found.forgotten == nullptr || found.box == nullptr) {
    return "";
  }
  const TimeoutFacts& timeout = found.box->timeouts[static_cast<size_t>(found.forgotten->timeout_class)];
  std::string text =
      absl::StrCat("timeouts.", std::string(name(found.forgotten->timeout_class)), " of ", found.box->name, " is ",
                   in_seconds(found.timeout), ", ", origin_text(timeout.origin, found.box->kind), ".");
  if (timeout.fixed()) {
    absl::StrAppend(&text, " The provider has fixed it: no customer can raise it.");
  } else if (timeout.provider_least == timeout.provider_most) {
    absl::StrAppend(&text, " The provider's own is ", in_seconds(timeout.provider_least), ", and fixed.");
  }
  return text;
}

// ---- late ----

namespace {

std::string late_word(const Case& found, const LateSpeech& word) {
  const std::string speaker = found.name(word.speaker);
  std::string text = absl::StrCat(speaker, "'s ", story::noun(word), " came after ",
                                  story::about(word.time - found.silent_since), " of silence, and ", found.box->name);
  if (word.reason == DropReason::kAnswered) {
    absl::StrAppend(&text, " answered ", speaker, " with a RST in the name of ", found.name(story::other(word.speaker)),
                    ", which was not told");
  } else {
    absl::StrAppend(&text, " dropped it, and told nobody");
  }
  return absl::StrCat(text, " (", behaviour_text(*found.box, word.side), ").");
}

std::string to_come(const Case& found) {
  std::string text = "Nobody has spoken since.";
  for (const End end : kEnds) {
    if (const LateFacts* late = late_facts(*found.box, side_of(end))) {
      absl::StrAppend(&text, " What ", found.name(end), " sends, ", found.box->name, " ",
                      late->behaviour == LatePacket::kRst ? "answers with a RST" : "drops in silence", " (",
                      behaviour_text(*found.box, side_of(end)), ").");
    }
  }
  return text;
}

}  // namespace

std::string late_packets(const Case& found) {
  if (found.forgotten == nullptr || found.box == nullptr) {
    return "";
  }
  if (found.words.empty()) {
    return to_come(found);
  }
  std::vector<std::string> words;
  for (const LateSpeech& word : found.words) {
    words.push_back(late_word(found, word));
  }
  return absl::StrJoin(words, " Then ");
}

// ---- ends ----

namespace {

std::string error_text(const Case& found, End end) {
  const EndFacts& facts = *found.facts(end);
  const std::string who = found.name(end);
  const std::string when = moment(facts.error_at, found.conversation);
  const BoxId reset_by = found.conversation.end(end).reset_by;
  if (facts.error == "TIMEOUT") {
    return absl::StrCat(who, " gave up by its own timeout of ", in_seconds(facts.patience), " at ", when, ".");
  }
  if (facts.error == "EOF") {
    return absl::StrCat(who, " found the connection closed at ", when, ", before its answer was there.");
  }
  if (is_kernel_giving_up(facts.error)) {
    return absl::StrCat(who, " got ", facts.error, " at ", when, ", when its kernel gave up.");
  }
  const bool by_box = facts.error == "ECONNRESET" && reset_by != kNoBox;
  return absl::StrCat(who, " got ", facts.error, " at ", when,
                      by_box ? absl::StrCat(", by a RST that ", story::box_name(reset_by, found.run.directory),
                                            " made and ", found.name(story::other(end)), " never sent")
                             : "",
                      ".");
}

std::string known_end(const Case& found, End end) {
  const EndFacts& facts = *found.facts(end);
  const std::string who = found.name(end);
  if (!facts.error.empty()) {
    return error_text(found, end);
  }
  if (facts.waiting) {
    const std::string since =
        absl::StrCat(who, " has waited for its answer since ", moment(facts.waiting_since, found.conversation));
    return facts.patience == Duration{}
               ? absl::StrCat(since, ": no error, and no timeout of its own, so it hangs for ever.")
               : absl::StrCat(since, ", and does until its own timeout of ", in_seconds(facts.patience), ".");
  }
  const bool believes = found.conversation.is_tcp() && story::believes(found.conversation.end(end).belief);
  return believes && found.forgotten != nullptr
             ? absl::StrCat(who, " still believes in the connection, and has no error.")
             : "";
}

// What packets tell of an end.
std::string seen_end(const Case& found, End end) {
  const story::EndState& state = found.conversation.end(end);
  const std::string who = found.name(end);
  const bool by_box = state.reset_by != kNoBox;
  if (state.belief == Belief::kReset && by_box) {
    return absl::StrCat(who, "'s kernel was reset at ", moment(state.since, found.conversation), " by ",
                        story::box_name(state.reset_by, found.run.directory),
                        ": its program's next read or write fails with ECONNRESET.");
  }
  if (found.conversation.is_tcp() && story::believes(state.belief)) {
    return absl::StrCat(who,
                        "'s kernel still believes in the connection: its program has no error, and waits for ever "
                        "where it waits without a timeout.");
  }
  return "";
}

// Whoever stands behind a proxy learns of it in the proxy's words.
std::string behind_proxy(const Case& found) {
  if (found.program == nullptr || found.program->kind != ConnectionKind::kProxy) {
    return "";
  }
  std::string text;
  if (!found.program->log.empty()) {
    absl::StrAppend(&text, "The access log of ", found.program->name, ": ", absl::StrJoin(found.program->log, ", "),
                    ".");
  }
  for (const ConnectionFacts& other : found.run.connections) {
    if (&other != found.program && other.kind == ConnectionKind::kConnection && other.ends[0].status >= 400) {
      absl::StrAppend(&text, text.empty() ? "" : " ", other.name, " was answered ", other.ends[0].status,
                      ", which does not name the cause.");
    }
  }
  return text;
}

}  // namespace

std::string programs(const Case& found) {
  if (!lost_something(found)) {
    return "";
  }
  std::vector<std::string> sentences;
  for (const End end : kEnds) {
    if (!found.conversation.is_tcp()) {
      break;
    }
    if (found.gave_up_first(end)) {
      continue;  // that is what this is about, and has been said
    }
    const std::string text = tells_of_this_one(found)                                       ? known_end(found, end)
                             : !story::ends_at_box(found.conversation, found.run.directory) ? seen_end(found, end)
                                                                                            : "";
    if (!text.empty()) {
      sentences.push_back(text);
    }
  }
  if (!found.conversation.is_tcp() && found.forgotten != nullptr) {
    sentences.push_back("Neither end can tell: a datagram that gets lost is nobody's error.");
  }
  if (const std::string behind = behind_proxy(found); !behind.empty()) {
    sentences.push_back(behind);
  }
  return absl::StrJoin(sentences, " ");
}

// ---- keepalive, and what it has done ----

std::string no_keepalive(const Case& found) {
  if (found.forgotten == nullptr || found.box == nullptr || !found.conversation.is_tcp()) {
    return "";
  }
  if (found.program != nullptr) {
    const bool off = std::none_of(kEnds.begin(), kEnds.end(), [&](End end) { return found.facts(end)->keepalive.on; });
    return off ? "off at both ends: no probe was sent." : "";
  }
  std::string text;
  for (const End end : kEnds) {
    const std::string host = found.name(end);
    if (found.probes[story::index(end)].sent > 0) {
      return "";
    }
    const Duration sysctl = keepalive_sysctl(found.run, host);
    if (found.run.host(host) != nullptr && sysctl >= found.timeout) {
      absl::StrAppend(&text, " ", keepalive_sysctl_text(found.run, host),
                      ": a program that sets SO_KEEPALIVE and nothing else would probe too late.");
    }
  }
  return absl::StrCat("No probe was seen in ", in_seconds(found.timeout), " of silence.", text);
}

// ---- now ----

std::vector<const HeldFlow*> held_flows(const Case& found) {
  std::vector<const HeldFlow*> held;
  for (const HeldFlow& flow : found.run.held) {
    const auto& own = found.conversation.flows;
    if (std::find(own.begin(), own.end(), flow.key) != own.end()) {
      held.push_back(&flow);
    }
  }
  return held;
}

std::string held_text(const Case& found, const HeldFlow& flow) {
  const Duration idle = found.run.end - flow.last_seen;
  const Duration left = flow.timeout - idle;
  const std::string box = story::box_name(flow.key.box, found.run.directory);
  std::string text =
      absl::StrCat(box, " has the flow (", story::flow_name(flow.key, found.run.directory), ", ", flow.state,
                   "): idle for ", story::about(idle), ", timeouts.", std::string(name(flow.timeout_class)), " ",
                   in_seconds(flow.timeout), ". Without another packet it is forgotten in ", story::about(left),
                   ", at ", moment(flow.last_seen + flow.timeout, found.conversation), ".");
  if (const BoxFacts* facts = found.run.box(flow.key.box)) {
    for (const End end : kEnds) {
      if (const LateFacts* late = late_facts(*facts, side_of(end))) {
        absl::StrAppend(&text, " A packet of ", found.name(end), " after that: ", box, " ", deed(late->behaviour), " (",
                        behaviour_text(*facts, side_of(end)), ").");
      }
    }
  }
  return text;
}

}  // namespace lapse::explain
