#include "dataplane/io/eal.h"

#include <cstdio>
#include <cstdlib>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>

#include "absl/strings/str_cat.h"

namespace lapse::io {
namespace {

// One floating lcore: workers are threads of our own, which register with EAL.
std::string lcore_argument() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::string cpus;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) {
        absl::StrAppend(&cpus, cpus.empty() ? "" : ",", cpu);
      }
    }
  }
  return cpus.empty() ? "--lcores=0" : absl::StrCat("--lcores=0@(", cpus, ")");
}

}  // namespace

absl::Status start_eal(const EalOptions& options) {
  if (!options.verbose) {
    static FILE* const nowhere = std::fopen("/dev/null", "w");
    rte_openlog_stream(nowhere);
  }
  setenv("RUNTIME_DIRECTORY", options.runtime_directory.c_str(), 1);
  std::vector<std::string> arguments{
      "lapse",          "--no-huge",      "--no-pci", "--no-shconf",
      "--no-telemetry", lcore_argument(), "-m",       absl::StrCat(options.memory_mebibytes)};
  for (const std::string& device : options.devices) {
    arguments.push_back(absl::StrCat("--vdev=", device));
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  cpu_set_t affinity;
  sched_getaffinity(0, sizeof(affinity), &affinity);
  const int result = rte_eal_init(static_cast<int>(argv.size()), argv.data());
  sched_setaffinity(0, sizeof(affinity), &affinity);
  if (result < 0) {
    return absl::UnavailableError(absl::StrCat("DPDK did not start: ", std::string(rte_strerror(rte_errno)),
                                               "; run again with -v to see its log"));
  }
  return absl::OkStatus();
}

void stop_eal() {
  rte_eal_cleanup();
}

}  // namespace lapse::io
