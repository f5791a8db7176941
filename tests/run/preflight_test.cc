// Made machines, and everything that the preflight says of each.
#include "control/run/preflight.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/run/machine_tree.h"

namespace lapse::run {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kNics =
    "{ private: { pci: \"0000:3b:00.0\", queues: 2 }, internet: { pci: \"0000:3b:00.1\", queues: 2 } }";
constexpr const char* kCables =
    "{ private: { vdev: \"net_af_packet0,iface=eth0,qpairs=2\" }, internet: { vdev: net_null0 } }";

class PreflightTest : public testing::Test {
 protected:
  // On cores 2 and 3, spinning.
  Preflight checked(const std::string& ports, const std::string& capacity = "65536") {
    return on_cores({2, 3}, ports, capacity);
  }
  Preflight on_cores(std::vector<int> cores, const std::string& ports, const std::string& capacity = "65536") {
    const topology::Topology topology = tree_.topology(ports, capacity);
    const size_t workers = cores.empty() ? 1 : cores.size();
    return check({topology, workers, std::move(cores), true}, tree_.look(topology));
  }
  void two_nics(const std::string& driver) {
    tree_.nic("0000:3b:00.0", driver, "12");
    tree_.nic("0000:3b:00.1", driver, "13");
  }

  MachineTree tree_;
};

TEST_F(PreflightTest, AMachineThatIsReadyPasses) {
  two_nics("vfio-pci");
  tree_.memory(1024, 1024);
  const Preflight result = checked(kNics);
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
  EXPECT_EQ(result.memory, io::EalMemory::kHugePages);
}

// The point of it: one run, every remedy.
TEST_F(PreflightTest, EverythingIsToldAtOnce) {
  tree_.nic("0000:3b:00.0", "i40e", "");
  tree_.write("sys/bus/pci/devices/0000:3b:00.0/net/ens1f0/mtu", "1500\n");
  const Preflight result = on_cores({0, 7}, kNics, "100000000");
  EXPECT_THAT(
      result.errors,
      ElementsAre(
          "cores: there is no core 7; online are 0-3",
          "ports.private: 0000:3b:00.0: the kernel's driver i40e holds it; give it to DPDK (the machine loses ens1f0): "
          "sudo modprobe vfio-pci && sudo dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0",
          "ports.private: 0000:3b:00.0: the IOMMU is off; turn it on in the firmware and with intel_iommu=on iommu=pt "
          "(AMD: iommu=pt) on the kernel's command line, or do without its protection: echo 1 | sudo tee "
          "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
          "ports.internet: there is no PCI device 0000:3b:00.1; the network devices are 0000:3b:00.0 "
          "(dpdk-devbind.py --status-dev net)",
          "huge pages: 128 of 2.0 MiB are needed and 0 are free; sudo sysctl -w vm.nr_hugepages=128",
          AllOf(HasSubstr("memory: capacity 100000000 of natgw takes 11.9 GiB"), HasSubstr("8.0 GiB are available"))));
  EXPECT_THAT(
      result.warnings,
      ElementsAre("ports.private: 0000:3b:00.0 is on NUMA node 1 and core 0 is not; each packet crosses between "
                  "them. Cores of that node: 2-3"));
}

TEST_F(PreflightTest, ADeviceWithoutADriverIsToBeBound) {
  two_nics("");
  tree_.memory(1024, 1024);
  EXPECT_THAT(checked(kNics).errors,
              ElementsAre("ports.private: 0000:3b:00.0: no driver is bound to it; give it to DPDK: sudo modprobe "
                          "vfio-pci && sudo dpdk-devbind.py --bind=vfio-pci 0000:3b:00.0",
                          HasSubstr("--bind=vfio-pci 0000:3b:00.1")));
}

TEST_F(PreflightTest, ADriverThatSharesItsDeviceKeepsIt) {
  two_nics("mlx5_core");
  tree_.memory(1024, 1024);
  EXPECT_THAT(checked(kNics).errors, IsEmpty());
}

TEST_F(PreflightTest, AnythingButANetworkDeviceIsRefused) {
  two_nics("vfio-pci");
  tree_.memory(1024, 1024);
  tree_.write("sys/bus/pci/devices/0000:3b:00.1/class", "0x010802\n");
  EXPECT_THAT(checked(kNics).errors, ElementsAre(HasSubstr("0000:3b:00.1 is no network device (class 010802)")));
}

TEST_F(PreflightTest, AGroupIsGivenAsAWhole) {
  tree_.nic("0000:3b:00.0", "vfio-pci", "12");
  tree_.nic("0000:3b:00.1", "vfio-pci", "12");
  tree_.nic("0000:3b:00.2", "i40e", "12");
  tree_.memory(1024, 1024);
  EXPECT_THAT(checked(kNics).errors, ElementsAre(HasSubstr("hold 0000:3b:00.2 (i40e); bind them to vfio-pci, too"),
                                                 HasSubstr("hold 0000:3b:00.2 (i40e)")));
}

TEST_F(PreflightTest, WithoutAnIommuOnlyWhenTheMachineSaysSo) {
  tree_.nic("0000:3b:00.0", "vfio-pci", "");
  tree_.nic("0000:3b:00.1", "vfio-pci", "");
  tree_.memory(1024, 1024);
  EXPECT_THAT(checked(kNics).errors, ElementsAre(HasSubstr("the IOMMU is off"), HasSubstr("the IOMMU is off")));
  tree_.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  const Preflight allowed = checked(kNics);
  EXPECT_THAT(allowed.errors, IsEmpty());
  EXPECT_THAT(allowed.warnings, ElementsAre(HasSubstr("without an IOMMU"), HasSubstr("without an IOMMU")));
}

TEST_F(PreflightTest, HugePagesThatOthersHoldAreMissing) {
  two_nics("vfio-pci");
  tree_.memory(1000, 100);
  EXPECT_THAT(checked(kNics).errors,
              ElementsAre("huge pages: 128 of 2.0 MiB are needed and 100 are free; sudo sysctl -w "
                          "vm.nr_hugepages=1028"));
}

TEST_F(PreflightTest, AnOrdinaryUserHasNoDeviceOnTheBus) {
  two_nics("vfio-pci");
  tree_.memory(1024, 1024);
  tree_.write("proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n");
  EXPECT_THAT(checked(kNics).errors, ElementsAre(HasSubstr("run lapse as root"), HasSubstr("run lapse as root")));
}

// ---- virtual devices

TEST_F(PreflightTest, VirtualDevicesAskForNeitherHugePagesNorIommu) {
  const Preflight result = checked(kCables);
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.warnings, IsEmpty());
  EXPECT_EQ(result.memory, io::EalMemory::kOrdinary);
  EXPECT_GE(result.memory_mebibytes, 256U);
}

