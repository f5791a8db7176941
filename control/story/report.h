// report.h - the end of a run: the pictures that tell most, and one sentence about who forgot what.
//
// Owner:    none; pure functions of a recorder.
// Memory:   ordinary.
// Time:     moments in sentences count from the conversation's first packet; JSON gives virtual time, too.
// Bytes:    UTF-8.
// Cost:     a pass over the conversations, which holds the recorder up.
// Lifetime: none.
// Spec:     design, "Control": reports read the stream of events.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "control/story/ladder.h"
#include "control/story/recorder.h"

namespace lapse::story {

struct Verdict {
  bool forgot = false;  // a box forgot a connection that an end still believed in, or that somebody spoke on later
  std::string sentence;
  nlohmann::json json;
};
Verdict verdict(const Recorder& recorder, const topology::Directory& directory);

// The first time that a box forgot the conversation and it mattered to somebody; null: none did.
const Forgetting* telling_forgetting(const Conversation& conversation);
// The first late word of each end to the box that forgot.
std::vector<LateSpeech> first_words(const Conversation& conversation, const Forgetting& forgetting);
// "answer", "data", "keepalive", "FIN", "ACK".
std::string noun(const LateSpeech& late);
// "natgw forgot tcp app:40000 > api:8080 after 350 s of silence (timeout tcp_established); app was not told; ...".
std::string sentence(const Conversation& conversation, const Forgetting& forgetting,
                     const topology::Directory& directory);
// The ends that believed in the connection, and that nobody told.
std::vector<std::string> untold_ends(const Conversation& conversation, const Forgetting& forgetting,
                                     const topology::Directory& directory);

// The conversations that tell most about forgetting, at most three, or else the busiest; oldest first.
std::vector<Conversation> worth_drawing(const Recorder& recorder);

// The ladders that tell most about forgetting, at most three, or else that of the busiest conversation. The last line
// is the verdict's sentence.
std::string report(const Recorder& recorder, const topology::Directory& directory, const LadderOptions& options = {});

// A conversation in short: ends, boxes, flows, beliefs, what was forgotten.
nlohmann::json to_json(const Conversation& conversation, const topology::Directory& directory);

}  // namespace lapse::story
