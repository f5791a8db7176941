#include "control/run/preflight.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/run/cores.h"
#include "control/story/text.h"
#include "dataplane/ids.h"
#include "dataplane/net/link_stage.h"

namespace lapse::run {
namespace {

using topology::Port;

constexpr uint32_t kNetworkClass = 0x02;
constexpr size_t kMebibyte = size_t{1} << 20;
// What EAL keeps for itself and for the rings of a device, beside the packet buffers.
constexpr size_t kEalBytes = 64 * kMebibyte;
constexpr size_t kDeviceBytes = 16 * kMebibyte;
constexpr size_t kLeastMebibytes = 256;
// From here on the tables' pages are worth a word.
constexpr size_t kLargeTable = 256 * kMebibyte;

// Drivers that give a device to user space, those of the kernel that DPDK works beside, and virtual devices on an
// interface of the kernel.
constexpr std::array<std::string_view, 3> kUserSpaceDrivers{"vfio-pci", "igb_uio", "uio_pci_generic"};
constexpr std::array<std::string_view, 2> kSharedDrivers{"mlx4_core", "mlx5_core"};
struct OnInterface {
  std::string_view prefix;
  std::string_view queues_argument;
};
constexpr std::array<OnInterface, 2> kOnInterface{{{"net_af_packet", "qpairs"}, {"net_af_xdp", "queue_count"}}};

template <size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& known, const std::string& word) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

const OnInterface* on_interface(const Port& port) {
  if (port.kind != Port::Kind::kVirtual) {
    return nullptr;
  }
  const auto found = std::find_if(kOnInterface.begin(), kOnInterface.end(),
                                  [&](const OnInterface& one) { return port.device.starts_with(one.prefix); });
  return found == kOnInterface.end() ? nullptr : &*found;
}

std::string queues_text(size_t count) {
  return absl::StrCat(count, count == 1 ? " queue" : " queues");
}

class Checker {
 public:
  Checker(const Request& request, const Machine& machine) : request_(request), machine_(machine) {}

  Preflight run() {
    check_cores();
    for (const Port& port : request_.topology.ports) {
      if (port.kind == Port::Kind::kPci) {
        check_pci(port);
      } else {
        check_virtual(port);
      }
      check_queues(port);
    }
    check_links();
    plan_memory();
    check_tables();
    return std::move(result_);
  }

 private:
  template <typename... Parts>
  void error(const Parts&... parts) {
    result_.errors.push_back(absl::StrCat(parts...));
  }
  template <typename... Parts>
  void warning(const Parts&... parts) {
    result_.warnings.push_back(absl::StrCat(parts...));
  }
  static std::string at(const Port& port) { return absl::StrCat("ports.", port.link, ": "); }

  // ---- cores

  void check_cores() {
    if (request_.workers > kMaxWorkers) {
      error("cores: ", request_.workers, " are more than the ", kMaxWorkers, " workers that an instance can have");
    }
    for (const int core : request_.cores) {
      check_core(core);
    }
    check_siblings();
    const bool all_taken = std::all_of(machine_.allowed_cores.begin(), machine_.allowed_cores.end(), [&](int core) {
      return std::find(request_.cores.begin(), request_.cores.end(), core) != request_.cores.end();
    });
    if (request_.spins && all_taken && !machine_.allowed_cores.empty()) {
      warning("cores: workers that never sleep take every core that this process may use (",
              cores_text(machine_.allowed_cores), "); leave one out for the rest, or add --adaptive");
    }
  }

  void check_core(int core) {
    const auto has = [core](const std::vector<int>& cores) {
      return std::find(cores.begin(), cores.end(), core) != cores.end();
    };
    if (!machine_.online_cores.empty() && !has(machine_.online_cores)) {
      error("cores: there is no core ", core, "; online are ", cores_text(machine_.online_cores));
    } else if (!machine_.allowed_cores.empty() && !has(machine_.allowed_cores)) {
      error("cores: this process may not use core ", core, "; it may use ", cores_text(machine_.allowed_cores),
            " (taskset, or the container's cpuset, says so)");
    }
  }

  void check_siblings() {
    for (size_t later = 0; later < request_.cores.size(); ++later) {
      const auto known = machine_.siblings.find(request_.cores[later]);
      for (size_t earlier = 0; earlier < later && known != machine_.siblings.end(); ++earlier) {
        if (std::count(known->second.begin(), known->second.end(), request_.cores[earlier]) > 0) {
          warning("cores: ", request_.cores[earlier], " and ", request_.cores[later],
                  " are hardware threads of one core; two workers there are little faster than one");
        }
      }
    }
  }

  // ---- devices on the bus

  void check_pci(const Port& port) {
    const auto found = machine_.pci.find(port.device);
    if (found == machine_.pci.end()) {
      error(at(port), "there is no PCI device ", port.device, "; ",
            machine_.network_devices.empty()
                ? "this machine shows no network device on its PCI bus"
                : absl::StrCat("the network devices are ", absl::StrJoin(machine_.network_devices, ", ")),
            " (dpdk-devbind.py --status-dev net)");
      return;
    }
    const PciDevice& device = found->second;
    if (device.device_class >> 16 != kNetworkClass) {
      error(at(port), port.device, " is no network device (class ", absl::Hex(device.device_class, absl::kZeroPad6),
            "); dpdk-devbind.py --status-dev net lists them");
      return;
    }
    check_driver(port, device);
    check_node(port, port.device, device.node);
  }

