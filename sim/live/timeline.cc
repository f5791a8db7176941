#include "sim/live/timeline.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/topology/values.h"

namespace lapse::live {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{5};
constexpr std::chrono::minutes kLongestWait{3};
constexpr std::chrono::seconds kPassing{2};
constexpr size_t kMostRounds = 1000;

// An address of a box on 'link'.
std::string box_address(const topology::Topology& topology, const std::string& link) {
  const topology::Directory directory = topology::make_directory(topology);
  for (const auto& [address, owner] : directory.box_addresses) {
    for (const auto& known : directory.links) {
      if (known.name == link && known.subnet.contains(address)) {
        return to_string(address);
      }
    }
  }
  return "";
}

}  // namespace

Timeline::Timeline(Instance& instance, sim::Engine& engine, Hosts& hosts, const Options& options)
    : instance_(instance), engine_(engine), hosts_(hosts), options_(options), origin_(instance.now().now) {
  for (const topology::Host& host : instance.topology().hosts) {
    for (const auto& [interface, attachment] : host.interfaces) {
      if (const std::string address = box_address(instance.topology(), attachment.link); !address.empty()) {
        flushed_.push_back({host.name, interface, address});
      }
    }
  }
}

absl::Status Timeline::begin() {
  if (auto status = settle(); !status.ok()) {
    return status;
  }
  origin_ = instance_.now().now;
  return absl::OkStatus();
}

Instant Timeline::now() const {
  return story_time(instance_.now().now);
}

absl::Status Timeline::run(Instant end, const OnNews& on_news, const std::function<absl::Status()>& after) {
  for (;;) {
    while (engine_.run_next(std::min(now(), end))) {
    }
    if (auto status = after(); !status.ok()) {
      return status;
    }
    if (now() >= end) {
      break;
    }
    if (auto status = pass_to(std::min(end, engine_.next().value_or(end)), on_news); !status.ok()) {
      return status;
    }
  }
  if (auto status = settle(); !status.ok()) {
    return status;
  }
  hear(on_news);
  return after();
}

// A step towards 'when': what is heard on the way may bring something that is due earlier.
absl::Status Timeline::pass_to(Instant when, const OnNews& on_news) {
  if (hear(on_news)) {
    return absl::OkStatus();
  }
  auto why = busy();
  if (why.ok() && why->empty()) {
    if (auto status = settle(); !status.ok()) {
      return status;
    }
    if (hear(on_news)) {
      return absl::OkStatus();
    }
    why = busy();
  }
  if (!why.ok()) {
    return why.status();
  }
  if (why->empty()) {
    busy_since_.reset();
  }
  if (why->empty() && options_.jumps) {
    if (const Duration left = when - now(); left > Duration::zero()) {
      return instance_.advance(left, true).status();
    }
    return absl::OkStatus();
  }
  if (auto status = check_wait(when, *why); !status.ok()) {
    return status;
  }
  wait_a_little(when);
  return absl::OkStatus();
}

// An acknowledgement may be on its way: only who is busy for long is waited for in vain.
absl::Status Timeline::check_wait(Instant when, const std::string& why) {
  const auto real = std::chrono::duration_cast<Duration>((when - now()) / instance_.scale());
  const auto moment = steady_clock::now();
  busy_since_ = busy_since_.value_or(moment);
  if (real <= kLongestWait || moment - *busy_since_ < kPassing) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("at ", topology::duration_text(now().time_since_epoch()), " ",
                   why.empty() ? "the story wants real time" : why, ", and what comes next is ",
                   topology::duration_text(real), " of real time away: more than the ", kLongestWait.count(),
                   " minutes that a live story waits; `live: { scale: N }` shortens it where only keepalives matter"));
}

void Timeline::wait_a_little(Instant when) {
  const auto real = std::chrono::duration_cast<std::chrono::nanoseconds>((when - now()) / instance_.scale());
  hosts_.wait(steady_clock::now() + std::min<std::chrono::nanoseconds>(real, kPoll));
}

bool Timeline::hear(const OnNews& on_news) {
  bool heard = false;
  while (const auto news = hosts_.next_news()) {
    heard = true;
    on_news(*news);
  }
  return heard;
}

absl::StatusOr<std::string> Timeline::busy() {
  for (const topology::Host& host : instance_.topology().hosts) {
    if (hosts_.is_forgotten(host.name)) {
      continue;
    }
    const auto states = hosts_.ask(host.name, {{"do", "states"}});
    if (!states.ok()) {
      return states.status();
    }
    for (const json& socket : states->at("sockets")) {
      const std::string timer = socket.at("timer");
      const std::string state = socket.at("state");
      // What waits for an end that does not come has the same timer.
      const bool keepalive = timer == "keepalive" && state != "FIN-WAIT-2";
      if (keepalive || timer == "retransmission" || timer == "window-probe") {
        return absl::StrCat(host.name, "'s kernel has a ", timer, " to do");
      }
    }
  }
  return std::string();
}

// What a host sent before its flush has passed the boxes after it; what a box sent to a host by then is in its sockets.
// When two rounds have seen the same packets, there is none on its way.
absl::Status Timeline::settle() {
  uint64_t before = UINT64_MAX;
  for (size_t round = 0; round < kMostRounds; ++round) {
    for (const Flushed& one : flushed_) {
      if (hosts_.is_forgotten(one.host)) {
        continue;
      }
      const auto done = hosts_.ask(one.host, {{"do", "flush"}, {"interface", one.interface}, {"address", one.address}});
      if (!done.ok()) {
        return done.status();
      }
      if (done->contains("error")) {
        return absl::InternalError(absl::StrCat("host ", one.host, ": the box at ", one.address,
                                                " does not answer: ", done->at("error").get<std::string>()));
      }
    }
    uint64_t packets = 0;
    for (const BoxStatus& box : instance_.status().boxes) {
      packets += box.conservation.received + box.conservation.originated;
    }
    if (packets == before) {
      instance_.flush_events();
      return absl::OkStatus();
    }
    before = packets;
  }
  return absl::DeadlineExceededError("the hosts do not stop sending");
}

}  // namespace lapse::live
