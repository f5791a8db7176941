#include "sim/sweep/verdict.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::sim {
namespace {

constexpr std::array<std::string_view, kFateCount> kNames{"survives", "recovers", "reset", "hangs", "error"};
constexpr std::array<std::string_view, 3> kAfterSilence{"TIMEOUT", "ETIMEDOUT", "ENETRESET"};
// An error that answers a word comes within the first retransmission timeout (RFC 6298), or there would have been more words.
constexpr Duration kAtOnce = std::chrono::seconds(1);

// What the steps owe to the ends of a connection, in bytes.
struct Owed {
  uint64_t client = 0;
  uint64_t server = 0;
  std::vector<std::pair<Instant, uint64_t>> unasked;  // by the client
  std::optional<Instant> left;                        // the client itself has closed it
  bool is_proxy = false;
};

class Debts {
 public:
  explicit Debts(const Scenario& scenario) {
    for (const Step& step : scenario.steps) {
      std::visit([&](const auto& deed) { add(step.at, deed); }, step.action);
    }
  }

  const Owed& of(const std::string& flow) { return owed_[flow]; }

 private:
  void add(Instant at, const Request& request) {
    Owed& owed = owed_[request.flow];
    owed.server += request.size;
    owed.client += owed.left ? 0 : request.response;
    last_answer_[request.flow] = at + request.after;
  }
  void add(Instant at, const Send& send) {
    Owed& owed = owed_[send.flow];
    if (send.party == Party::kServer) {
      owed.client += send.size;
    } else {
      owed.server += send.size;
      owed.unasked.emplace_back(at, send.size);
    }
  }
  // Who leaves before the answer does not want it.
  void add(Instant at, const Close& close) {
    Owed& owed = owed_[close.flow];
    if (close.party == Party::kClient && close.how != CloseHow::kHalf && !owed.left) {
      owed.left = at;
      owed.client = at <= last_answer_[close.flow] ? 0 : owed.client;
    }
  }
  void add(Instant, const Datagram& datagram) {
    owed_[datagram.flow].client += datagram.response;
    owed_[datagram.flow].server += datagram.size;
  }
  void add(Instant, const OpenProxy& proxy) { owed_[proxy.upstream.flow].is_proxy = true; }
  template <typename Deed>
  void add(Instant, const Deed&) {}

