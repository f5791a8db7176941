// case.h - a conversation to explain, with what was found out about it so far: shared by the parts of an explanation.
//
// Owner:    explain().
// Memory:   ordinary.
// Time:     virtual.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by its run and conversation.
// Spec:     explain.h.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "control/explain/explain.h"
#include "control/explain/observed.h"
#include "control/explain/run.h"

namespace lapse::explain {

struct Case {
  const Run& run;
  const story::Conversation& conversation;
  const ConnectionFacts* program = nullptr;      // null: what the programs did is not known
  const story::Forgetting* forgotten = nullptr;  // that mattered to somebody
  const BoxFacts* box = nullptr;                 // that forgot
  Duration timeout{};                            // that ran out
  Instant silent_since;
  std::vector<story::LateSpeech> words;  // the first of each end after that
  std::array<Probes, 2> probes;          // of each end

  std::string name(story::End end) const;
  const EndFacts* facts(story::End end) const;
  const story::LateSpeech* word(story::End end) const;
  // Its own time ran out before any box forgot: what the box did later did not matter to it.
  bool gave_up_first(story::End end) const;
  // It sent probes, nothing came back, and it ended the connection.
  bool found_peer_dead(story::End end) const;
};
Case examine(const Run& run, const story::Conversation& conversation);

// A keepalive that reaches a box in time on a real kernel, for a timeout.
struct KeepaliveAdvice {
  Duration most{};  // whole seconds; with this one the kernel's timer may still be a step late
  Duration step{};  // of a timer of that length
  Duration time{};  // leaves time for a probe that gets lost
};
// Nothing for a timeout so short that no whole second is left.
std::optional<KeepaliveAdvice> keepalive_advice(Duration timeout, unsigned hertz);
// The run's, or of usual kernels where the run's timers are exact.
unsigned usual_hertz(const Run& run);

// "7,200 s".
std::string in_seconds(Duration duration);

std::vector<Placebo> placebos(const Case& found);
std::vector<Fix> fixes(const Case& found, const std::vector<Placebo>& placebos);

}  // namespace lapse::explain
