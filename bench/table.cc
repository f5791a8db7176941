#include "bench/table.h"

#include <algorithm>
#include <cstdio>

namespace lapse::bench {
namespace {

// Google Benchmark's results of one round, without its own printing.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::fprintf(stderr, "lapse_bench: %s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
        std::exit(1);
      }
      const auto name = run.run_name.function_name;
      nanoseconds[name] = 1e9 / run.counters.at("items_per_second").value;
      iterations[name] = run.iterations;
    }
  }

  std::map<std::string, double> nanoseconds;
  std::map<std::string, benchmark::IterationCount> iterations;
};

// Without a number of iterations for it a row finds out itself how many fill 'seconds'.
Collector run_round(const Rows& rows, double seconds, const std::map<std::string, benchmark::IterationCount>& known) {
  benchmark::ClearRegisteredBenchmarks();
  for (const Row& row : rows) {
    auto* registered = benchmark::RegisterBenchmark(row.name.c_str(), row.run);
    if (const auto iterations = known.find(row.name); iterations != known.end()) {
      registered->Iterations(iterations->second);
    } else {
      registered->MinTime(seconds);
    }
    if (row.timing == Timing::kByRow) {
      registered->UseManualTime();
    }
  }
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  return collector;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median_ratio(const std::vector<double>& values, const std::vector<double>& floor) {
  std::vector<double> ratios;
  for (size_t round = 0; round < values.size(); ++round) {
    ratios.push_back(values[round] / floor[round]);
  }
  return median(ratios);
}

std::string size_name(uint32_t flows) {
  return flows >= 1 << 20 ? std::to_string(flows >> 20) + " Mi" : std::to_string(flows >> 10) + " Ki";
}

void print_versus(const Row& row, const std::vector<double>& values, const Measured& measured) {
  bool first = true;
  for (const std::string& name : row.versus) {
    const auto floor = measured.find(name);
    if (floor == measured.end()) {
      continue;
    }
    if (!first) {
      std::printf("| %5s | %-37s | %8s | %15s | %7s ", "", "", "", "", "");
    }
    std::printf("| %-37s | %5.2f |", name.c_str(), median_ratio(values, floor->second));
    if (first) {
      std::printf(" %5.0f |\n", row.bytes_a_flow);
    } else {
      std::printf(" %5s |\n", "");
    }
    first = false;
  }
  if (first) {
    std::printf("| %-37s | %5s | %5s |\n", "", "", "");
  }
}

}  // namespace

Measured measure(const Rows& rows, const Plan& plan) {
  std::fprintf(stderr, "    %zu rows, warming up", rows.size());
  const auto iterations = run_round(rows, plan.seconds, {}).iterations;
  Measured measured;
  for (int round = 1; round <= plan.rounds; ++round) {
    std::fprintf(stderr, "%s%d of %d", round == 1 ? "; round " : ", ", round, plan.rounds);
    for (const auto& [name, nanoseconds] : run_round(rows, plan.seconds, iterations).nanoseconds) {
      measured[name].push_back(nanoseconds);
    }
  }
  std::fprintf(stderr, "\n");
  return measured;
}

void print_header() {
  std::printf(
      "\n| flows | row                                   | ns       | lowest..highest | M/s     | versus               "
      "   "
      "              | ratio | B a flow |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
}

void print_rows(uint32_t flows, const Rows& rows, const Measured& measured) {
  for (const Row& row : rows) {
    const auto found = measured.find(row.name);
    if (found == measured.end()) {
      continue;
    }
    const std::vector<double>& values = found->second;
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    const double middle = median(values);
    std::printf("| %5s | %-37s | %8.2f | %6.1f..%-7.1f | %7.2f ", size_name(flows).c_str(), row.name.c_str(), middle,
                *lowest, *highest, 1e3 / middle);
    print_versus(row, values, measured);
  }
}

}  // namespace lapse::bench