TEST_F(PreflightTest, VirtualDevicesUseHugePagesThatAreThere) {
  tree_.memory(512, 512);
  EXPECT_EQ(checked(kCables).memory, io::EalMemory::kHugePages);
}

TEST_F(PreflightTest, AnInterfaceHasToBeThere) {
  EXPECT_THAT(
      checked("{ private: { vdev: \"net_af_packet0,iface=eth7,qpairs=2\" }, internet: { vdev: net_null0 } }").errors,
      ElementsAre("ports.private: there is no interface eth7; this network namespace has eth0, lo"));
  EXPECT_THAT(checked("{ private: { vdev: net_af_packet0 }, internet: { vdev: net_null0 } }").errors,
              ElementsAre("ports.private: iface is missing in net_af_packet0; add an interface of the kernel: "
                          "net_af_packet0,iface=eth1"));
}

TEST_F(PreflightTest, LinkStateOfAnInterface) {
  tree_.interface("eth0", "0x1002", "");
  EXPECT_THAT(checked(kCables).errors,
              ElementsAre("ports.private: the interface eth0 is down; sudo ip link set eth0 up"));
  tree_.interface("eth0", "0x1003", "0");
  const Preflight unplugged = checked(kCables);
  EXPECT_THAT(unplugged.errors, IsEmpty());
  EXPECT_THAT(unplugged.warnings, ElementsAre("ports.private: nothing answers at the other end of eth0 (no carrier)"));
}

