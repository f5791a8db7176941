#include "control/explain/case.h"

#include <algorithm>

#include "control/lab/resolution.h"
#include "control/story/names.h"
#include "control/story/report.h"
#include "control/story/text.h"

namespace lapse::explain {

using std::chrono::seconds;
using story::Belief;
using story::End;

std::string Case::name(End end) const {
  return story::end_name(conversation, end, run.directory);
}

const EndFacts* Case::facts(End end) const {
  return program == nullptr ? nullptr : &program->ends[story::index(end)];
}

const story::LateSpeech* Case::word(End end) const {
  const auto found = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.speaker == end; });
  return found == words.end() ? nullptr : &*found;
}

bool Case::gave_up_first(End end) const {
  const EndFacts* const known = facts(end);
  return known != nullptr && known->error == "TIMEOUT" && (forgotten == nullptr || known->error_at < forgotten->time);
}

bool Case::found_peer_dead(End end) const {
  const Probes& sent = probes[story::index(end)];
  return sent.unanswered > 0 && sent.late == 0 && conversation.end(end).belief == Belief::kAborted;
}

Case examine(const Run& run, const story::Conversation& conversation) {
  Case found{.run = run, .conversation = conversation, .program = run.connection_of(conversation)};
  found.probes = {probes_of(conversation, End::kOpener), probes_of(conversation, End::kResponder)};
  found.forgotten = story::telling_forgetting(conversation);
  if (found.forgotten != nullptr) {
    found.box = run.box(found.forgotten->box);
    found.timeout = std::chrono::milliseconds(found.forgotten->timeout_ms);
    found.silent_since = found.forgotten->time - found.timeout;
    found.words = story::first_words(conversation, *found.forgotten);
  }
  return found;
}

unsigned usual_hertz(const Run& run) {
  return run.hertz == 0 ? lab::kUsualHertz : run.hertz;
}

std::optional<KeepaliveAdvice> keepalive_advice(Duration timeout, unsigned hertz) {
  constexpr seconds kRound{10};
  Duration most = std::chrono::floor<seconds>(timeout);
  while (most > Duration{} && (most >= timeout || !lab::resolve(most, timeout, 1, hertz).decided())) {
    most -= seconds(1);
  }
  if (most < seconds(1)) {
    return std::nullopt;
  }
  const auto half = std::chrono::floor<seconds>(most / 2);
  const auto time = half >= 2 * kRound ? half - half % kRound : std::max(half, seconds(1));
  return KeepaliveAdvice{.most = most, .step = lab::timer_step(most, hertz), .time = time};
}

std::string in_seconds(Duration duration) {
  const bool whole = duration % seconds(1) == Duration{};
  return whole ? story::count_text(static_cast<uint64_t>(duration / seconds(1))) + " s" : story::exact(duration);
}

}  // namespace lapse::explain
