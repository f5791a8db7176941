#include "control/run/machine.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "control/run/cores.h"

namespace lapse::run {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kNetworkClass = 0x02;  // the first of its three bytes
constexpr int kNetRaw = 13;               // capabilities(7)
constexpr int kIpcLock = 14;
constexpr unsigned kInterfaceUp = 0x1;  // IFF_UP
constexpr size_t kKibibyte = 1024;

// The file's text without the end of its last line; empty when it cannot be read.
std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return std::string(absl::StripTrailingAsciiWhitespace(text.str()));
}

std::optional<uint64_t> number_of(const fs::path& path, int base = 10) {
  std::string text = text_of(path);
  const char* begin = text.c_str() + (absl::StartsWith(text, "0x") ? 2 : 0);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(begin, text.c_str() + text.size(), value, base);
  return error == std::errc() && end != begin ? std::optional(value) : std::nullopt;
}

int node_of(const fs::path& path) {
  int node = -1;
  return absl::SimpleAtoi(text_of(path), &node) ? node : -1;
}

std::string target_name(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? "" : target.filename().string();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "KEY:   123 kB" of /proc/meminfo, in bytes.
std::map<std::string, size_t> memory_of(const fs::path& root) {
  std::map<std::string, size_t> values;
  std::istringstream lines(text_of(root / "proc/meminfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    uint64_t value = 0;
    if (words.size() >= 2 && absl::SimpleAtoi(words[1], &value)) {
      values[words[0]] = words.size() > 2 ? value * kKibibyte : value;
    }
  }
  return values;
}

std::map<std::string, std::string> process_status(const fs::path& root) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text_of(root / "proc/self/status"));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon != std::string::npos) {
      values[line.substr(0, colon)] = std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    }
  }
  return values;
}

class Reader {
 public:
  Reader(const std::string& root, const topology::Topology& topology)
      : root_(root.empty() ? "/" : root), topology_(topology) {}

  Machine read() {
    read_bus();
    read_interfaces();
    read_memory();
    read_process();
    read_cores();
    return std::move(machine_);
  }

 private:
  fs::path bus() const { return root_ / "sys/bus/pci/devices"; }

  void read_bus() {
    for (const std::string& address : names_in(bus())) {
      const auto device_class = number_of(bus() / address / "class", 16).value_or(0);
      if (device_class >> 16 == kNetworkClass) {
        machine_.network_devices.push_back(address);
      }
    }
    for (const topology::Port& port : topology_.ports) {
      std::error_code error;
      if (port.kind == topology::Port::Kind::kPci && fs::exists(bus() / port.device, error)) {
        machine_.pci[port.device] = read_device(port.device);
      }
    }
    machine_.vfio_loaded = !names_in(root_ / "sys/bus/pci/drivers/vfio-pci").empty();
    machine_.vfio_without_iommu = text_of(root_ / "sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y";
    machine_.iommu = !names_in(root_ / "sys/kernel/iommu_groups").empty();
  }

  PciDevice read_device(const std::string& address) const {
    const fs::path folder = bus() / address;
    PciDevice device;
    device.device_class = static_cast<uint32_t>(number_of(folder / "class", 16).value_or(0));
    device.driver = target_name(folder / "driver");
    device.iommu_group = target_name(folder / "iommu_group");
    device.node = node_of(folder / "numa_node");
    device.interfaces = names_in(folder / "net");
    if (device.iommu_group.empty()) {
      return device;
    }
    const fs::path members = root_ / "sys/kernel/iommu_groups" / device.iommu_group / "devices";
    for (const std::string& member : names_in(members)) {
      const std::string driver = target_name(bus() / member / "driver");
      if (member != address && !driver.empty() && driver != "vfio-pci" && driver != "pcieport") {
        device.group_in_use.push_back(absl::StrCat(member, " (", driver, ")"));
      }
    }
    const fs::path file = root_ / "dev/vfio" / device.iommu_group;
    std::error_code error;
    device.group_is_ours = !fs::exists(file, error) || access(file.c_str(), R_OK | W_OK) == 0;
    return device;
  }

  // /proc/net belongs to the process's network namespace; /sys may have been mounted in another one.
  void read_interfaces() {
    std::istringstream lines(text_of(root_ / "proc/self/net/dev"));
    for (std::string line; std::getline(lines, line);) {
      const size_t colon = line.find(':');
      if (colon == std::string::npos) {
        continue;
      }
      const std::string name(absl::StripAsciiWhitespace(line.substr(0, colon)));
      const fs::path folder = root_ / "sys/class/net" / name;
      KernelInterface interface;
      if (const auto flags = number_of(folder / "flags", 16)) {
        interface.up = (*flags & kInterfaceUp) != 0;
      }
      interface.carrier = !interface.up || text_of(folder / "carrier") != "0";
      interface.node = node_of(folder / "device/numa_node");
      machine_.interfaces[name] = interface;
    }
  }

  void read_memory() {
    auto memory = memory_of(root_);
    machine_.memory_available = memory["MemAvailable"];
    machine_.huge_page_bytes = memory["Hugepagesize"];
    const size_t reserved = std::min(memory["HugePages_Rsvd"], memory["HugePages_Free"]);
    machine_.huge_pages = memory["HugePages_Total"];
    machine_.huge_pages_free = memory["HugePages_Free"] - reserved;
  }

  void read_process() {
    auto status = process_status(root_);
    machine_.allowed_cores = parse_cores(status["Cpus_allowed_list"]).value_or(std::vector<int>{});
    const std::string& capabilities = status["CapEff"];
    uint64_t set = 0;
    const auto [end, error] = std::from_chars(capabilities.data(), capabilities.data() + capabilities.size(), set, 16);
    if (error == std::errc() && end != capabilities.data()) {
      machine_.may_use_raw_sockets = (set >> kNetRaw & 1) != 0;
      machine_.may_lock_memory = (set >> kIpcLock & 1) != 0;
    }
  }

  void read_cores() {
    const fs::path cores = root_ / "sys/devices/system/cpu";
    machine_.online_cores = parse_cores(text_of(cores / "online")).value_or(std::vector<int>{});
    for (const int core : machine_.online_cores) {
      const fs::path siblings = cores / absl::StrCat("cpu", core) / "topology/thread_siblings_list";
      machine_.siblings[core] = parse_cores(text_of(siblings)).value_or(std::vector<int>{});
    }
    const fs::path nodes = root_ / "sys/devices/system/node";
    for (const std::string& name : names_in(nodes)) {
      int node = 0;
      if (!absl::StartsWith(name, "node") || !absl::SimpleAtoi(name.substr(4), &node)) {
        continue;
      }
      for (const int core : parse_cores(text_of(nodes / name / "cpulist")).value_or(std::vector<int>{})) {
        machine_.node_of_core[core] = node;
      }
    }
  }

  const fs::path root_;
  const topology::Topology& topology_;
  Machine machine_;
};

}  // namespace

Machine look_at_machine(const std::string& root, const topology::Topology& topology) {
  return Reader(root, topology).read();
}

}  // namespace lapse::run