TEST_F(PreflightTest, AnOrdinaryUserHasNoRawSockets) {
  tree_.write("proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n");
  EXPECT_THAT(checked(kCables).errors,
              ElementsAre("ports.private: net_af_packet0 needs raw sockets (CAP_NET_RAW); run lapse as root"));
}

TEST_F(PreflightTest, FewerQueuesThanWorkersAreTold) {
  const Preflight result =
      checked("{ private: { vdev: \"net_af_packet0,iface=eth0\" }, internet: { vdev: net_null0, queues: 1 } }");
  EXPECT_THAT(result.errors, IsEmpty());
  EXPECT_THAT(result.warnings,
              ElementsAre("ports.private: 2 workers and 1 queue: the others get its packets second-hand; add qpairs=2 "
                          "to its vdev, or give fewer cores",
                          "ports.internet: 2 workers and 1 queue: the others get its packets second-hand; say queues: "
                          "2, or give fewer cores"));
  EXPECT_THAT(result.queues_told, ElementsAre("internet", "private"));
}

TEST_F(PreflightTest, ASideThatSpeaksToNobodyIsTold) {
  EXPECT_THAT(checked("{ private: { vdev: net_null0 } }").warnings,
              ElementsAre("links.internet: no device carries it, and natgw.outside is alone on it: what is sent there "
                          "goes nowhere; add it to ports"));
}

// ---- cores

TEST_F(PreflightTest, CoresThatAContainerWithholds) {
  tree_.write("proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-1\n");
  EXPECT_THAT(on_cores({1, 2}, kCables).errors,
              ElementsAre("cores: this process may not use core 2; it may use 0-1 (taskset, or the container's "
                          "cpuset, says so)"));
}

TEST_F(PreflightTest, MoreCoresThanWorkersCanBe) {
  tree_.write("sys/devices/system/cpu/online", "0-31\n");
  tree_.write("proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-31\n");
  std::vector<int> cores;
  for (int core = 1; core <= 17; ++core) {
    cores.push_back(core);
  }
  EXPECT_THAT(on_cores(cores, "{ private: { vdev: net_null0 }, internet: { vdev: net_null1 } }").errors,
              ElementsAre("cores: 17 are more than the 16 workers that an instance can have"));
}

TEST_F(PreflightTest, NothingIsLeftForTheRest) {
  tree_.write("proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t2-3\n");
  EXPECT_THAT(checked(kCables).warnings, ElementsAre(HasSubstr("take every core that this process may use (2-3)")));
}

TEST_F(PreflightTest, HardwareThreadsOfOneCore) {
  tree_.write("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2-3\n");
  tree_.write("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "2-3\n");
  EXPECT_THAT(checked(kCables).warnings, ElementsAre(HasSubstr("2 and 3 are hardware threads of one core")));
}

// ---- memory

TEST_F(PreflightTest, ACapacityBeyondMemoryIsNamed) {
  EXPECT_THAT(checked(kCables, "70000000").errors, ElementsAre(HasSubstr("capacity 70000000 of natgw takes 8.3 GiB")));
  EXPECT_THAT(checked(kCables, "50000000").errors, IsEmpty());
}

TEST_F(PreflightTest, ALargeTableWithoutHugePagesIsTold) {
  EXPECT_THAT(checked(kCables, "10000000").warnings, ElementsAre(HasSubstr("sudo sysctl -w vm.nr_hugepages=611")));
  tree_.memory(2048, 2048);
  EXPECT_THAT(checked(kCables, "10000000").warnings, IsEmpty());
}

TEST(Wishes, ADeviceCarriesWhatItsLinkDoes) {
  topology::Topology topology;
  topology.links = {{.name = "private", .impairments = {.mtu = 9000}}, {.name = "internet"}};
  topology.ports = {{.link = "private"}, {.link = "internet"}};
  const std::vector<io::PortWish> wishes = wishes_of(topology, 2);
  EXPECT_EQ(wishes.at(0).mtu, 9000);
  EXPECT_FALSE(wishes.at(1).mtu);
}

}  // namespace
}  // namespace lapse::run
