// machine_tree.h - a made /sys and /proc, as a machine of a test's choice would show them.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a folder under the system's temporary one.
// Lifetime: the folder is gone with the object.
// Spec:     sysfs(5), proc(5).
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>

#include "gtest/gtest.h"

#include "control/run/machine.h"

namespace lapse::run {

class MachineTree {
 public:
  MachineTree() {
    std::string pattern = std::filesystem::temp_directory_path() / "lapse-machine-XXXXXX";
    root_ = mkdtemp(pattern.data());
    // Two nodes of two cores, no huge pages, root.
    write("sys/devices/system/cpu/online", "0-3\n");
    for (int core = 0; core < 4; ++core) {
      write("sys/devices/system/cpu/cpu" + std::to_string(core) + "/topology/thread_siblings_list",
            std::to_string(core) + "\n");
    }
    write("sys/devices/system/node/node0/cpulist", "0-1\n");
    write("sys/devices/system/node/node1/cpulist", "2-3\n");
    write("proc/self/status", "Name:\tlapse\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n");
    memory(0, 0);
    write("proc/self/net/dev", "Inter-| Receive\n face |bytes\n    lo: 1 2 3\n  eth0: 1 2 3\n");
    interface("eth0", "0x1003", "1");
  }
  ~MachineTree() { std::filesystem::remove_all(root_); }
  MachineTree(const MachineTree&) = delete;
  MachineTree& operator=(const MachineTree&) = delete;

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::filesystem::remove(root_ / path);
    std::filesystem::create_symlink(target, root_ / path);
  }
  void memory(size_t huge_pages, size_t free) {
    write("proc/meminfo",
          "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\nHugePages_Total: " + std::to_string(huge_pages) +
              "\nHugePages_Free: " + std::to_string(free) + "\nHugePages_Rsvd: 0\nHugepagesize:       2048 kB\n");
  }
  void interface(const std::string& name, const std::string& flags, const std::string& carrier) {
    write("sys/class/net/" + name + "/flags", flags + "\n");
    write("sys/class/net/" + name + "/carrier", carrier + "\n");
  }
  // A NIC on node 1 that 'driver' holds, in an IOMMU group unless that is empty.
  void nic(const std::string& address, const std::string& driver, const std::string& group = "12") {
    const std::string device = "sys/bus/pci/devices/" + address;
    write(device + "/class", "0x020000\n");
    write(device + "/numa_node", "1\n");
    if (!driver.empty()) {
      link(device + "/driver", "../../../../bus/pci/drivers/" + driver);
    }
    if (!group.empty()) {
      link(device + "/iommu_group", "../../../../kernel/iommu_groups/" + group);
      write("sys/kernel/iommu_groups/" + group + "/devices/" + address, "");
    }
  }

  // 'ports' is what stands behind `ports:`; the box has 'capacity' flows.
  topology::Topology topology(const std::string& ports, const std::string& capacity = "65536") const {
    topology::Findings findings;
    auto topology = topology::load_text(
        "links: { private: { subnet: 10.0.1.0/24 }, internet: { subnet: 10.0.2.0/24 } }\n"
        "boxes:\n"
        "  natgw:\n"
        "    kind: nat-gateway\n"
        "    inside: { link: private, address: 10.0.1.1 }\n"
        "    outside: { link: internet, address: 10.0.2.1 }\n"
        "    capacity: " +
            capacity +
            "\n"
            "ports: " +
            ports + "\n",
        "t.yaml", findings);
    EXPECT_TRUE(topology.has_value()) << testing::PrintToString(findings.errors);
    return topology.value_or(topology::Topology{});
  }
  Machine look(const topology::Topology& topology) const { return look_at_machine(root_.string(), topology); }

 private:
  std::filesystem::path root_;
};

}  // namespace lapse::run
