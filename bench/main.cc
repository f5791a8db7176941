// lapse_bench [--quick] [--flows=N[,N]] [--benchmark_...]: see README.md beside this file.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <sched.h>

#include "bench/floors.h"
#include "bench/flow_sets.h"
#include "bench/rows.h"
#include "bench/table.h"

namespace lapse::bench {
namespace {

struct Measurements {
  uint32_t flows;
  Rows rows;
  Measured measured;
};

// Everything of one size is made, measured and given back before the next.
void measure_size(uint32_t flows, const Plan& plan, std::vector<Measurements>& all) {
  std::fprintf(stderr, "%u flows\n", flows);
  std::fprintf(stderr, "    filling the table and rte_hash\n");
  Floors floors(flows);
  {
    FilledTable filled(flows);
    Rows rows;
    add_table_floors(rows, floors);
    add_table_rows(rows, filled);
    all.push_back({flows, rows, measure(rows, plan)});
  }
  std::fprintf(stderr, "    opening the flows of the NAT gateway\n");
  FilledNat nat(flows);
  Rows rows;
  add_pipeline_floors(rows, floors, nat);
  add_pipeline_rows(rows, nat);
  all.push_back({flows, rows, measure(rows, plan)});
}

std::vector<uint32_t> parse_flow_counts(std::string_view text) {
  std::vector<uint32_t> counts;
  const char* at = text.data();
  for (;;) {
    char* end = nullptr;
    const unsigned long count = std::strtoul(at, &end, 10);
    if (end == at || count < 1024 || count > (1u << 24) || count % kBurst != 0) {
      std::fprintf(stderr,
                   "lapse_bench: --flows=%s: numbers from 1024 to 16777216, multiples of %zu, as 65536,1048576\n",
                   text.data(), kBurst);
      std::exit(2);
    }
    counts.push_back(static_cast<uint32_t>(count));
    if (*end == '\0') {
      return counts;
    }
    at = end + (*end == ',' ? 1 : 0);
  }
}

// So that a cache that is warm stays warm.
void stay_on_this_core() {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &here);
  sched_setaffinity(0, sizeof(here), &here);
}

int run(int argc, char** argv) {
  Plan plan{.flow_counts = {1 << 16, 1 << 20, 1 << 23}, .rounds = 7, .seconds = 0.3};
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view kFlows = "--flows=";
    if (argument == "--quick") {
      plan.rounds = 5;
      plan.seconds = 0.06;
    } else if (argument.starts_with(kFlows)) {
      plan.flow_counts = parse_flow_counts(argument.substr(kFlows.size()));
    } else {
      std::fprintf(stderr, "lapse_bench: %s: takes --quick, --flows=N[,N] and the options of Google Benchmark\n",
                   argv[i]);
      return 2;
    }
  }
  start_dpdk();
  stay_on_this_core();
  std::vector<Measurements> all;
  for (const uint32_t flows : plan.flow_counts) {
    measure_size(flows, plan, all);
  }
  print_header();
  for (const Measurements& one : all) {
    print_rows(one.flows, one.rows, one.measured);
  }
  return 0;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) {
  return lapse::bench::run(argc, argv);
}
