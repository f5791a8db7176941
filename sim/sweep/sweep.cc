#include "sim/sweep/sweep.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::shown;

// Of one run; a story that goes on and on is found before a person thinks that nothing happens.
constexpr uint64_t kMostEventsOfARun = 2'000'000;
// A retransmission waits no longer (TCP_RTO_MAX), so a host has given up after so many of these as it has retries.
constexpr Duration kLongestRetransmission = std::chrono::seconds(120);
// The end while the story is loaded; what it has to be is known from what has been loaded then.
constexpr Duration kFarAway = std::chrono::hours(24 * 365 * 20);

Duration patience_of(const std::optional<Keepalive>& keepalive) {
  return keepalive && keepalive->on ? keepalive->time + keepalive->interval * static_cast<int64_t>(keepalive->probes)
                                    : Duration{};
}

Duration patience_of(const ProgramSettings& settings) {
  return patience_of(settings.keepalive) + settings.user_timeout + settings.idle_timeout;
}

Duration patience_of(const Connect& connect) {
  return patience_of(connect.client) + patience_of(connect.server);
}

// What may still happen after a step because of it, at the longest and but for retransmissions.
Duration patience_of(const Step& step) {
  if (const auto* connect = std::get_if<Connect>(&step.action)) {
    return patience_of(*connect);
  }
  if (const auto* pool = std::get_if<OpenPool>(&step.action)) {
    return patience_of(pool->connect) + pool->pool.discard_after;
  }
  if (const auto* proxy = std::get_if<OpenProxy>(&step.action)) {
    return patience_of(proxy->upstream) + proxy->pool.discard_after + proxy->timeout + proxy->idle_timeout;
  }
  const auto* request = std::get_if<Request>(&step.action);
  return request == nullptr ? Duration{} : request->timeout;
}

Duration work_of(const Step& step) {
  const auto* request = std::get_if<Request>(&step.action);
  const auto* datagram = std::get_if<Datagram>(&step.action);
  return request != nullptr ? request->after : datagram != nullptr ? datagram->after : Duration{};
}

// When nothing more can come of it, and not before 'earliest'.
Instant settled(const Scenario& scenario, Instant earliest) {
  uint32_t retries = 0;
  for (const topology::Host& host : scenario.topology.hosts) {
    const TcpSettings settings = tcp_settings(host.sysctls);
    retries = std::max(
        {retries, settings.retries, settings.syn_retries + settings.syn_linear_timeouts, settings.synack_retries});
  }
  Duration patience = kLongestRetransmission * static_cast<int64_t>(retries + 1);
  Instant last{};
  for (const Step& step : scenario.steps) {
    if (!std::holds_alternative<Stop>(step.action)) {
      patience += patience_of(step);
      last = std::max(last, step.at + work_of(step));
    }
  }
  return std::max(earliest, Instant(std::chrono::ceil<std::chrono::seconds>((last + patience).time_since_epoch())));
}

std::string setting_of_end(const Sweep& sweep, Duration end) {
  return absl::StrCat("steps.", sweep.story.steps.size() - 1, ".at=", topology::duration_text(end));
}

std::string path_of(const std::string& setting) {
  return setting.substr(0, setting.find('='));
}

// One is the other, or inside of it.
bool overlap(const std::string& one, const std::string& other) {
  const auto inside = [](const std::string& inner, const std::string& outer) {
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '.');
  };
  return inside(one, other) || inside(other, one);
}

absl::Status contradiction(const Sweep& sweep) {
  const auto complain = [](const std::string& one, const std::string& other, const std::string& path) {
    return absl::InvalidArgumentError(concat(one, " and ", other, " both set ", path, "; accepted is one of them"));
  };
  for (size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    const std::string name = concat("--vary ", sweep.axes[axis].name);
    for (const std::string& path : sweep.levers[axis].paths()) {
      for (const std::string& setting : sweep.request.settings) {
        if (overlap(path, path_of(setting))) {
          return complain(name, concat("--set ", shown(setting)), path);
        }
      }
      for (size_t other = 0; other < axis; ++other) {
        for (const std::string& its : sweep.levers[other].paths()) {
          if (overlap(path, its)) {
            return complain(concat("--vary ", sweep.axes[other].name), name, path);
          }
        }
      }
    }
  }
  return absl::OkStatus();
}

