#include "sim/scenario/explained.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/explain/describe.h"
#include "control/story/report.h"
#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::sim {
namespace {

using explain::ConnectionFacts;
using explain::ConnectionKind;
using explain::EndFacts;

void add_keepalive(const ProgramSettings& settings, EndFacts& end) {
  if (settings.keepalive) {
    const Keepalive& keepalive = *settings.keepalive;
    end.keepalive = {.on = keepalive.on,
                     .own_time = settings.own_keepalive_time,
                     .windows = keepalive.system == KeepaliveSystem::kWindows,
                     .time = keepalive.time,
                     .interval = keepalive.interval,
                     .probes = keepalive.probes};
  }
}

// What the steps say of the connections of one name.
class Teller {
 public:
  explicit Teller(ConnectionFacts& facts) : facts_(facts) {}

  void tell(const Step& step, size_t number) {
    number_ = number;
    std::visit([this](const auto& deed) { about(deed); }, step.action);
  }

 private:
  template <typename Deed>
  void about(const Deed&) {}
  void about(const Connect& connect) { opened(connect, ConnectionKind::kConnection); }
  void about(const OpenPool& pool) { opened(pool.connect, ConnectionKind::kPool); }
  void about(const OpenProxy& proxy) { opened(proxy.upstream, ConnectionKind::kProxy); }
  void about(const Datagram& datagram) {
    if (datagram.flow == facts_.name) {
      facts_.kind = ConnectionKind::kDatagrams;
      facts_.answer_after = datagram.after;
    }
  }
  void about(const Request& request) {
    if (request.flow == facts_.name && request.response > 0) {
      facts_.request_step = absl::StrCat("steps.", number_);
      facts_.answer_after = request.after;
      facts_.ends[0].patience = request.timeout;
    }
  }
  void opened(const Connect& connect, ConnectionKind kind) {
    if (connect.flow == facts_.name) {
      facts_.kind = kind;
      facts_.step = absl::StrCat("steps.", number_);
      add_keepalive(connect.client, facts_.ends[0]);
      add_keepalive(connect.server, facts_.ends[1]);
    }
  }

  ConnectionFacts& facts_;
  size_t number_ = 0;
};

void add_experience(const Experience& experience, EndFacts& end) {
  end.host = experience.host;
  end.error = experience.error;
  end.error_at = experience.error_at;
  end.waiting = experience.waiting;
  end.waiting_since = experience.waiting ? experience.waiting_since : Instant{};
  end.received = experience.received;
  end.status = experience.status;
}

std::string log_line(const Proxy::Line& line) {
  return absl::StrCat(line.status, " at ", topology::duration_text(line.at.time_since_epoch()), " (took ",
                      topology::duration_text(line.took), ")");
}

ConnectionFacts facts_of(const std::string& name, const Scenario& scenario, const Outcome& outcome) {
  ConnectionFacts facts{.name = name};
  Teller teller(facts);
  for (size_t number = 0; number < scenario.steps.size(); ++number) {
    teller.tell(scenario.steps[number], number);
  }
  for (const Experience& experience : outcome.experiences) {
    if (experience.flow == name) {
      add_experience(experience, facts.ends[experience.party == Party::kClient ? 0 : 1]);
    }
  }
  facts.tuples = outcome.tuples.at(name);
  for (const AccessLog& log : outcome.logs) {
    for (const Proxy::Line& line : log.lines) {
      if (log.proxy == name) {
        facts.log.push_back(log_line(line));
      }
    }
  }
  return facts;
}

// ---- trying ----

const ConnectionFacts* find(const explain::Run& run, const std::string& name) {
  const auto found = std::find_if(run.connections.begin(), run.connections.end(),
                                  [&](const ConnectionFacts& connection) { return connection.name == name; });
  return found == run.connections.end() ? nullptr : &*found;
}

bool is_well(const ConnectionFacts& connection, Instant end) {
  const EndFacts& client = connection.ends[0];
  return client.error.empty() && client.status < 400 && !explain::is_overdue(connection, story::End::kOpener, end);
}

// The program has what it asked for, nobody else is worse off, and (where that is promised) no box forgot it.
bool helps(const explain::Fix& fix, const std::string& name, const explain::Run& before, const explain::Run& after) {
  const ConnectionFacts* const fixed = find(after, name);
  if (fixed == nullptr || !is_well(*fixed, after.end) ||
      fixed->ends[0].received < find(before, name)->ends[0].received) {
    return false;
  }
  const bool forgotten =
      std::any_of(after.conversations.begin(), after.conversations.end(), [&](const story::Conversation& story) {
        return after.connection_of(story) == fixed && story::telling_forgetting(story) != nullptr;
      });
  const bool all_as_well =
      std::all_of(after.connections.begin(), after.connections.end(), [&](const ConnectionFacts& other) {
        const ConnectionFacts* const earlier = find(before, other.name);
        return is_well(other, after.end) || earlier == nullptr || !is_well(*earlier, before.end);
      });
  return all_as_well && !(forgotten && fix.keeps_flow);
}

bool try_out(const explain::Fix& fix, const std::string& name, const explain::Run& before, const std::string& path,
             std::vector<std::string> settings, uint64_t seed) {
  settings.insert(settings.end(), fix.settings.begin(), fix.settings.end());
  topology::Findings findings;
  const auto scenario = load_scenario(path, settings, findings);
  if (!scenario) {
    return false;
  }
  const auto outcome = play(*scenario, seed);
  return outcome.ok() && helps(fix, name, before, run_of(*scenario, *outcome, ""));
}

}  // namespace

explain::Run run_of(const Scenario& scenario, const Outcome& outcome, const std::string& command) {
  explain::Run run{.source = explain::Source::kScenario,
                   .name = scenario.name,
                   .command = command,
                   .end = outcome.end,
                   .hertz = hertz_of(scenario.defaults.timer_step)};
  explain::add_topology(scenario.topology, run);
  run.conversations = outcome.conversations;
  for (const report::LivingFlow& flow : outcome.living) {
    run.held.push_back({flow.key, flow.state, flow.last_seen, flow.timeout, flow.timeout_class});
  }
  for (const auto& [name, tuples] : outcome.tuples) {
    run.connections.push_back(facts_of(name, scenario, outcome));
  }
  return run;
}

absl::StatusOr<Explained> explain_scenario(const std::string& path, const std::vector<std::string>& settings,
                                           uint64_t seed, const std::string& command, topology::Findings& findings) {
  const auto scenario = load_scenario(path, settings, findings);
  if (!scenario) {
    return absl::InvalidArgumentError("");
  }
  const auto outcome = play(*scenario, seed);
  if (!outcome.ok()) {
    return outcome.status();
  }
  Explained explained{.run = run_of(*scenario, *outcome, command)};
  explained.explanations = explain::explain(explained.run);
  for (explain::Explanation& explanation : explained.explanations) {
    for (explain::Fix& fix : explanation.fixes) {
      if (!fix.settings.empty() && !explanation.name.empty()) {
        fix.worked = try_out(fix, explanation.name, explained.run, path, settings, seed);
      }
    }
  }
  return explained;
}

}  // namespace lapse::sim
