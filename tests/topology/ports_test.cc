// `ports`: what is wrong with them, word for word, and what comes of those that are right.
#include <cstdio>
#include <fstream>
#include <memory>

#include <unistd.h>

#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kHosts = "hosts:\n";
constexpr std::string_view kAccepted =
    "; accepted is a driver's name, a number and arguments without spaces, like \"net_af_packet0,iface=eth1\"";

// A row whose file has these ports, from line 11 on.
ErrorRow row(std::string what, const std::string& ports, std::vector<std::string> errors) {
  // The rows outlive this call, and hold views.
  static std::vector<std::unique_ptr<std::string>> kept;
  kept.push_back(std::make_unique<std::string>("ports:\n" + ports + "\nhosts:\n"));
  return {std::move(what), {{kHosts, *kept.back()}}, std::move(errors)};
}

const std::vector<ErrorRow> kRows{
    row("unknown link", "  privat: { pci: \"0000:3b:00.0\" }",
        {"t.yaml:12:3: ports.privat: no such link (privat); did you mean private? the links are private, internet"}),
    row("neither device", "  private: { queues: 2 }",
        {"t.yaml:12:3: ports.private: the device is missing; accepted is pci: \"0000:3b:00.0\" or vdev: "
         "\"net_af_packet0,iface=eth1\""}),
    row("both devices", "  private: { pci: \"0000:3b:00.0\", vdev: net_null0 }",
        {"t.yaml:12:41: ports.private.vdev: stands beside pci; accepted is one of the two, because a link has one "
         "device"}),
    row("not a PCI address", "  private: { pci: \"3b:00\" }",
        {"t.yaml:12:19: ports.private.pci: not a PCI address (3b:00); accepted is an address like \"0000:3b:00.0\""}),
    row("slot above 1f", "  private: { pci: \"0000:3b:20.0\" }",
        {"t.yaml:12:19: ports.private.pci: not a PCI address (0000:3b:20.0); accepted is an address like "
         "\"0000:3b:00.0\""}),
    row("function above 7", "  private: { pci: \"0000:3b:00.8\" }",
        {"t.yaml:12:19: ports.private.pci: not a PCI address (0000:3b:00.8); accepted is an address like "
         "\"0000:3b:00.0\""}),
    row("interface for a virtual device", "  private: { vdev: eth1 }",
        {"t.yaml:12:20: ports.private.vdev: not a virtual network device of DPDK (eth1)" + std::string(kAccepted)}),
    row("space in a virtual device", "  private: { vdev: \"net_null0, size=64\" }",
        {"t.yaml:12:20: ports.private.vdev: not a virtual network device of DPDK ('net_null0, size=64')" +
         std::string(kAccepted)}),
    row("no queues", "  private: { vdev: net_null0, queues: 0 }",
        {"t.yaml:12:39: ports.private.queues: out of range (0); accepted is a whole number, 1 to 16"}),
    row("too many queues", "  private: { vdev: net_null0, queues: 17 }",
        {"t.yaml:12:39: ports.private.queues: out of range (17); accepted is a whole number, 1 to 16"}),
    row("too few descriptors", "  private: { vdev: net_null0, rx_desc: 7 }",
        {"t.yaml:12:40: ports.private.rx_desc: out of range (7); accepted is a whole number, 8 to 32768"}),
    row("too large an mtu", "  private: { vdev: net_null0, mtu: 9601 }",
        {"t.yaml:12:36: ports.private.mtu: out of range (9601); accepted is a whole number, 576 to 9600"}),
    row("too small an mtu", "  private: { vdev: net_null0, mtu: 575 }",
        {"t.yaml:12:36: ports.private.mtu: out of range (575); accepted is a whole number, 576 to 9600"}),
    row("vlan", "  private: { vdev: net_null0, vlan: 100 }",
        {"t.yaml:12:31: ports.private.vlan: not available yet: frames are sent and expected without a VLAN tag"}),
    row("unknown key", "  private: { vdev: net_null0, queue: 1 }",
        {"t.yaml:12:31: ports.private.queue: unknown key (queue); did you mean queues? accepted here: pci, vdev, "
         "queues, rx_desc, mtu"}),
    row("one device twice", "  private: { pci: \"0000:3B:00.0\" }\n  internet: { pci: \"3b:00.0\" }",
        {"t.yaml:13:20: ports.internet.pci: the device is taken (0000:3b:00.0): the link private has it, line 12"}),
    row("one virtual device twice",
        "  private: { vdev: \"net_af_packet0,iface=a\" }\n  internet: { vdev: \"net_af_packet0,iface=b\" }",
        {"t.yaml:13:21: ports.internet.vdev: the device is taken (net_af_packet0): the link private has it, line 12"}),
    row("one interface twice",
        "  private: { vdev: \"net_af_packet0,iface=a\" }\n  internet: { vdev: \"net_af_packet1,iface=a\" }",
        {"t.yaml:13:21: ports.internet.vdev: the interface is taken (a): the link private has it, line 12"}),
    row("text for a port", "  private: eth1", {"t.yaml:12:12: ports.private: a map is needed, found text (eth1)"}),
};

