// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"unknown key of the file",
     {{"start_at: app", "start_at: app\nlink: {}"}},
     {"t.yaml:3:1: link: unknown key (link); did you mean links? accepted here: name, start_at, links, boxes, hosts, "
      "ports"}},
    {"unknown key of a host",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, adress: 10.0.1.10, address: 10.0.1.10, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:25: hosts.app.adress: unknown key (adress); did you mean address? accepted here: interfaces, names, "
      "sysctls, run, ready, link, address, addresses, gateway, routes, neighbours"}},
    {"unknown key of a box",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeout: { udp: 350s }\n"}},
     {"t.yaml:9:5: boxes.natgw.timeout: unknown key (timeout); did you mean timeouts? accepted here: kind, inside, "
      "outside, timeouts, late_packet, capacity, limits, asymmetric, mtu, mss_clamping, bandwidth, packet_rate, "
      "ConnectivityType, MaxDrainDurationSeconds, AvailabilityMode"}},
    {"unknown timeout",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_establishd: 350s }\n"}},
     {"t.yaml:9:17: boxes.natgw.timeouts.tcp_establishd: unknown key (tcp_establishd); did you mean tcp_established? "
      "accepted here: tcp_syn, tcp_established, tcp_closing, tcp_closed, udp, udp_stream, icmp, other"}},
    {"unknown key of a link",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, colour: red }"}},
     {"t.yaml:4:36: links.private.colour: unknown key (colour); accepted here: subnet, mtu, delay, jitter, loss, "
      "reorder, duplicate, rate"}},
    {"unknown side",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    late_packet: { insde: rst }\n"}},
     {"t.yaml:9:20: boxes.natgw.late_packet.insde: unknown key (insde); did you mean inside? accepted here: inside, "
      "outside"}},
    {"unknown key of ready",
     {{"ready: { tcp: 8080 }", "ready: { tcp: 8080, udp: 1 }"}},
     {"t.yaml:13:108: hosts.api.ready.udp: unknown key (udp); accepted here: tcp"}},
    {"duplicate key",
     {{"    kind: nat-gateway", "    kind: nat-gateway\n    capacity: 10\n    capacity: 11"}},
     {"t.yaml:10:5: boxes.natgw.capacity: given twice; first in line 9"}},
    {"duplicate host",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n  app: { link: private, address: 10.0.1.11, "
       "gateway: 10.0.1.1 }\n"}},
     {"t.yaml:13:3: hosts.app: given twice; first in line 12"}},
    {"list for a map",
     {{"links:\n  private:  { subnet: 10.0.1.0/24 }\n  internet: { subnet: 203.0.113.0/24 }",
       "links: [private, internet]"}},
     {"t.yaml:3:8: links: a map is needed, found a list; accepted is a map: NAME: {subnet: 10.0.1.0/24}"}},
    {"map for text",
     {{"start_at: app", "start_at: { host: app }"}},
     {"t.yaml:2:11: start_at: text is needed, found a map; accepted is the name of a host"}},
    {"text for a map",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }", "  app: here"}},
     {"t.yaml:12:8: hosts.app: a map is needed, found text (here)"}},
    {"nothing for text",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: }\n"}},
     {"t.yaml:12:45: hosts.app.gateway: text is needed, found nothing; accepted is the address of a box or host on the "
      "same link"}},
    {"empty links",
     {{"links:\n  private:  { subnet: 10.0.1.0/24 }\n  internet: { subnet: 203.0.113.0/24 }\n", "links: {}\n"}},
     {"t.yaml:3:1: links: an empty map; accepted is a map: NAME: {subnet: 10.0.1.0/24}"}},
    {"no links",
     {{"links:\n  private:  { subnet: 10.0.1.0/24 }\n  internet: { subnet: 203.0.113.0/24 }\n", ""}},
     {"t.yaml: links is missing (the layer-2 segments by name); accepted is a map: NAME: {subnet: 10.0.1.0/24}"}},
    {"bad name",
     {{"name: lab", "name: My Lab"}},
     {"t.yaml:1:7: name: a name consists of lower-case letters, digits and hyphens between them ('My Lab')"}},
    {"bad host name",
     {{"  api: ", "  API: "}},
     {"t.yaml:13:3: hosts.API: a name consists of lower-case letters, digits and hyphens between them (API)"}},
    {"bad link name",
     {{"  private:  {", "  pri_vate:  {"}},
     {"t.yaml:4:3: links.pri_vate: a name consists of lower-case letters, digits and hyphens between them (pri_vate)",
      "t.yaml:9:22: boxes.natgw.inside.link: no such link (private); did you mean pri_vate? the links are pri_vate, "
      "internet",
      "t.yaml:12:16: hosts.app.link: no such link (private); did you mean pri_vate? the links are pri_vate, internet"}},
    {"scenario",
     {{kGoodFile, "scenario: S3.1\nsteps: []\n"}},
     {"t.yaml:1:1: scenario: this is a scenario, not a topology; lapse sim plays it"}},
    {"instances",
     {{"start_at: app", "start_at: app\ninstances: {}"}},
     {"t.yaml:3:1: instances: not available yet: it belongs to ec2-conntrack, and this version has nat-gateway only"}},
    {"security_groups",
     {{"start_at: app", "start_at: app\nsecurity_groups: {}"}},
     {"t.yaml:3:1: security_groups: not available yet: they belong to ec2-conntrack, and this version has nat-gateway "
      "only"}},
};

INSTANTIATE_TEST_SUITE_P(StructureErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
