// timeline.h - virtual time in a lab: what is due when, and how time passes until then.
//
// Owner:    the director.
// Memory:   what is planned.
// Time:     of the story: from 0, whatever the instance's clock showed at its beginning.
// Bytes:    none.
// Cost:     while kernels are busy: some messages every few milliseconds.
// Lifetime: outlived by instance and hosts.
// Spec:     design, "Honest time": a jump is for when nothing happens in the hosts' kernels.
//
// The clock jumps when every host's kernel is quiet: nothing is on its way, nothing waits for an acknowledgement, no
// keepalive is armed. While one is not, time passes as the kernels' own does.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/instance/instance.h"
#include "sim/live/hosts.h"

namespace lapse::live {

class Timeline {
 public:
  using Key = std::pair<Instant, uint64_t>;
  using OnNews = std::function<absl::Status(const News&)>;

  struct Options {
    bool jumps = true;  // false: real time all along
  };

  Timeline(Instance& instance, Hosts& hosts, const Options& options);

  // The story begins now; hosts and boxes know their neighbours then.
  absl::Status begin();
  Instant now() const;
  Key plan(Instant when, std::function<absl::Status()> deed);
  void cancel(const Key& key) { plans_.erase(key); }

  // Everything until 'end'; 'on_news' hears what endpoints say.
  absl::Status run(Instant end, const OnNews& on_news);

  // It answers no more.
  void forget(const std::string& host) { gone_.insert(host); }
  // Story time of an instant of the instance's clock.
  Instant story_time(Instant instant) const { return Instant(instant - origin_); }

 private:
  struct Flushed {
    std::string host;
    std::string interface;
    std::string address;  // of a box on its link
  };

  absl::Status pass_to(Instant when, const OnNews& on_news);
  absl::Status hear(const OnNews& on_news, bool& heard);
  // Why a kernel may do something by itself; empty: it will not.
  absl::StatusOr<std::string> busy();
  // Whether 'when' is too far away to wait for it, because of 'why' or of what the story wants.
  absl::Status check_wait(Instant when, const std::string& why);
  // Waits until nothing is on its way.
  absl::Status settle();
  void wait_a_little(Instant when);

  Instance& instance_;
  Hosts& hosts_;
  Options options_;
  Instant origin_;
  std::vector<Flushed> flushed_;
  std::set<std::string> gone_;
  std::optional<std::chrono::steady_clock::time_point> busy_since_;
  std::map<Key, std::function<absl::Status()>> plans_;
  uint64_t next_ = 0;
};

}  // namespace lapse::live
