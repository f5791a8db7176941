#include "sim/live/director.h"

#include <algorithm>
#include <mutex>

#include "absl/strings/str_cat.h"

#include "control/story/compare.h"
#include "control/story/ladder.h"
#include "control/story/recorder.h"
#include "sim/live/judge.h"
#include "sim/live/stage.h"
#include "sim/live/timeline.h"
#include "sim/scenario/runner.h"

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

absl::StatusOr<json> StoryDirector::play(Instance& instance) {
  if (auto status = hosts_.gather(scenario_.topology.hosts.size()); !status.ok()) {
    return status;
  }
  story::Recorder recorder(instance.directory());
  std::mutex mutex;  // of what comes in on the instance's thread
  std::vector<Event> arrived;
  std::vector<Event> events;
  Timeline timeline(instance, hosts_, {.jumps = scenario_.live.jumps});
  Stage stage(scenario_, timeline, hosts_, scenario_.live.scale);
  if (auto status = timeline.begin(); !status.ok()) {
    return status;
  }
  const auto subscription = instance.subscribe([&](const Event& event) {
    Event in_story = event;
    in_story.time = timeline.story_time(event.time);
    recorder.add(in_story);
    if (event.kind != EventKind::kPacket) {
      const std::lock_guard lock(mutex);
      arrived.push_back(in_story);
    }
  });
  if (auto status = stage.prepare(); !status.ok()) {
    return status;
  }
  const Duration tolerance = kLateness * scenario_.live.scale;
  Judge judge({instance, hosts_, stage, events, tolerance});
  json misses = json::array();
  const auto look = [&](size_t number) -> absl::Status {
    instance.flush_events();
    {
      const std::lock_guard lock(mutex);
      events = arrived;
    }
    const auto instead = judge.found_instead(scenario_.expectations[number]);
    if (instead.ok() && !instead->empty()) {
      misses.push_back({{"expectation", number}, {"found", *instead}});
    }
    return instead.status();
  };
  // What is so at a time is looked at when the late have had theirs; what happened, and when, is looked up at the end.
  std::vector<size_t> at_end;
  for (size_t number = 0; number < scenario_.expectations.size(); ++number) {
    const sim::Expectation& expectation = scenario_.expectations[number];
    const bool looked_up = !expectation.at || expectation.happens_at || *expectation.at + tolerance >= scenario_.end ||
                           std::holds_alternative<sim::ExpectEvent>(expectation.what);
    if (looked_up) {
      at_end.push_back(number);
    } else {
      timeline.plan(*expectation.at + tolerance, [&look, number] { return look(number); });
    }
  }
  if (auto status = timeline.run(scenario_.end, [&](const News& news) { return stage.on_news(news); }); !status.ok()) {
    return status;
  }
  for (const size_t number : at_end) {
    if (auto status = look(number); !status.ok()) {
      return status;
    }
  }
  return compared(recorder, instance.directory(), misses);
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
