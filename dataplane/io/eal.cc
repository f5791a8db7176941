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

std::vector<std::string> arguments_of(const EalOptions& options) {
  std::vector<std::string> arguments{"lapse",          "--no-shconf", "--no-telemetry",
                                     lcore_argument(), "-m",          absl::StrCat(options.memory_mebibytes)};
  // Huge pages are mapped without a file system for them, which nobody may have mounted.
  arguments.emplace_back(options.memory == EalMemory::kHugePages ? "--in-memory" : "--no-huge");
  bool on_bus = false;
  for (const std::string& device : options.devices) {
    on_bus = on_bus || is_pci_device(device);
    arguments.push_back(absl::StrCat(is_pci_device(device) ? "--allow=" : "--vdev=", device));
  }
  if (!on_bus) {
    arguments.emplace_back("--no-pci");
  }
  return arguments;
}

}  // namespace

bool is_pci_device(const std::string& device) {
  return device.substr(0, device.find(',')).find(':') != std::string::npos;
}

absl::Status start_eal(const EalOptions& options) {
  if (!options.verbose) {
    static FILE* const nowhere = std::fopen("/dev/null", "w");
    rte_openlog_stream(nowhere);
  }
  setenv("RUNTIME_DIRECTORY", options.runtime_directory.c_str(), 1);
  std::vector<std::string> arguments = arguments_of(options);
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
