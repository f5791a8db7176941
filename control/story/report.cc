#include "control/story/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/story/names.h"
#include "control/story/phrases.h"
#include "control/story/text.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

using nlohmann::json;

constexpr size_t kMostLadders = 3;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string outcome(const LateSpeech& late) {
  return late.reason == DropReason::kAnswered ? "answered with a RST" : "dropped";
}

std::string untold_clause(const std::vector<std::string>& names) {
  if (names.empty()) {
    return "";
  }
  return names.size() == 1 ? "; " + names[0] + " was not told"
                           : "; " + names[0] + " and " + names[1] + " were not told";
}

}  // namespace

const Forgetting* telling_forgetting(const Conversation& conversation) {
  for (const Forgetting& forgetting : conversation.forgettings) {
    const bool believed = forgetting.believed[0] || forgetting.believed[1];
    const bool spoken_to = std::any_of(conversation.late.begin(), conversation.late.end(), [&](const LateSpeech& late) {
      return late.box == forgetting.box && late.time >= forgetting.time;
    });
    if (forgetting.told != Told::kBothEnds && (believed || spoken_to)) {
      return &forgetting;
    }
  }
  return nullptr;
}

std::vector<LateSpeech> first_words(const Conversation& conversation, const Forgetting& forgetting) {
  std::vector<LateSpeech> words;
  for (const LateSpeech& late : conversation.late) {
    const bool known =
        std::any_of(words.begin(), words.end(), [&](const LateSpeech& word) { return word.speaker == late.speaker; });
    if (late.box == forgetting.box && late.time >= forgetting.time && !known) {
      words.push_back(late);
    }
  }
  return words;
}

std::string noun(const LateSpeech& late) {
  if (late.role == Role::kKeepalive) {
    return "keepalive";
  }
  if ((late.tcp_flags & kTcpFin) != 0) {
    return "FIN";
  }
  if (late.payload > 0 || late.tcp_flags == 0) {
    return late.speaker == End::kResponder ? "answer" : "data";
  }
  return "ACK";
}

std::vector<std::string> untold_ends(const Conversation& conversation, const Forgetting& forgetting,
                                     const topology::Directory& directory) {
  std::vector<std::string> names;
  for (const End end : {End::kOpener, End::kResponder}) {
    if (forgetting.told == Told::kNobody && (forgetting.believed[index(end)] || !conversation.is_tcp())) {
      names.push_back(end_name(conversation, end, directory));
    }
  }
  return names;
}

std::string sentence(const Conversation& conversation, const Forgetting& forgetting,
                     const topology::Directory& directory) {
  std::string text =
      absl::StrCat(box_name(forgetting.box, directory), " forgot ", tuple_name(conversation.tuple, directory),
                   " after ", exact(std::chrono::milliseconds(forgetting.timeout_ms)), " of silence (timeout ",
                   std::string(name(forgetting.timeout_class)), ")",
                   untold_clause(untold_ends(conversation, forgetting, directory)));
  for (const LateSpeech& late : first_words(conversation, forgetting)) {
    absl::StrAppend(&text, "; ", end_name(conversation, late.speaker, directory), "'s ", noun(late), " at ",
                    about(late.time - conversation.first), " was ", outcome(late));
  }
  return text + ".";
}

