// lapse_bench_sim [--flows=N]: how far the simulator reaches; see README.md beside this file.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sim/scenario/runner.h"
#include "sim/sweep/sweep.h"
#include "sim/world.h"

namespace lapse::bench {
namespace {

using std::chrono::seconds;

constexpr size_t kClients = 4;  // each has 28,232 ports towards a server
constexpr size_t kServers = 2;  // each may have 55,000 connections from an outside address
constexpr Duration kProbeEvery = seconds(60);

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Idler final : sim::TcpUser {
  void on_connected(sim::TcpSocket&) override { ++connected; }
  void on_data(sim::TcpSocket&, uint64_t) override {}
  void on_end(sim::TcpSocket&) override {}
  void on_error(sim::TcpSocket&, int) override { ++errors; }
  size_t connected = 0;
  size_t errors = 0;
};

topology::Topology topology() {
  std::string text =
      "name: bench\n"
      "links: { private: { subnet: 10.0.0.0/16 }, internet: { subnet: 203.0.113.0/24 } }\n"
      "boxes:\n"
      "  natgw:\n"
      "    kind: nat-gateway\n"
      "    inside:  { link: private, address: 10.0.0.1 }\n"
      "    outside: { link: internet, addresses: [203.0.113.10, 203.0.113.11] }\n"
      "    capacity: 1000000\n"
      "hosts:\n";
  for (size_t n = 0; n < kClients; ++n) {
    text += "  c" + std::to_string(n) + ": { link: private, address: 10.0.1." + std::to_string(n + 1) +
            ", gateway: 10.0.0.1 }\n";
  }
  for (size_t n = 0; n < kServers; ++n) {
    text += "  s" + std::to_string(n) + ": { link: internet, address: 203.0.113." + std::to_string(n + 80) + " }\n";
  }
  topology::Findings findings;
  auto loaded = topology::load_text(text, "bench.yaml", findings);
  if (!loaded) {
    std::fprintf(stderr, "lapse_bench_sim: %s\n", findings.errors.front().c_str());
    std::exit(1);
  }
  return *std::move(loaded);
}

// A world with 'flows' connections that are kept alive, opened one after the other over one interval.
class Flows {
 public:
  Flows(size_t flows, Trace trace)
      : topology_(topology()), world_(topology_, {.seed = 1, .trace = trace}, [this](const Event&) { ++events_; }) {
    sim::TcpSettings settings;
    settings.keepalive = {.on = true, .time = kProbeEvery};
    for (size_t n = 0; n < kServers; ++n) {
      world_.host("s" + std::to_string(n))->listen(be16(80), [this](sim::TcpSocket&) { return &server_; });
    }
    for (size_t n = 0; n < flows; ++n) {
      world_.run_until(Instant(kProbeEvery * static_cast<int64_t>(n) / static_cast<int64_t>(flows)));
      const std::string server = "203.0.113." + std::to_string(80 + n % kServers);
      world_.host("c" + std::to_string(n / kServers % kClients))
          ->connect(*parse_ipv4(server), be16(80), client_, settings);
      world_.settle();
    }
  }

  void run_until(Duration time) { world_.run_until(Instant(time)); }
  bool all_there(size_t flows) const { return client_.connected == flows && client_.errors == 0; }
  uint64_t timers() { return world_.engine().events(); }
  uint64_t happenings() const { return world_.happenings(); }

 private:
  topology::Topology topology_;
  Idler client_;
  Idler server_;
  uint64_t events_ = 0;
  sim::World world_;
};

void five_days(Trace trace, const char* how) {
  const double start = thread_seconds();
  Flows flows(1, trace);
  const double built = thread_seconds();
  flows.run_until(std::chrono::hours(24 * 5));
  const double end = thread_seconds();
  std::printf("one flow, five days, a probe each minute, %-11s %8.1f ms to build, %8.1f ms to play, %9llu happenings\n",
              how, (built - start) * 1e3, (end - built) * 1e3, static_cast<unsigned long long>(flows.happenings()));
}

void many(size_t count, Trace trace, const char* how) {
  Flows flows(count, trace);
  flows.run_until(kProbeEvery);
  const uint64_t timers = flows.timers();
  const uint64_t happenings = flows.happenings();
  const double start = thread_seconds();
  flows.run_until(10 * kProbeEvery);
  const double took = thread_seconds() - start;
  if (!flows.all_there(count)) {
    std::printf("connections were lost\n");
    std::exit(1);
  }
  std::printf("%zu flows with a probe each minute, %-11s %6.2f M happenings/s, of these %5.2f M timers/s\n", count, how,
              static_cast<double>(flows.happenings() - happenings) / took / 1e6,
              static_cast<double>(flows.timers() - timers) / took / 1e6);
}

double wall_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void say_runs(const char* how, size_t runs, double took) {
  std::printf("a grid of %zu runs of S1.1, %-42s %8.1f ms, %6.0f runs/s\n", runs, how, took * 1e3,
              static_cast<double>(runs) / took);
}

// The floor is the same points played alone: loaded before, and nobody asks what came of them.
void sweep() {
  const auto file = sim::locate_scenario("S1.1");
  const auto sweep =
      file.ok() ? sim::plan_sweep({.file = *file, .vary = {"keepalive=off,60s..630s/30s", "idle=60s..1530s/30s"}})
                : absl::StatusOr<sim::Sweep>(file.status());
  if (!sweep.ok() || sweep->runs() < 1000) {
    std::printf("no sweep: %s\n", std::string(sweep.status().message()).c_str());
    std::exit(1);
  }
  const std::atomic<bool> stop{false};
  const auto played = [&](size_t threads) { return sim::play_sweep(*sweep, threads, stop, [](size_t) {}); };
  const double start = thread_seconds();
  const std::vector<sim::Cell> cells = played(1);
  say_runs("one thread (its CPU time)", cells.size(), thread_seconds() - start);
  std::vector<sim::Scenario> loaded;
  for (const sim::Cell& cell : cells) {
    topology::Findings findings;
    loaded.push_back(*sim::load_scenario(*file, cell.settings, findings));
  }
  const double alone = thread_seconds();
  for (const sim::Scenario& scenario : loaded) {
    if (!sim::play(scenario, 1).ok()) {
      std::exit(1);
    }
  }
  say_runs("floor: loaded before, one thread", loaded.size(), thread_seconds() - alone);
  const double wall = wall_seconds();
  played(std::max(1U, std::thread::hardware_concurrency()));
  say_runs("every core (by the clock on the wall)", cells.size(), wall_seconds() - wall);
}

int run(int argc, char** argv) {
  size_t count = 100'000;
  constexpr const char* kFlows = "--flows=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kFlows, std::strlen(kFlows)) == 0) {
      count = std::strtoul(argv[i] + std::strlen(kFlows), nullptr, 10);
    }
    if (count < 1 || count > kClients * kServers * 25'000 || std::strncmp(argv[i], kFlows, std::strlen(kFlows)) != 0) {
      std::fprintf(stderr, "lapse_bench_sim: %s: takes --flows=N, from 1 to %zu\n", argv[i],
                   kClients * kServers * 25'000);
      return 2;
    }
  }
  five_days(Trace::kOff, "untraced");
  five_days(Trace::kPackets, "traced");
  many(count, Trace::kOff, "untraced");
  many(count, Trace::kPackets, "traced");
  sweep();
  return 0;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) {
  return lapse::bench::run(argc, argv);
}
