#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/run/machine_tree.h"

namespace lapse::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kNic = "{ private: { pci: \"0000:3b:00.0\" } }";

TEST(Machine, CoresNodesAndWhatThisProcessMayUse) {
  MachineTree tree;
  tree.write("proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t1-2\n");
  tree.write("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3\n");
  const Machine machine = tree.look(tree.topology("{}"));
  EXPECT_THAT(machine.online_cores, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(machine.allowed_cores, ElementsAre(1, 2));
  EXPECT_EQ(machine.node_of_core.at(1), 0);
  EXPECT_EQ(machine.node_of_core.at(2), 1);
  EXPECT_THAT(machine.siblings.at(1), ElementsAre(1, 3));
  EXPECT_FALSE(machine.may_use_raw_sockets);
  EXPECT_FALSE(machine.may_lock_memory);
}

TEST(Machine, Memory) {
  MachineTree tree;
  tree.memory(600, 512);
  const Machine machine = tree.look(tree.topology("{}"));
  EXPECT_EQ(machine.memory_available, size_t{8} << 30);
  EXPECT_EQ(machine.huge_page_bytes, size_t{2} << 20);
  EXPECT_EQ(machine.huge_pages, 600U);
  EXPECT_EQ(machine.huge_pages_free, 512U);
}

TEST(Machine, ReservedHugePagesAreNotFree) {
  MachineTree tree;
  tree.write("proc/meminfo", "HugePages_Free: 10\nHugePages_Rsvd: 4\nHugepagesize: 2048 kB\n");
  EXPECT_EQ(tree.look(tree.topology("{}")).huge_pages_free, 6U);
}

TEST(Machine, DeviceOnTheBus) {
  MachineTree tree;
  tree.nic("0000:3b:00.0", "i40e");
  tree.nic("0000:3b:00.1", "i40e");
  tree.nic("0000:af:00.0", "", "");
  tree.write("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n");
  tree.write("sys/bus/pci/devices/0000:3b:00.0/net/ens1f0/mtu", "1500\n");
  const Machine machine = tree.look(tree.topology(kNic));
  EXPECT_THAT(machine.network_devices, ElementsAre("0000:3b:00.0", "0000:3b:00.1", "0000:af:00.0"));
  ASSERT_EQ(machine.pci.size(), 1U);
  const PciDevice& device = machine.pci.at("0000:3b:00.0");
  EXPECT_EQ(device.device_class, 0x020000U);
  EXPECT_EQ(device.driver, "i40e");
  EXPECT_EQ(device.iommu_group, "12");
  EXPECT_EQ(device.node, 1);
  EXPECT_THAT(device.interfaces, ElementsAre("ens1f0"));
  EXPECT_THAT(device.group_in_use, ElementsAre("0000:3b:00.1 (i40e)"));
  EXPECT_TRUE(machine.iommu);
  EXPECT_FALSE(machine.vfio_loaded);
}

TEST(Machine, BridgesAndOursDoNotHoldAGroup) {
  MachineTree tree;
  tree.nic("0000:3b:00.0", "vfio-pci");
  tree.nic("0000:3b:00.1", "vfio-pci");
  tree.nic("0000:3a:00.0", "pcieport");
  tree.nic("0000:3b:00.2", "");
  EXPECT_THAT(tree.look(tree.topology(kNic)).pci.at("0000:3b:00.0").group_in_use, IsEmpty());
}

TEST(Machine, InterfacesOfTheNamespace) {
  MachineTree tree;
  tree.write("proc/self/net/dev", "Inter-|\n face |\n    lo: 0\n  eth0: 0\n  eth1: 0\n veth2: 0\n");
  tree.interface("eth0", "0x1003", "1");
  tree.interface("eth1", "0x1002", "");
  tree.interface("eth9", "0x1003", "1");  // of another namespace, whose /sys this is
  tree.write("sys/class/net/eth0/device/numa_node", "1\n");
  const Machine machine = tree.look(tree.topology("{}"));
  std::vector<std::string> names;
  for (const auto& [name, interface] : machine.interfaces) {
    names.push_back(name);
  }
  EXPECT_THAT(names, UnorderedElementsAre("lo", "eth0", "eth1", "veth2"));
  EXPECT_TRUE(machine.interfaces.at("eth0").up && machine.interfaces.at("eth0").carrier);
  EXPECT_EQ(machine.interfaces.at("eth0").node, 1);
  EXPECT_FALSE(machine.interfaces.at("eth1").up);
}

// What cannot be read is not known, and nothing is made up from it.
TEST(Machine, AnEmptyTreeIsNoError) {
  const MachineTree tree;
  const Machine machine = look_at_machine("/nonexistent", tree.topology(kNic));
  EXPECT_THAT(machine.pci, IsEmpty());
  EXPECT_THAT(machine.online_cores, IsEmpty());
  EXPECT_EQ(machine.memory_available, 0U);
  EXPECT_TRUE(machine.may_use_raw_sockets);
}

TEST(Machine, ThisOneHasCoresAndMemory) {
  const MachineTree tree;
  const Machine machine = look_at_machine("", tree.topology("{}"));
  EXPECT_FALSE(machine.online_cores.empty());
  EXPECT_FALSE(machine.allowed_cores.empty());
  EXPECT_GT(machine.memory_available, 0U);
  EXPECT_TRUE(machine.interfaces.contains("lo"));
}

}  // namespace
}  // namespace lapse::run
