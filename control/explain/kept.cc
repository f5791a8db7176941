#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/explain/describe.h"
#include "control/explain/words.h"
#include "control/lab/resolution.h"
#include "control/story/text.h"

// Why nothing was lost, and by how little.
namespace lapse::explain {

using story::Conversation;
using story::End;
using story::Role;

namespace {

constexpr std::array kEnds{End::kOpener, End::kResponder};

struct Margin {
  const BoxFacts* box = nullptr;
  TimeoutClass timeout_class = TimeoutClass::kOther;
  Duration timeout{};
  Silence silence;

  Duration left() const { return timeout - silence.length(); }
};

TimeoutClass class_of(const Case& found, BoxId box) {
  for (const HeldFlow* flow : held_flows(found)) {
    if (flow->key.box == box) {
      return flow->timeout_class;
    }
  }
  const Conversation& story = found.conversation;
  if (story.is_tcp()) {
    return TimeoutClass::kTcpEstablished;
  }
  if (story.tuple.protocol == static_cast<uint8_t>(Protocol::kUdp)) {
    return story.ends[0].packets_sent > 0 && story.ends[1].packets_sent > 0 ? TimeoutClass::kUdpStream
                                                                            : TimeoutClass::kUdp;
  }
  return story.tuple.protocol == static_cast<uint8_t>(Protocol::kIcmp) ? TimeoutClass::kIcmp : TimeoutClass::kOther;
}

// Of the box that was closest to forgetting.
std::optional<Margin> smallest_margin(const Case& found) {
  std::optional<Margin> smallest;
  for (const story::BoxKnowledge& known : found.conversation.boxes) {
    const BoxFacts* const box = found.run.box(known.box);
    const auto silence = longest_silence(found.conversation, known.box);
    if (box == nullptr || !silence) {
      continue;
    }
    const TimeoutClass timeout_class = class_of(found, known.box);
    const Margin margin{box, timeout_class, box->timeouts[static_cast<size_t>(timeout_class)].value, *silence};
    if (!smallest || margin.left() < smallest->left()) {
      smallest = margin;
    }
  }
  return smallest;
}

std::string probe_times(const Probes& probes, const Conversation& story) {
  constexpr size_t kMostNamed = 4;
  std::string text;
  for (size_t at = 0; at < std::min(probes.times.size(), kMostNamed); ++at) {
    absl::StrAppend(&text, at == 0 ? "" : ", ", moment(probes.times[at], story));
  }
  return probes.sent > kMostNamed ? text + ", ..." : text;
}

}  // namespace

std::string kept(const Case& found) {
  std::string text = "Nothing was lost: no box forgot this connection.";
  for (const End end : kEnds) {
    const Probes& probes = found.probes[story::index(end)];
    if (probes.sent > 0) {
      absl::StrAppend(&text, " ", found.name(end), " sent ", story::counted(probes.sent, "keepalive probe"), " (at ",
                      probe_times(probes, found.conversation), ").");
    }
  }
  if (const auto margin = smallest_margin(found); margin && margin->left() >= Duration{}) {
    absl::StrAppend(&text, " The longest silence that ", margin->box->name, " saw was ",
                    story::about(margin->silence.length()), ", until ", found.name(margin->silence.speaker),
                    margin->silence.broken_by == Role::kKeepalive ? "'s keepalive" : " spoke", " at ",
                    moment(margin->silence.end, found.conversation), ": ", story::about(margin->left()),
                    " below its timeouts.", std::string(name(margin->timeout_class)), " of ",
                    in_seconds(margin->timeout), ".");
    const Origin& origin = margin->box->timeouts[static_cast<size_t>(margin->timeout_class)].origin;
    absl::StrAppend(&text, " That timeout: ", origin_text(origin, margin->box->kind), ".");
  }
  return text;
}

std::string narrow_margin(const Case& found) {
  const auto margin = smallest_margin(found);
  if (!margin || margin->silence.broken_by != Role::kKeepalive || margin->left() < Duration{}) {
    return "";
  }
  const EndFacts* const facts = found.facts(margin->silence.speaker);
  const Duration time = facts != nullptr && facts->keepalive.on ? facts->keepalive.time : margin->silence.length();
  const unsigned hertz = usual_hertz(found.run);
  if (time >= margin->timeout || lab::resolve(time, margin->timeout, found.run.factor, hertz).decided()) {
    return "";
  }
  const auto advice = keepalive_advice(margin->timeout, hertz);
  return absl::StrCat("A kernel's timer of ", in_seconds(time), " may fire up to ",
                      lab::seconds_text(lab::uncertainty(time, found.run.factor, hertz)), " late at ", hertz,
                      " Hz, which is more than is left here: on a real machine this keepalive usually comes too late.",
                      advice ? absl::StrCat(" At most ", in_seconds(advice->most), " is safe.") : "");
}

}  // namespace lapse::explain
