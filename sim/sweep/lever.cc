#include "sim/sweep/lever.h"

#include <algorithm>
#include <array>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/topology/schema.h"
#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/scenario/schema.h"

namespace lapse::sim {

using topology::concat;
using topology::shown;

namespace {

constexpr std::array<std::string_view, 3> kKnobs{"keepalive", "idle", "timeout"};
constexpr Duration kLongestOption = std::chrono::seconds(32767);  // MAX_TCP_KEEPIDLE
// Keys of a story that nobody plays.
constexpr std::array<std::string_view, 5> kNotPlayed{"scenario", "title", "live", "expect", "must_fail_with"};

std::string step_path(size_t number, std::string_view key) {
  return absl::StrCat("steps.", number, ".", absl::string_view(key.data(), key.size()));
}

// The name of what a step speaks on; empty for a step that says nothing.
std::string flow_of(const Step& step) {
  if (const auto* connect = std::get_if<Connect>(&step.action)) {
    return connect->flow;
  }
  if (const auto* request = std::get_if<Request>(&step.action)) {
    return request->flow;
  }
  if (const auto* send = std::get_if<Send>(&step.action)) {
    return send->flow;
  }
  if (const auto* close = std::get_if<Close>(&step.action)) {
    return close->flow;
  }
  const auto* datagram = std::get_if<Datagram>(&step.action);
  return datagram == nullptr ? "" : datagram->flow;
}

// How long the other end works before it answers.
Duration work_of(const Step& step) {
  const auto* request = std::get_if<Request>(&step.action);
  const auto* datagram = std::get_if<Datagram>(&step.action);
  const bool answers = request != nullptr ? request->response > 0 : datagram != nullptr && datagram->response > 0;
  return !answers ? Duration{} : request != nullptr ? request->after : datagram->after;
}

bool opens_connections(const Step& step) {
  return std::holds_alternative<Connect>(step.action) || std::holds_alternative<OpenPool>(step.action) ||
         std::holds_alternative<OpenProxy>(step.action);
}

std::string listed(const std::vector<std::string>& words, const char* separator = ", ") {
  return absl::StrJoin(words, separator);
}

}  // namespace

class LeverMaker {
 public:
  explicit LeverMaker(const Scenario& scenario) : scenario_(scenario), steps_(scenario.steps) {}

  absl::StatusOr<Lever> knob(std::string_view name) const {
    return name == "keepalive" ? keepalive() : name == "idle" ? idle() : timeout();
  }

  absl::StatusOr<Lever> path(const std::string& name) const;

 private:
  using How = Lever::Part::How;

  absl::StatusOr<Lever> keepalive() const;
  absl::StatusOr<Lever> idle() const;
  absl::StatusOr<Lever> timeout() const;
  // Steps from 'end' on keep their distance to it; it was 'length' after the silence began.
  void move_behind(Lever& lever, Instant end, Duration length) const;
  std::vector<std::string_view> first_words() const;

  // "steps.1.after (line 5)".
  std::string described(size_t number, std::string_view key) const {
    return absl::StrCat(step_path(number, key), " (line ", steps_[number].place.line, ")");
  }
  static absl::Status cannot(std::string_view knob, std::string_view why) {
    return absl::InvalidArgumentError(concat("the knob ", knob, " ", why));
  }

