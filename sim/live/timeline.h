// timeline.h - how time passes in a lab until the engine's next timer is due.
//
// Owner:    the director.
// Memory:   none that matters.
// Time:     of the story: from 0, whatever the instance's clock showed at its beginning.
// Bytes:    none.
// Cost:     while kernels are busy: some messages every few milliseconds.
// Lifetime: outlived by instance, engine and hosts.
// Spec:     design, "Honest time": a jump is for when nothing happens in the hosts' kernels.
//
// The clock jumps when every host's kernel is quiet: nothing is on its way, nothing waits for an acknowledgement, no
// keepalive is armed. While one is not, time passes as the kernels' own does.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/instance/instance.h"
#include "sim/engine.h"
#include "sim/live/hosts.h"

namespace lapse::live {

class Timeline {
 public:
  using OnNews = std::function<void(const News&)>;

  struct Options {
    bool jumps = true;  // false: real time all along
  };

  Timeline(Instance& instance, sim::Engine& engine, Hosts& hosts, const Options& options);

  // The story begins now; hosts and boxes know their neighbours then.
  absl::Status begin();
  Instant now() const;
  // Everything until 'end'; 'on_news' hears what endpoints say. 'after' is called when programs may have done something:
  // an error of it ends the story.
  absl::Status run(Instant end, const OnNews& on_news, const std::function<absl::Status()>& after);

  // Story time of an instant of the instance's clock.
  Instant story_time(Instant instant) const { return Instant(instant - origin_); }

 private:
  struct Flushed {
    std::string host;
    std::string interface;
    std::string address;  // of a box on its link
  };

  absl::Status pass_to(Instant when, const OnNews& on_news);
  // Whether there was any.
  bool hear(const OnNews& on_news);
  // Why a kernel may do something by itself; empty: it will not.
  absl::StatusOr<std::string> busy();
  // Whether 'when' is too far away to wait for it, because of 'why' or of what the story wants.
  absl::Status check_wait(Instant when, const std::string& why);
  // Waits until nothing is on its way.
  absl::Status settle();
  void wait_a_little(Instant when);

  Instance& instance_;
  sim::Engine& engine_;
  Hosts& hosts_;
  Options options_;
  Instant origin_;
  std::vector<Flushed> flushed_;
  std::optional<std::chrono::steady_clock::time_point> busy_since_;
};

}  // namespace lapse::live