  void check_driver(const Port& port, const PciDevice& device) {
    if (is_one_of(kSharedDrivers, device.driver)) {
      for (const std::string& name : device.interfaces) {
        check_link(port, name);
      }
      return;
    }
    const bool bound = is_one_of(kUserSpaceDrivers, device.driver);
    if (!bound) {
      const std::string held = device.driver.empty() ? "no driver is bound to it"
                                                     : absl::StrCat("the kernel's driver ", device.driver, " holds it");
      const std::string interfaces =
          device.interfaces.empty() ? ""
                                    : absl::StrCat(" (the machine loses ", absl::StrJoin(device.interfaces, ", "), ")");
      error(at(port), port.device, ": ", held, "; give it to DPDK", interfaces, ": sudo modprobe vfio-pci && sudo ",
            "dpdk-devbind.py --bind=vfio-pci ", port.device);
    }
    if (!bound || device.driver == "vfio-pci") {
      check_iommu(port, device);
    }
    if (!machine_.may_lock_memory) {
      error(at(port), port.device, ": a device on the PCI bus needs memory that stays in place; run lapse as root");
    }
  }

  void check_iommu(const Port& port, const PciDevice& device) {
    if (device.iommu_group.empty()) {
      if (!machine_.vfio_without_iommu) {
        error(at(port), port.device, ": ", machine_.iommu ? "it is in no IOMMU group" : "the IOMMU is off",
              "; turn it on in the firmware and with intel_iommu=on iommu=pt (AMD: iommu=pt) on the kernel's command ",
              "line, or do without its protection: echo 1 | sudo tee ",
              "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
      } else {
        warning(at(port), port.device, ": without an IOMMU nothing keeps the device from any memory of the machine");
      }
      return;
    }
    if (!device.group_in_use.empty()) {
      error(at(port), port.device, ": IOMMU group ", device.iommu_group,
            " is given to DPDK as a whole, and drivers of ", "the kernel hold ",
            absl::StrJoin(device.group_in_use, ", "), "; bind them to vfio-pci, too");
    }
    if (!device.group_is_ours) {
      error(at(port), port.device, ": /dev/vfio/", device.iommu_group,
            " may not be opened; run lapse as root, or: sudo chown $USER /dev/vfio/", device.iommu_group);
    }
  }

  void check_node(const Port& port, const std::string& device, int node) {
    std::vector<int> far;
    for (const int core : request_.cores) {
      const auto known = machine_.node_of_core.find(core);
      if (node >= 0 && known != machine_.node_of_core.end() && known->second != node) {
        far.push_back(core);
      }
    }
    if (far.empty()) {
      return;
    }
    std::vector<int> near;
    for (const auto& [core, its_node] : machine_.node_of_core) {
      if (its_node == node) {
        near.push_back(core);
      }
    }
    warning(at(port), device, " is on NUMA node ", node, " and core ", cores_text(far),
            " is not; each packet crosses between them. Cores of that node: ", cores_text(near));
  }

  // ---- virtual devices

  void check_virtual(const Port& port) {
    if (on_interface(port) == nullptr) {
      return;
    }
    const std::string name = port.argument("iface");
    if (!machine_.may_use_raw_sockets) {
      error(at(port), port.device_name(), " needs raw sockets (CAP_NET_RAW); run lapse as root");
    }
    if (name.empty()) {
      error(at(port), "iface is missing in ", port.device, "; add an interface of the kernel: ", port.device_name(),
            ",iface=eth1");
      return;
    }
    if (!machine_.interfaces.contains(name)) {
      std::vector<std::string> names;
      for (const auto& [known, interface] : machine_.interfaces) {
        names.push_back(known);
      }
      error(at(port), "there is no interface ", name, "; this network namespace has ", absl::StrJoin(names, ", "));
      return;
    }
    check_link(port, name);
    check_node(port, name, machine_.interfaces.at(name).node);
  }

  void check_link(const Port& port, const std::string& name) {
    const auto interface = machine_.interfaces.find(name);
    if (interface == machine_.interfaces.end()) {
      return;
    }
    if (!interface->second.up) {
      error(at(port), "the interface ", name, " is down; sudo ip link set ", name, " up");
    } else if (!interface->second.carrier) {
      warning(at(port), "nothing answers at the other end of ", name, " (no carrier)");
    }
  }

  // ---- queues, links

  void check_queues(const Port& port) {
    size_t queues = port.queues.value_or(request_.workers);
    std::string remedy = absl::StrCat("say queues: ", request_.workers);
    if (const OnInterface* known = on_interface(port)) {
      size_t pairs = 1;
      if (!absl::SimpleAtoi(port.argument(known->queues_argument), &pairs)) {
        pairs = 1;
      }
      if (pairs < queues) {
        queues = pairs;
        remedy = absl::StrCat("add ", std::string(known->queues_argument), "=", request_.workers, " to its vdev");
      }
    }
    if (queues < request_.workers) {
      result_.queues_told.insert(port.link);
      warning(at(port), request_.workers, " workers and ", queues_text(queues),
              ": the others get its packets second-hand; ", remedy, ", or give fewer cores");
    }
  }

  // A side that is alone on a link without a device speaks to nobody.
  void check_links() {
    std::map<std::string, std::vector<std::string>> sides;
    for (const topology::Box& box : request_.topology.boxes) {
      sides[box.nat_gateway.inside.link].push_back(box.name + ".inside");
      sides[box.nat_gateway.outside.link].push_back(box.name + ".outside");
    }
    for (const auto& [link, names] : sides) {
      if (names.size() == 1 && request_.topology.find_port(link) == nullptr) {
        warning("links.", link, ": no device carries it, and ", names.front(),
                " is alone on it: what is sent there goes nowhere; add it to ports");
      }
    }
  }

  // ---- memory

  void plan_memory() {
    const std::vector<io::PortWish> wishes = wishes_of(request_.topology, request_.workers);
    const bool holds = std::any_of(request_.topology.links.begin(), request_.topology.links.end(),
                                   [](const topology::Link& link) { return link.impairments.holds_packets(); });
    buffers_ = io::plan_pool(wishes, request_.workers, holds ? LinkStage::kCapacity : 0).memory_bytes + kEalBytes +
               wishes.size() * kDeviceBytes;
    result_.memory_mebibytes = std::max((buffers_ + kMebibyte - 1) / kMebibyte, kLeastMebibytes);
    const bool on_bus = std::any_of(request_.topology.ports.begin(), request_.topology.ports.end(),
                                    [](const Port& port) { return port.kind == Port::Kind::kPci; });
    const size_t page = machine_.huge_page_bytes;
    const size_t needed = page == 0 ? 0 : (result_.memory_mebibytes * kMebibyte + page - 1) / page;
    const bool enough = page != 0 && machine_.huge_pages_free >= needed;
    if (enough && (on_bus || machine_.may_lock_memory)) {
      result_.memory = io::EalMemory::kHugePages;
      huge_left_ = (machine_.huge_pages_free - needed) * page;
      return;
    }
    huge_left_ = machine_.huge_pages_free * page;
    if (on_bus && page == 0) {
      error("huge pages: a device on the PCI bus needs them, and this kernel has none (CONFIG_HUGETLBFS)");
    } else if (on_bus) {
      error("huge pages: ", needed, " of ", story::bytes_text(page), " are needed and ", machine_.huge_pages_free,
            " are free; sudo sysctl -w vm.nr_hugepages=", machine_.huge_pages + needed - machine_.huge_pages_free);
    }
  }

  void check_tables() {
    size_t tables = 0;
    std::vector<std::string> parts;
    for (const topology::Box& box : request_.topology.boxes) {
      const size_t bytes = box.nat_gateway.capacity * kBytesAFlow;
      tables += bytes;
      parts.push_back(
          absl::StrCat("capacity ", box.nat_gateway.capacity, " of ", box.name, " takes ", story::bytes_text(bytes)));
    }
    const size_t ordinary = result_.memory == io::EalMemory::kOrdinary ? buffers_ : 0;
    const size_t available = machine_.memory_available + huge_left_;
    if (machine_.memory_available != 0 && tables + ordinary > available) {
      error("memory: ", absl::StrJoin(parts, ", "), ", the packet buffers ", story::bytes_text(buffers_), ", and ",
            story::bytes_text(available), " are available; lower the capacity");
    } else if (tables >= kLargeTable && tables > huge_left_ && machine_.huge_page_bytes != 0) {
      const size_t missing = (tables - huge_left_ + machine_.huge_page_bytes - 1) / machine_.huge_page_bytes;
      warning("memory: ", absl::StrJoin(parts, ", "), ", and there are no huge pages for that: every lookup pays for ",
              "small ones; sudo sysctl -w vm.nr_hugepages=", machine_.huge_pages + missing);
    }
  }

  const Request& request_;
  const Machine& machine_;
  Preflight result_;
  size_t buffers_ = 0;
  size_t huge_left_ = 0;  // for the tables
};

}  // namespace

Preflight check(const Request& request, const Machine& machine) {
  return Checker(request, machine).run();
}

std::vector<io::PortWish> wishes_of(const topology::Topology& topology, size_t workers) {
  std::vector<io::PortWish> wishes;
  for (const Port& port : topology.ports) {
    const topology::Link* link = topology.find_link(port.link);
    const uint16_t link_mtu = link == nullptr ? uint16_t{0} : link->impairments.mtu;
    wishes.push_back({.workers = static_cast<uint16_t>(workers),
                      .queues = port.queues,
                      .receive_descriptors = port.receive_descriptors,
                      .mtu = port.mtu || link_mtu == 0 ? port.mtu : link_mtu});
  }
  return wishes;
}

}  // namespace lapse::run