  const Scenario& scenario_;
  const std::vector<Step>& steps_;
};

absl::StatusOr<Lever> LeverMaker::keepalive() const {
  Lever lever;
  lever.takes_ = Lever::Takes::kSecondsOrOff;
  for (size_t number = 0; number < steps_.size(); ++number) {
    if (opens_connections(steps_[number])) {
      lever.parts_.push_back({step_path(number, "keepalive.on"), How::kFixed, "on"});
      lever.parts_.push_back({step_path(number, "keepalive.time")});
      lever.off_parts_.push_back({step_path(number, "keepalive.on"), How::kFixed, "off"});
    }
  }
  if (lever.parts_.empty()) {
    return cannot("keepalive", "has nothing to set in this story: no step opens a TCP connection");
  }
  return lever;
}

absl::StatusOr<Lever> LeverMaker::idle() const {
  Lever lever;
  lever.takes_ = Lever::Takes::kDuration;
  std::vector<size_t> answers;
  std::vector<std::string> candidates;
  for (size_t number = 0; number < steps_.size(); ++number) {
    if (work_of(steps_[number]) > Duration{}) {
      answers.push_back(number);
      candidates.push_back(described(number, "after"));
    }
  }
  Duration length{};
  for (const size_t number : answers) {
    if (steps_[number].at != steps_[answers.front()].at) {
      return cannot("idle", concat("could mean several silences, one after the other: ", listed(candidates),
                                   "; accepted is one of these paths in its place"));
    }
    length = std::max(length, work_of(steps_[number]));
    lever.parts_.push_back({step_path(number, "after")});
  }
  if (!answers.empty()) {
    move_behind(lever, steps_[answers.front()].at + length, length);
    return lever;
  }
  std::map<std::string, Instant> spoke;
  std::vector<size_t> longest;
  for (size_t number = 0; number < steps_.size(); ++number) {
    const std::string flow = flow_of(steps_[number]);
    if (flow.empty()) {
      continue;
    }
    const auto [before, is_first] = spoke.emplace(flow, steps_[number].at);
    const Duration silence = is_first ? Duration{} : steps_[number].at - before->second;
    before->second = steps_[number].at;
    if (silence > length) {
      longest.clear();
      length = silence;
    }
    if (silence == length && silence > Duration{}) {
      longest.push_back(number);
    }
  }
  if (longest.empty()) {
    return cannot(
        "idle",
        "has nothing to set in this story: no answer takes time (`after`), and nobody speaks again after a silence");
  }
  for (const size_t number : longest) {
    candidates.push_back(described(number, "at"));
    if (steps_[number].at != steps_[longest.front()].at) {
      return cannot("idle", concat("could mean several silences, equally long: ", listed(candidates),
                                   "; accepted is one of these paths in its place"));
    }
  }
  move_behind(lever, steps_[longest.front()].at, length);
  return lever;
}

void LeverMaker::move_behind(Lever& lever, Instant end, Duration length) const {
  for (size_t number = 0; number + 1 < steps_.size(); ++number) {  // the sweep itself says when the story ends
    if (steps_[number].at >= end) {
      lever.parts_.push_back({step_path(number, "at"), How::kMoved, "", steps_[number].at.time_since_epoch() - length});
    }
  }
}

absl::StatusOr<Lever> LeverMaker::timeout() const {
  Lever lever;
  lever.takes_ = Lever::Takes::kDuration;
  const std::vector<topology::Box>& boxes = scenario_.topology.boxes;
  if (boxes.size() != 1) {
    std::vector<std::string> paths;
    for (const topology::Box& box : boxes) {
      paths.push_back(absl::StrCat(box.name, ".timeouts.tcp_established"));
    }
    return cannot("timeout",
                  paths.empty() ? "has nothing to set in this story: its topology has no box"
                                : concat("could mean several boxes; accepted is a path in its place: ", listed(paths)));
  }
  const std::string& box = boxes.front().name;
  const bool tcp = std::any_of(steps_.begin(), steps_.end(), opens_connections);
  const bool udp = std::any_of(steps_.begin(), steps_.end(),
                               [](const Step& step) { return std::holds_alternative<Datagram>(step.action); });
  // Whoever tries timeouts wants those that no provider offers, too.
  lever.parts_.push_back({absl::StrCat(box, ".limits"), How::kFixed, "off"});
  for (const char* const name : {tcp ? "tcp_established" : "", udp ? "udp" : "", udp ? "udp_stream" : ""}) {
    if (*name != '\0') {
      lever.parts_.push_back({absl::StrCat(box, ".timeouts.", name)});
    }
  }
  if (lever.parts_.size() == 1) {
    return cannot("timeout", "has nothing to set in this story: no step speaks TCP or UDP");
  }
  return lever;
}

std::vector<std::string_view> LeverMaker::first_words() const {
  std::vector<std::string_view> words;
  for (const auto& named : scenario_.topology.boxes) {
    words.push_back(named.name);
  }
  for (const auto& named : scenario_.topology.hosts) {
    words.push_back(named.name);
  }
  for (const auto& named : scenario_.topology.links) {
    words.push_back(named.name);
  }
  return words;
}

absl::StatusOr<Lever> LeverMaker::path(const std::string& name) const {
  const std::string_view first = std::string_view(name).substr(0, name.find('.'));
  std::vector<std::string_view> known = first_words();
  for (const topology::Object* const table : {&kScenarioObject, &topology::kTopologyObject}) {
    const std::vector<std::string_view> keys = table->key_names();
    known.insert(known.end(), keys.begin(), keys.end());
  }
  if (std::find(kNotPlayed.begin(), kNotPlayed.end(), first) != kNotPlayed.end()) {
    return absl::InvalidArgumentError(
        concat(shown(name), " changes nothing that is played; accepted is a path of the steps or the topology"));
  }
  if (name == step_path(steps_.size() - 1, "at")) {
    return absl::InvalidArgumentError(
        concat(shown(name),
               " is the end of the story, and a sweep plays each run until nothing more can come of it; "
               "accepted is another path"));
  }
  if (std::find(known.begin(), known.end(), first) == known.end()) {
    known.insert(known.end(), kKnobs.begin(), kKnobs.end());
    const std::vector<std::string> knobs = knobs_of(scenario_);
    return absl::NotFoundError(concat("no knob, and no box, host, link or key of the story is called ", shown(first),
                                      topology::suggestion(first, known), "accepted is a knob of this story: ",
                                      knobs.empty() ? "(none)" : listed(knobs), "; or a path: steps.0.keepalive.time, ",
                                      scenario_.topology.boxes.empty() ? "" : scenario_.topology.boxes.front().name,
                                      scenario_.topology.boxes.empty() ? "" : ".timeouts.tcp_established, ",
                                      "timer_step"));
  }
  Lever lever;
  lever.parts_.push_back({name});
  return lever;
}

std::vector<std::string> Lever::settings(const AxisValue& value) const {
  std::vector<std::string> settings;
  const bool off = takes_ == Takes::kSecondsOrOff && value.text == "off";
  for (const Part& part : off ? off_parts_ : parts_) {
    const std::string text = part.how == Part::How::kFixed   ? part.fixed
                             : part.how == Part::How::kValue ? value.text
                                                             : topology::duration_text(value.duration() + part.ahead);
    settings.push_back(concat(part.path, "=", text));
  }
  return settings;
}

absl::Status Lever::check(const Axis& axis) const {
  const bool off = takes_ == Takes::kSecondsOrOff;
  for (const AxisValue& value : axis.values) {
    const bool is_duration = value.kind == AxisValue::Kind::kDuration;
    const bool fits =
        is_duration && (!off || (value.duration() >= std::chrono::seconds(1) && value.duration() <= kLongestOption &&
                                 value.duration() % std::chrono::seconds(1) == Duration{}));
    if (takes_ == Takes::kAnything || fits || (off && value.text == "off")) {
      continue;
    }
    return absl::InvalidArgumentError(
        concat("--vary ", axis.name, ": the value ", shown(value.text), " is none of the knob ", axis.name,
               "; accepted is ", off ? "off, or whole seconds from 1s to 32767s" : "a duration with a unit like 350s"));
  }
  return absl::OkStatus();
}

std::vector<std::string> Lever::paths() const {
  std::vector<std::string> paths;
  for (const Part& part : parts_) {
    paths.push_back(part.path);
  }
  return paths;
}

absl::StatusOr<Lever> find_lever(const Axis& axis, const Scenario& scenario) {
  const LeverMaker maker(scenario);
  const bool is_knob = std::find(kKnobs.begin(), kKnobs.end(), axis.name) != kKnobs.end();
  absl::StatusOr<Lever> lever = is_knob ? maker.knob(axis.name) : maker.path(axis.name);
  if (!lever.ok()) {
    const absl::string_view why = lever.status().message();
    return absl::Status(lever.status().code(),
                        concat("--vary ", axis.name, ": ", std::string_view(why.data(), why.size())));
  }
  if (absl::Status status = lever->check(axis); !status.ok()) {
    return status;
  }
  return lever;
}

std::vector<std::string> knobs_of(const Scenario& scenario) {
  std::vector<std::string> lines;
  for (const std::string_view knob : kKnobs) {
    if (const auto lever = LeverMaker(scenario).knob(knob); lever.ok()) {
      lines.push_back(concat(knob, " (", listed(lever->paths()), ")"));
    }
  }
  return lines;
}

}  // namespace lapse::sim
