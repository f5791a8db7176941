// machine.h - what the machine has that `run` depends on, as /sys and /proc tell it.
//
// Owner:    none; a plain value, read once.
// Memory:   ordinary.
// Time:     none.
// Bytes:    sizes in bytes.
// Cost:     some small files.
// Lifetime: as of the moment of reading.
// Spec:     DPDK Getting Started Guide for Linux, "Linux Drivers", "System Requirements".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/topology/topology.h"

namespace lapse::run {

// A device on the PCI bus.
struct PciDevice {
  uint32_t device_class = 0;  // 0x020000: Ethernet
  std::string driver;         // of the kernel; empty: none is bound
  std::string iommu_group;    // empty: none
  // Devices of its IOMMU group that a driver of the kernel holds, as "0000:3b:00.1 (i40e)"; they have to be given up, too.
  std::vector<std::string> group_in_use;
  bool group_is_ours = true;            // the group's file may be opened
  int node = -1;                        // of memory; -1: not said
  std::vector<std::string> interfaces;  // of the kernel, where its driver is bound
};

// An interface of the kernel.
struct KernelInterface {
  bool up = true;
  bool carrier = true;
  int node = -1;
};

struct Machine {
  std::map<std::string, PciDevice> pci;               // those that the topology names, where they exist
  std::vector<std::string> network_devices;           // every network device on the PCI bus
  std::map<std::string, KernelInterface> interfaces;  // of this network namespace
  bool vfio_loaded = false;
  bool vfio_without_iommu = false;
  bool iommu = false;
  size_t huge_page_bytes = 0;  // 0: the kernel has none
  size_t huge_pages = 0;
  size_t huge_pages_free = 0;
  size_t memory_available = 0;  // 0: not known
  std::vector<int> online_cores;
  std::vector<int> allowed_cores;  // of this process
  std::map<int, int> node_of_core;
  std::map<int, std::vector<int>> siblings;  // hardware threads of one core, itself among them
  bool may_use_raw_sockets = true;           // CAP_NET_RAW
  bool may_lock_memory = true;               // CAP_IPC_LOCK, or root: for huge pages and VFIO
};

// 'root' is "" for this machine; a test's has sys/ and proc/ below it.
Machine look_at_machine(const std::string& root, const topology::Topology& topology);

}  // namespace lapse::run