Cell cannot(Cell cell, std::string reason) {
  cell.verdict = {.fate = Fate::kError, .reason = std::move(reason)};
  return cell;
}

}  // namespace

std::vector<const AxisValue*> Sweep::values(size_t run) const {
  if (axes.size() == 1) {
    return {&axes.front().values[run]};
  }
  return {&axes.front().values[run / columns()], &axes.back().values[run % columns()]};
}

std::vector<std::string> Sweep::changes(size_t run) const {
  std::vector<std::string> all;
  const std::vector<const AxisValue*> point = values(run);
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    const std::vector<std::string> its = levers[axis].settings(*point[axis]);
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

absl::StatusOr<Sweep> plan_sweep(SweepRequest request) {
  Sweep sweep;
  if (request.vary.empty() || request.vary.size() > 2) {
    return absl::InvalidArgumentError(
        concat(request.vary.empty() ? "nothing is varied" : "a map has two sides, and more than two things are varied",
               "; accepted is --vary NAME=VALUES once or twice, like --vary keepalive=off,60s..600s/30s --vary "
               "idle=60s..900s/30s"));
  }
  for (const std::string& vary : request.vary) {
    auto axis = parse_axis(vary);
    if (!axis.ok()) {
      return axis.status();
    }
    sweep.axes.push_back(*std::move(axis));
  }
  if (sweep.runs() > kMostRuns) {
    return absl::InvalidArgumentError(
        absl::StrCat("the grid has ", sweep.runs(), " runs; accepted are ", kMostRuns, " at most: take longer steps"));
  }
  topology::Findings findings;
  auto story = load_scenario(request.file, request.settings, findings);
  if (!story) {
    return absl::InvalidArgumentError(absl::StrJoin(findings.errors, "\n"));
  }
  sweep.story = *std::move(story);
  for (const Axis& axis : sweep.axes) {
    auto lever = find_lever(axis, sweep.story);
    if (!lever.ok()) {
      return lever.status();
    }
    sweep.levers.push_back(*std::move(lever));
  }
  sweep.request = std::move(request);
  if (absl::Status status = contradiction(sweep); !status.ok()) {
    return status;
  }
  return sweep;
}

Cell play_cell(const Sweep& sweep, size_t run) {
  Cell cell{.verdict = {}, .settings = sweep.request.settings};
  const std::vector<std::string> changes = sweep.changes(run);
  cell.settings.insert(cell.settings.end(), changes.begin(), changes.end());
  cell.settings.push_back(setting_of_end(sweep, kFarAway));
  topology::Findings findings;
  auto scenario = load_scenario(sweep.request.file, cell.settings, findings);
  cell.settings.pop_back();
  if (!scenario) {
    return cannot(std::move(cell), findings.errors.empty() ? "cannot be loaded" : findings.errors.front());
  }
  scenario->end = settled(*scenario, sweep.story.end);
  scenario->steps.back().at = scenario->end;
  scenario->expectations.clear();
  cell.settings.push_back(setting_of_end(sweep, scenario->end.time_since_epoch()));
  const auto outcome = play(*scenario, sweep.request.seed, Frames::kNone, kMostEventsOfARun);
  if (!outcome.ok()) {
    return cannot(std::move(cell), std::string(outcome.status().message()));
  }
  cell.verdict = verdict(*scenario, *outcome);
  return cell;
}

std::vector<Cell> play_sweep(const Sweep& sweep, size_t threads, const std::atomic<bool>& stop,
                             const std::function<void(size_t)>& progress) {
  std::vector<Cell> cells(sweep.runs());
  std::atomic<size_t> next{0};
  std::atomic<size_t> played{0};
  const auto work = [&](bool tells) {
    for (size_t mine = next++; mine < cells.size() && !stop; mine = next++) {
      cells[mine] = play_cell(sweep, mine);
      const size_t so_far = ++played;
      if (tells) {
        progress(so_far);
      }
    }
  };
  std::vector<std::thread> others;
  for (size_t thread = 1; thread < std::min(threads, cells.size()); ++thread) {
    others.emplace_back(work, false);
  }
  work(true);
  for (std::thread& thread : others) {
    thread.join();
  }
  if (played < cells.size()) {
    cells.clear();
  }
  return cells;
}

}  // namespace lapse::sim