INSTANTIATE_TEST_SUITE_P(PortErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

// Without hosts: what stands on the links is outside of the file.
constexpr const char* kBench = R"(links:
  private:  { subnet: 10.0.1.0/24 }
  internet: { subnet: 203.0.113.0/24 }
boxes:
  natgw:
    kind: nat-gateway
    inside:
      link: private
      address: 10.0.1.1
      neighbours: { 10.0.1.10: "02:00:00:00:00:10" }
      routes: [{ to: 10.9.0.0/16, via: 10.0.1.254 }]
    outside: { link: internet, address: 203.0.113.10, gateway: 203.0.113.1 }
ports:
  private:  { pci: "0000:3B:00.1", queues: 4, rx_desc: 1024, mtu: 9000 }
  internet: { vdev: "net_af_packet0,iface=eth1,qpairs=2" }
)";

TEST(Ports, AreReadAsWritten) {
  Findings findings;
  const auto topology = load_text(kBench, "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_THAT(findings.warnings, IsEmpty());
  ASSERT_EQ(topology->ports.size(), 2U);
  const Port& nic = *topology->find_port("private");
  EXPECT_EQ(nic.kind, Port::Kind::kPci);
  EXPECT_EQ(nic.device, "0000:3b:00.1");
  EXPECT_EQ(nic.queues, 4);
  EXPECT_EQ(nic.receive_descriptors, 1024);
  EXPECT_EQ(nic.mtu, 9000);
  const Port& cable = *topology->find_port("internet");
  EXPECT_EQ(cable.kind, Port::Kind::kVirtual);
  EXPECT_EQ(cable.device_name(), "net_af_packet0");
  EXPECT_EQ(cable.argument("iface"), "eth1");
  EXPECT_EQ(cable.argument("qpairs"), "2");
  EXPECT_EQ(cable.argument("qdisc_bypass"), "");
  EXPECT_FALSE(cable.queues || cable.receive_descriptors || cable.mtu);
  EXPECT_EQ(topology->find_port("elsewhere"), nullptr);
}

TEST(Ports, HostsMayBeLeftOutAndNextHopsNeedNotBeInTheFile) {
  Findings findings;
  const auto topology = load_text(kBench, "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_THAT(topology->hosts, IsEmpty());
  const NatGatewayBox& nat = topology->find_box("natgw")->nat_gateway;
  EXPECT_EQ(to_string(*nat.outside.gateway), "203.0.113.1");
  // A generator that answers no ARP.
  EXPECT_EQ(to_string(nat.inside.neighbours.begin()->second), "02:00:00:00:00:10");
}

TEST(Ports, TheMtuOfALinkIsThatOfItsDevice) {
  Findings findings;
  std::string text(kBench);
  const std::string link = "private:  { subnet: 10.0.1.0/24";
  ASSERT_NE(text.find(link), std::string::npos);
  text.replace(text.find(link), link.size(), link + ", mtu: 1500");
  EXPECT_FALSE(load_text(text, "t.yaml", findings));
  EXPECT_THAT(
      findings.errors,
      ElementsAre(testing::HasSubstr("ports.private.mtu: differs (9000) from the link's, which is 1500 (line ")));
}

TEST(Ports, SettingsReachThem) {
  Findings findings;
  const std::string file = testing::TempDir() + "ports_test-" + std::to_string(getpid()) + ".yaml";
  std::ofstream(file) << kBench;
  const auto topology = load_with(file, {"ports.private.queues=2", "ports.internet.mtu=1400"}, findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_EQ(topology->find_port("private")->queues, 2);
  EXPECT_EQ(topology->find_port("internet")->mtu, 1400);
  EXPECT_FALSE(load_with(file, {"ports.private.queues=many"}, findings));
  EXPECT_THAT(findings.errors, ElementsAre(testing::HasSubstr("ports.private.queues: not a whole number (many)")));
  std::remove(file.c_str());
}

}  // namespace
}  // namespace lapse::topology
