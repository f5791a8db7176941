#include "sim/live/director.h"

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"

#include "control/story/compare.h"
#include "control/story/ladder.h"
#include "control/story/recorder.h"
#include "sim/live/ground.h"
#include "sim/live/timeline.h"
#include "sim/scenario/judge.h"
#include "sim/scenario/runner.h"
#include "sim/scenario/stage.h"

namespace lapse::live {
namespace {

using nlohmann::json;

// Kernels fire their timers late: by a step of their wheel near two seconds, and by what else the machine has to do.
constexpr std::chrono::milliseconds kLateness{300};
constexpr double kLateShare = 0.15;

std::vector<std::string> differences(const std::vector<story::Conversation>& simulated,
                                     const std::vector<story::Conversation>& live, const topology::Directory& directory,
                                     unsigned scale) {
  std::vector<std::string> all;
  const story::Tolerance tolerance{.at_least = kLateness * scale, .share = kLateShare};
  for (size_t at = 0; at < std::max(simulated.size(), live.size()); ++at) {
    if (at >= simulated.size() || at >= live.size()) {
      all.push_back(absl::StrCat("conversation ", at + 1, " is only ", at < live.size() ? "live" : "simulated"));
      continue;
    }
    std::string difference =
        story::first_difference(simulated[at], live[at], directory, tolerance, {"simulated", "live"});
    if (!difference.empty()) {
      all.push_back(absl::StrCat("conversation ", at + 1, ", ", difference));
    }
  }
  return all;
}

}  // namespace

std::string meeting_point(const std::string& directory) {
  return directory + "/story.sock";
}

absl::Status StoryDirector::prepare(const std::string& directory) {
  return hosts_.listen(meeting_point(directory));
}

std::string StoryDirector::direct(Instance& instance) {
  const auto outcome = play(instance);
  const json said = outcome.ok() ? *outcome : json{{"error", std::string(outcome.status().message())}};
  return said.dump(-1, ' ', false, json::error_handler_t::replace);
}

// One play on the hosts of a lab.
class StoryDirector::Play {
 public:
  Play(const sim::Scenario& scenario, Instance& instance, Hosts& hosts)
      : scenario_(scenario),
        instance_(instance),
        tolerance_(kLateness * scenario.live.scale),
        recorder_(instance.directory()),
        engine_(1),
        ground_(instance, engine_, hosts, scenario.live.scale),
        stage_(scenario, ground_),
        judge_(stage_, tolerance_),
        timeline_(instance, engine_, hosts, {.jumps = scenario.live.jumps}) {}

  absl::Status run();
  const story::Recorder& recorder() const { return recorder_; }
  const json& misses() const { return misses_; }

 private:
  void take(const Event& event);
  // Whether it is looked up when all is over: what happened, and when.
  bool is_looked_up(const sim::Expectation& expectation) const;
  void look(size_t expectation);

  const sim::Scenario& scenario_;
  Instance& instance_;
  Duration tolerance_;
  story::Recorder recorder_;
  sim::Engine engine_;
  KernelGround ground_;
  sim::Stage stage_;
  sim::Judge judge_;
  Timeline timeline_;
  json misses_ = json::array();
  std::mutex mutex_;  // of what comes in on the instance's thread
  std::vector<Event> arrived_;
};

void StoryDirector::Play::take(const Event& event) {
  Event in_story = event;
  in_story.time = timeline_.story_time(event.time);
  recorder_.add(in_story);
  if (event.kind != EventKind::kPacket) {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(in_story);
  }
}

bool StoryDirector::Play::is_looked_up(const sim::Expectation& expectation) const {
  return !expectation.at || expectation.happens_at || *expectation.at + tolerance_ >= scenario_.end ||
         std::holds_alternative<sim::ExpectEvent>(expectation.what);
}

void StoryDirector::Play::look(size_t number) {
  instance_.flush_events();
  std::vector<Event> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(arrived_);
  }
  for (const Event& event : arrived) {
    stage_.take_note(event);
  }
  if (const std::string instead = judge_.found_instead(scenario_.expectations[number]); !instead.empty()) {
    misses_.push_back({{"expectation", number}, {"found", instead}});
  }
}

absl::Status StoryDirector::Play::run() {
  if (auto status = timeline_.begin(); !status.ok()) {
    return status;
  }
  const auto subscription = instance_.subscribe([this](const Event& event) { take(event); });
  // What is so at a time is looked at when the late have had theirs.
  std::vector<std::unique_ptr<sim::Timer>> looks;
  for (size_t number = 0; number < scenario_.expectations.size(); ++number) {
    if (const auto& expectation = scenario_.expectations[number]; !is_looked_up(expectation)) {
      looks.push_back(std::make_unique<sim::Timer>(engine_, [this, number] { look(number); }));
      looks.back()->arm(*expectation.at + tolerance_);
    }
  }
  const auto on_news = [this](const News& news) { ground_.take(news); };
  if (auto status = timeline_.run(scenario_.end, on_news, [this] { return ground_.flush(); }); !status.ok()) {
    return status;
  }
  for (size_t number = 0; number < scenario_.expectations.size(); ++number) {
    if (is_looked_up(scenario_.expectations[number])) {
      look(number);
    }
  }
  return ground_.flush();
}

absl::StatusOr<json> StoryDirector::play(Instance& instance) {
  if (auto status = hosts_.gather(scenario_.topology.hosts); !status.ok()) {
    return status;
  }
  Play play(scenario_, instance, hosts_);
  if (auto status = play.run(); !status.ok()) {
    return status;
  }
  return compared(play.recorder(), instance.directory(), play.misses());
}

absl::StatusOr<json> StoryDirector::compared(const story::Recorder& recorder, const topology::Directory& directory,
                                             const json& misses) const {
  const auto simulated = sim::play(scenario_, seed_);
  if (!simulated.ok()) {
    return simulated.status();
  }
  json ladders = json::array();
  std::vector<story::Conversation> live;
  recorder.visit([&](const story::Conversation& conversation) {
    live.push_back(conversation);
    ladders.push_back(story::render_ladder(conversation, directory));
  });
  return json{{"misses", misses},
              {"differences", differences(simulated->conversations, live, directory, scenario_.live.scale)},
              {"ladders", ladders}};
}

}  // namespace lapse::live