namespace {

json verdict_json(const Conversation& conversation, const Forgetting& forgetting,
                  const topology::Directory& directory) {
  json late = json::array();
  for (const LateSpeech& word : first_words(conversation, forgetting)) {
    late.push_back({{"who", end_name(conversation, word.speaker, directory)},
                    {"what", noun(word)},
                    {"virtual_time", seconds(word.time.time_since_epoch())},
                    {"after", seconds(word.time - conversation.first)},
                    {"outcome", outcome(word)},
                    {"reason", std::string(code(word.reason))}});
  }
  json still = json::array();
  for (const End end : {End::kOpener, End::kResponder}) {
    if (believes(conversation.end(end).belief)) {
      still.push_back(end_name(conversation, end, directory));
    }
  }
  return {{"box", box_name(forgetting.box, directory)},
          {"flow", flow_name(forgetting.flow, directory)},
          {"connection", tuple_name(conversation.tuple, directory)},
          {"conversation", conversation.id},
          {"timeout", seconds(std::chrono::milliseconds(forgetting.timeout_ms))},
          {"timeout_class", std::string(name(forgetting.timeout_class))},
          {"virtual_time", seconds(forgetting.time.time_since_epoch())},
          {"after", seconds(forgetting.time - conversation.first)},
          {"not_told", untold_ends(conversation, forgetting, directory)},
          {"still_believe", still},
          {"late", late}};
}

std::string belief_name(Belief belief) {
  switch (belief) {
    case Belief::kNothing:
      return "nothing";
    case Belief::kSynSent:
      return "syn_sent";
    case Belief::kSynReceived:
      return "syn_received";
    case Belief::kEstablished:
      return "established";
    case Belief::kFinSent:
      return "fin_wait";
    case Belief::kFinReceived:
      return "close_wait";
    case Belief::kClosed:
      return "closed";
    case Belief::kReset:
      return "reset";
    case Belief::kRefused:
      return "refused";
    case Belief::kAborted:
      return "aborted";
  }
  return "";
}

std::string box_state_name(BoxState state) {
  switch (state) {
    case BoxState::kNone:
      return "none";
    case BoxState::kTracking:
      return "tracking";
    case BoxState::kClosed:
      return "closed";
    case BoxState::kForgot:
      return "forgot";
    case BoxState::kRefused:
      return "refused";
  }
  return "";
}

json end_json(const Conversation& conversation, End which, const topology::Directory& directory) {
  const EndState& end = conversation.end(which);
  json result{{"name", end_name(conversation, which, directory)},
              {"address", endpoint_address(end.address, end.port)},
              {"packets_sent", end.packets_sent},
              {"bytes_sent", end.bytes_sent},
              {"packets_received", end.packets_received}};
  if (conversation.is_tcp()) {
    result["belief"] = belief_name(end.belief);
    result["believes"] = believes(end.belief);
  }
  return result;
}

// Ids of the conversations to draw, in the order of time.
std::vector<uint64_t> ids_worth_drawing(const Recorder& recorder) {
  struct Candidate {
    int score;
    uint64_t packets;
    uint64_t id;
  };
  std::vector<Candidate> candidates;
  recorder.visit([&](const Conversation& story) { candidates.push_back({telling(story), story.packets(), story.id}); });
  const bool any = std::any_of(candidates.begin(), candidates.end(), [](const auto& one) { return one.score > 0; });
  std::sort(candidates.begin(), candidates.end(), [&](const Candidate& left, const Candidate& right) {
    return any ? std::tuple(-left.score, left.id) < std::tuple(-right.score, right.id)
               : std::tuple(left.packets, left.id) > std::tuple(right.packets, right.id);
  });
  std::vector<uint64_t> ids;
  for (const Candidate& candidate : candidates) {
    if (ids.size() < (any ? kMostLadders : 1) && (!any || candidate.score > 0)) {
      ids.push_back(candidate.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

Verdict verdict(const Recorder& recorder, const topology::Directory& directory) {
  Verdict result{.sentence = "No box forgot a connection."};
  int best = 0;
  uint64_t count = 0;
  recorder.visit([&](const Conversation& story) {
    const Forgetting* forgetting = telling_forgetting(story);
    if (forgetting == nullptr) {
      return;
    }
    ++count;
    if (telling(story) > best) {
      best = telling(story);
      result.forgot = true;
      result.sentence = sentence(story, *forgetting, directory);
      result.json = verdict_json(story, *forgetting, directory);
    }
  });
  result.json["forgot"] = result.forgot;
  result.json["sentence"] = result.sentence;
  result.json["connections_forgotten"] = count;
  return result;
}

std::vector<Conversation> worth_drawing(const Recorder& recorder) {
  std::vector<Conversation> stories;
  for (const uint64_t id : ids_worth_drawing(recorder)) {
    for (Conversation& story : recorder.find("#" + std::to_string(id))) {
      stories.push_back(std::move(story));
    }
  }
  return stories;
}

std::string report(const Recorder& recorder, const topology::Directory& directory, const LadderOptions& options) {
  std::string text;
  for (const Conversation& story : worth_drawing(recorder)) {
    text += render_ladder(story, directory, options) + "\n";
  }
  if (text.empty()) {
    text = "No packet met a box.\n\n";
  }
  const Verdict result = verdict(recorder, directory);
  const uint64_t forgotten = result.json["connections_forgotten"].get<uint64_t>();
  if (forgotten > 1) {
    absl::StrAppend(&text, count_text(forgotten),
                    " connections were forgotten while somebody believed in them; one of ", "them:\n");
  }
  return text + result.sentence + "\n";
}

json to_json(const Conversation& conversation, const topology::Directory& directory) {
  json boxes = json::array();
  for (const BoxKnowledge& known : conversation.boxes) {
    boxes.push_back({{"name", box_name(known.box, directory)}, {"state", box_state_name(known.state)}});
  }
  json flows = json::array();
  for (const FlowKey& flow : conversation.flows) {
    flows.push_back(flow_name(flow, directory));
  }
  json forgotten = json::array();
  for (const Forgetting& forgetting : conversation.forgettings) {
    forgotten.push_back(verdict_json(conversation, forgetting, directory));
  }
  json ends = json::array();
  for (const End end : {End::kOpener, End::kResponder}) {
    ends.push_back(end_json(conversation, end, directory));
  }
  return {{"id", conversation.id},
          {"connection", tuple_name(conversation.tuple, directory)},
          {"protocol", protocol_name(conversation.tuple.protocol)},
          {"first", seconds(conversation.first.time_since_epoch())},
          {"last", seconds(conversation.last.time_since_epoch())},
          {"ends", ends},
          {"boxes", boxes},
          {"flows", flows},
          {"forgotten", forgotten},
          {"late_packets", conversation.late_packets},
          {"resets_by_boxes", conversation.resets_by_boxes},
          {"refusals", conversation.refusals},
          {"finished", conversation.finished()}};
}

}  // namespace lapse::story
