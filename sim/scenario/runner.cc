#include "sim/scenario/runner.h"

#include <set>

#include "absl/strings/str_cat.h"

#include "control/report/living.h"
#include "control/story/ladder.h"
#include "control/story/text.h"
#include "control/topology/report.h"
#include "control/topology/text.h"
#include "sim/scenario/judge.h"
#include "sim/scenario/simulated_ground.h"

namespace lapse::sim {
namespace {

std::string time_text(Instant instant) {
  return story::exact(instant.time_since_epoch());
}

class Player {
 public:
  Player(const Scenario& scenario, uint64_t seed, Frames frames)
      : scenario_(scenario),
        ground_(
            scenario, seed, [this](const Event& event) { take(event); }, frame_sink(frames)),
        stage_(scenario, ground_),
        judge_(stage_),
        record_(std::make_shared<report::RunRecord>(ground_.directory())) {}

  absl::Status run(uint64_t most_events);
  Outcome outcome();

 private:
  // What is looked at as it is at its time; what happened, and when, is looked up at the end.
  bool is_due(const Expectation& expectation, Instant now) const;
  absl::Status endless(uint64_t most_events);
  World::FrameSink frame_sink(Frames frames);
  void take(const Event& event);

  const Scenario& scenario_;
  SimulatedGround ground_;
  Stage stage_;
  Judge judge_;
  std::shared_ptr<report::RunRecord> record_;
  std::vector<Miss> misses_;
};

World::FrameSink Player::frame_sink(Frames frames) {
  if (frames == Frames::kNone) {
    return nullptr;
  }
  return [this](const CapturedFrame& frame) { record_->add(frame); };
}

void Player::take(const Event& event) {
  record_->add(event);
  if (event.kind != EventKind::kPacket) {
    stage_.take_note(event);
  }
}

bool Player::is_due(const Expectation& expectation, Instant now) const {
  const bool at_end = !expectation.at || expectation.happens_at;
  return now == (at_end ? scenario_.end : *expectation.at);
}

absl::Status Player::run(uint64_t most_events) {
  std::set<Instant> stops{scenario_.end};
  for (const Expectation& expectation : scenario_.expectations) {
    if (expectation.at) {
      stops.insert(*expectation.at);
    }
  }
  for (const Instant stop : stops) {
    if (!ground_.world().run_until(stop, most_events)) {
      return endless(most_events);
    }
    for (const Expectation& expectation : scenario_.expectations) {
      if (!is_due(expectation, stop)) {
        continue;
      }
      if (std::string instead = judge_.found_instead(expectation); !instead.empty()) {
        misses_.push_back({expectation.place, expectation.text, std::move(instead)});
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Player::endless(uint64_t most_events) {
  const Step* const step = stage_.last_step();
  const topology::Finding finding{
      .place = step == nullptr ? Place{scenario_.file} : step->place,
      .key = step == nullptr ? "steps" : absl::StrCat("steps.", step - scenario_.steps.data()),
      .message = absl::StrCat("the story does not come to its end: ", most_events, " events by ",
                              time_text(ground_.world().engine().now()), ", and this was the last step")};
  return absl::ResourceExhaustedError(topology::to_string(finding));
}

Outcome Player::outcome() {
  Outcome outcome;
  outcome.misses = std::move(misses_);
  outcome.events = ground_.world().happenings();
  for (const std::string& flow : stage_.flow_names()) {
    outcome.experiences.push_back(stage_.experience(flow, Party::kClient));
    outcome.experiences.push_back(stage_.experience(flow, Party::kServer));
    outcome.tuples[flow] = stage_.tuples(flow);
  }
  for (const auto& [name, proxy] : stage_.proxies()) {
    outcome.logs.push_back({name, proxy->log()});
  }
  outcome.record = record_;
  outcome.end = ground_.world().engine().now();
  for (size_t id = 0; id < ground_.world().directory().boxes.size(); ++id) {
    const BoxId box{static_cast<uint8_t>(id)};
    if (const FlowTable* const table = ground_.world().network().box(box).flows(); table != nullptr) {
      const auto living = report::living_flows(box, *table, outcome.end);
      outcome.living.insert(outcome.living.end(), living.begin(), living.end());
    }
  }
  record_->recorder().visit([&](const story::Conversation& story) {
    outcome.ladders.push_back(story::render_ladder(story, ground_.world().directory()));
    outcome.conversations.push_back(story);
  });
  return outcome;
}

}  // namespace

absl::StatusOr<Outcome> play(const Scenario& scenario, uint64_t seed, Frames frames, uint64_t most_events) {
  Player player(scenario, seed, frames);
  if (absl::Status status = player.run(most_events); !status.ok()) {
    return status;
  }
  return player.outcome();
}

std::string to_string(const Experience& experience) {
  std::string text = absl::StrCat(experience.host, " (", experience.flow, ", ",
                                  experience.party == Party::kClient ? "client" : "server", ")");
  if (!experience.began) {
    return absl::StrCat(text, " never had the connection");
  }
  if (!experience.error.empty()) {
    absl::StrAppend(&text, " ", experience.error, " at ", time_text(experience.error_at), ",");
  }
  if (experience.waiting) {
    absl::StrAppend(&text, " waits since ", time_text(experience.waiting_since), " and has heard nothing,");
  }
  if (experience.status != 0) {
    absl::StrAppend(&text, " status ", experience.status, ",");
  }
  return absl::StrCat(text, " received ", experience.received);
}

std::vector<Miss> lines_that_change_nothing(const std::string& file, uint64_t seed) {
  std::vector<Miss> lines;
  topology::Findings findings;
  const auto scenario = load_scenario(file, {}, findings);
  if (!scenario) {
    return lines;
  }
  for (const Change& change : scenario->must_fail_with) {
    std::string text;
    for (const std::string& setting : change.settings) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", setting);
    }
    topology::Findings refused;
    const auto changed = load_scenario(file, change.settings, refused);
    if (!changed) {
      lines.push_back({change.place, text, refused.errors.front()});
      continue;
    }
    const auto outcome = play(*changed, seed);
    if (outcome.ok() && outcome->misses.empty()) {
      lines.push_back({change.place, text, "every expectation was still met"});
    }
  }
  return lines;
}

}  // namespace lapse::sim
