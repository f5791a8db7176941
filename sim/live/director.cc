#include "sim/live/director.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "control/story/compare.h"
#include "control/story/ladder.h"
#include "control/story/recorder.h"
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
  const json said = outcome.ok() ? json{{"differences", outcome->differences}, {"ladders", outcome->ladders}}
                                 : json{{"error", std::string(outcome.status().message())}};
  return said.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<LiveOutcome> StoryDirector::play(Instance& instance) {
  if (auto status = hosts_.gather(scenario_.topology.hosts.size()); !status.ok()) {
    return status;
  }
  story::Recorder recorder(instance.directory());
  Timeline timeline(instance, hosts_, {.jumps = scenario_.live.jumps});
  const auto subscription = instance.subscribe([&](const Event& event) {
    Event in_story = event;
    in_story.time = timeline.story_time(event.time);
    recorder.add(in_story);
  });
  Stage stage(scenario_, timeline, hosts_, scenario_.live.scale);
  if (auto status = stage.prepare(); !status.ok()) {
    return status;
  }
  if (auto status = timeline.run(scenario_.end, [&](const News& news) { return stage.on_news(news); }); !status.ok()) {
    return status;
  }
  instance.flush_events();
  const auto simulated = sim::play(scenario_, seed_);
  if (!simulated.ok()) {
    return simulated.status();
  }
  LiveOutcome outcome;
  std::vector<story::Conversation> live;
  recorder.visit([&](const story::Conversation& conversation) {
    live.push_back(conversation);
    outcome.ladders.push_back(story::render_ladder(conversation, instance.directory()));
  });
  outcome.differences = differences(simulated->conversations, live, instance.directory(), scenario_.live.scale);
  return outcome;
}

}  // namespace lapse::live