  std::map<std::string, Owed> owed_;
  std::map<std::string, Instant> last_answer_;
};

Fate fate_of(std::string_view error) {
  return std::find(kAfterSilence.begin(), kAfterSilence.end(), error) == kAfterSilence.end() ? Fate::kReset
                                                                                             : Fate::kHangs;
}

std::string program_name(const Experience& experience) {
  return absl::StrCat(experience.host, " (", experience.flow, ")");
}

Verdict told(const Experience& who, Fate fate) {
  return {.fate = fate, .program = program_name(who), .error = who.error, .at = who.error_at};
}

Verdict waits(const Experience& who) {
  return {.fate = Fate::kHangs,
          .program = program_name(who),
          .waits = who.waiting,
          .at = who.waiting ? who.waiting_since : Instant{}};
}

bool has_lost_words(const Experience& client, const Owed& owed) {
  return !client.error.empty() && std::any_of(owed.unasked.begin(), owed.unasked.end(), [&](const auto& word) {
    return word.first <= client.error_at && client.error_at - word.first <= kAtOnce;
  });
}

// A proxy owes answers to others, and its log says what they got.
Verdict of_proxy(const Experience& client) {
  if (client.waiting) {
    return waits(client);
  }
  return {.fate = client.lost > 0 && client.connections > 1 ? Fate::kRecovers : Fate::kSurvives,
          .program = program_name(client)};
}

Verdict of_connection(const Experience& client, const Experience& server, const Owed& owed) {
  if (owed.is_proxy) {
    return of_proxy(client);
  }
  if (client.waiting && !owed.left) {
    return waits(client);
  }
  if (client.error.empty() && client.status >= kStatusBadGateway) {
    Verdict bad = told(client, client.status == kStatusGatewayTimeout ? Fate::kHangs : Fate::kReset);
    bad.error = absl::StrCat(client.status);
    return bad;
  }
  const bool another = client.connections > 1;
  // The server's end is that of the newest connection alone.
  const bool lacks = client.received < owed.client || (!another && server.received < owed.server) ||
                     (another && has_lost_words(client, owed));
  if (!lacks && another && client.lost > 0) {
    return told(client, Fate::kRecovers);
  }
  if (!lacks && owed.client + owed.server > 0) {
    return {};
  }
  if (!client.error.empty()) {
    return told(client, fate_of(client.error));
  }
  if (lacks) {
    return waits(client.received < owed.client ? client : server);
  }
  return server.error.empty() ? Verdict{} : told(server, fate_of(server.error));
}

// 499 is about a client that has left, and its own lot tells that.
Verdict of_log(const AccessLog& log) {
  Verdict worst;
  for (const Proxy::Line& line : log.lines) {
    const Fate fate = line.status == kStatusGatewayTimeout ? Fate::kHangs
                      : line.status == kStatusBadGateway   ? Fate::kReset
                                                           : Fate::kSurvives;
    if (fate > worst.fate) {
      worst = {.fate = fate, .program = log.proxy, .error = absl::StrCat(line.status), .at = line.at};
    }
  }
  return worst;
}

// The last forgetting before it showed; of one who waits, the first after it began to.
void find_box(Verdict& verdict, const report::RunRecord& record) {
  const bool no_error = verdict.error.empty();
  std::optional<Instant> found;
  for (const report::BoxLedger& box : record.ledger().boxes()) {
    for (const report::FlowLine& line : box.flows) {
      if (!line.forgotten()) {
        continue;
      }
      const bool fits = no_error ? *line.expired >= verdict.at && (!found || *line.expired < *found)
                                 : *line.expired <= verdict.at && (!found || *line.expired > *found);
      if (fits) {
        found = *line.expired;
        verdict.box = record.directory().boxes[index(box.box)].name;
        verdict.forgot_at = *found;
      }
    }
  }
}

}  // namespace

std::string_view name(Fate fate) {
  return kNames[static_cast<size_t>(fate)];
}

Verdict verdict(const Scenario& scenario, const Outcome& outcome) {
  Debts debts(scenario);
  Verdict worst;
  const auto consider = [&worst](const Verdict& one) {
    if (one.fate > worst.fate) {
      worst = one;
    }
  };
  // A log says when, which a status alone does not.
  for (const AccessLog& log : outcome.logs) {
    consider(of_log(log));
  }
  // Both ends of each connection stand side by side.
  for (size_t at = 0; at + 1 < outcome.experiences.size(); at += 2) {
    const Experience& client = outcome.experiences[at];
    consider(of_connection(client, outcome.experiences[at + 1], debts.of(client.flow)));
  }
  if (worst.fate != Fate::kSurvives && outcome.record != nullptr) {
    find_box(worst, *outcome.record);
  }
  return worst;
}

std::string Verdict::sentence() const {
  std::string text(name(fate));
  const auto add = [&text](const char* separator, const std::string& words) {
    absl::StrAppend(&text, separator, words);
  };
  if (fate == Fate::kError) {
    add(": ", reason);
  } else if (fate != Fate::kSurvives) {
    add(": ", program);
    if (!error.empty()) {
      add(" ", absl::StrCat(error, " at ", story::exact(at.time_since_epoch())));
    } else if (fate == Fate::kHangs) {
      add(" ", waits ? absl::StrCat("waits for ever since ", story::exact(at.time_since_epoch()))
                     : "never gets what was sent to it, and nobody is told");
    }
    if (!box.empty()) {
      add("; ", absl::StrCat(box, " forgot at ", story::exact(forgot_at.time_since_epoch())));
    }
  }
  return text;
}

}  // namespace lapse::sim
