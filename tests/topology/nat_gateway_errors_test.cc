// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"no kind",
     {{"    kind: nat-gateway\n", "    capacity: 5\n"}},
     {"t.yaml:7:3: boxes.natgw: kind is missing; accepted is kind: nat-gateway"}},
    {"unknown kind",
     {{"kind: nat-gateway", "kind: nat_gateway"}},
     {"t.yaml:8:11: boxes.natgw.kind: unknown kind (nat_gateway); did you mean nat-gateway? accepted is nat-gateway; "
      "not available yet: network-load-balancer, gateway-load-balancer, vpc-endpoint, ec2-conntrack, firewall"}},
    {"other kind",
     {{"kind: nat-gateway", "kind: vpc-endpoint"}},
     {"t.yaml:8:11: boxes.natgw.kind: not available yet (vpc-endpoint); this version has nat-gateway only"}},
    {"no inside",
     {{"    inside:  { link: private, address: 10.0.1.1 }\n", ""}},
     {"t.yaml:7:3: boxes.natgw: inside is missing (the private side); accepted is an attachment: {link: LINK, address: "
      "ADDRESS}"}},
    {"no outside",
     {{"    outside: { link: internet, addresses: [203.0.113.10] }\n", ""}},
     {"t.yaml:7:3: boxes.natgw: outside is missing (the side whose addresses the far hosts see); accepted is an "
      "attachment with 1 to 8 addresses: {link: LINK, addresses: [203.0.113.10]}"}},
    {"nine addresses outside",
     {{"[203.0.113.10]", "[203.0.113.10-203.0.113.18]"}},
     {"t.yaml:10:44: boxes.natgw.outside.addresses: too many (9); accepted is 1 to 8 addresses outside, the first is "
      "primary"}},
    {"no address outside",
     {{"[203.0.113.10]", "[]"}},
     {"t.yaml:10:43: boxes.natgw.outside.addresses: an empty list; accepted is a list of addresses and ranges like "
      "[10.0.1.10, 10.0.1.20-10.0.1.29]"}},
    {"both sides on one link",
     {{"outside: { link: internet, addresses: [203.0.113.10] }", "outside: { link: private, addresses: [10.0.1.2] }"}},
     {"t.yaml:10:5: boxes.natgw.outside.link: both sides are on one link (private); a NAT gateway stands between two"}},
    {"bare number",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_syn: 60 }\n"}},
     {"t.yaml:9:26: boxes.natgw.timeouts.tcp_syn: a unit is missing (60); accepted is a duration with a unit like "
      "350s, 1m30s or 120ms"}},
    {"unknown unit",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_syn: 60sec }\n"}},
     {"t.yaml:9:26: boxes.natgw.timeouts.tcp_syn: the unit sec is unknown (60sec); accepted is a duration with a unit "
      "like 350s, 1m30s or 120ms"}},
    {"not a duration",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_syn: soon }\n"}},
     {"t.yaml:9:26: boxes.natgw.timeouts.tcp_syn: not a duration (soon); accepted is a duration with a unit like 350s, "
      "1m30s or 120ms"}},
    {"TCP timeout is fixed",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_established: 60s }\n"}},
     {"t.yaml:9:34: boxes.natgw.timeouts.tcp_established: out of range (60s); the provider has fixed it at 350s, and "
      "`limits: off` on the box lifts that"}},
    {"UDP timeout is fixed",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { udp: 351s }\n"}},
     {"t.yaml:9:22: boxes.natgw.timeouts.udp: out of range (351s); the provider has fixed it at 350s, and `limits: "
      "off` on the box lifts that"}},
    {"UDP stream timeout is fixed",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { udp_stream: 120s }\n"}},
     {"t.yaml:9:29: boxes.natgw.timeouts.udp_stream: out of range (120s); the provider has fixed it at 350s, and "
      "`limits: off` on the box lifts that"}},
    {"limits on is the default",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { udp: 30s }\n    limits: on\n"}},
     {"t.yaml:9:22: boxes.natgw.timeouts.udp: out of range (30s); the provider has fixed it at 350s, and `limits: off` "
      "on the box lifts that"}},
    {"too long even with limits off",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { tcp_established: 13d }\n    limits: off\n"}},
     {"t.yaml:9:34: boxes.natgw.timeouts.tcp_established: out of range (13d); accepted is 1ms to 12d in any case"}},
    {"too short",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    timeouts: { icmp: 0s }\n"}},
     {"t.yaml:9:23: boxes.natgw.timeouts.icmp: out of range (0s); accepted is 1ms to 12d in any case"}},
    {"unknown limits",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    limits: none\n"}},
     {"t.yaml:9:13: boxes.natgw.limits: unknown value (none); accepted is on or off"}},
    {"capacity zero",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    capacity: 0\n"}},
     {"t.yaml:9:15: boxes.natgw.capacity: out of range (0); accepted is a whole number, 1 to 100000000"}},
    {"capacity too large",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    capacity: 100000001\n"}},
     {"t.yaml:9:15: boxes.natgw.capacity: out of range (100000001); accepted is a whole number, 1 to 100000000"}},
    {"capacity text",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    capacity: 1e6\n"}},
     {"t.yaml:9:15: boxes.natgw.capacity: not a whole number (1e6); accepted is a whole number, 1 to 100000000"}},
    {"late packet of another version",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    late_packet: new_flow\n"}},
     {"t.yaml:9:18: boxes.natgw.late_packet: not available yet for nat-gateway (new_flow); accepted is one of drop, "
      "rst"}},
    {"late packet of another version on one side",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    late_packet: { inside: rst, outside: leak }\n"}},
     {"t.yaml:9:42: boxes.natgw.late_packet.outside: not available yet for nat-gateway (leak); accepted is one of "
      "drop, rst"}},
    {"unknown late packet",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    late_packet: reset\n"}},
     {"t.yaml:9:18: boxes.natgw.late_packet: unknown behaviour (reset); did you mean rst? accepted is one of drop, "
      "rst; not available yet for nat-gateway: rst_both_on_expiry, fin_on_expiry, new_flow, recreate_same_port, "
      "recreate_new_port, leak, icmp"}},
    {"list of late packets",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    late_packet: [rst]\n"}},
     {"t.yaml:9:18: boxes.natgw.late_packet: a map is needed, found a list; accepted is one of drop, rst, or a map by "
      "side: {inside: rst, outside: drop}"}},
    {"profile",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    profile: aws@2026-10\n"}},
     {"t.yaml:9:5: boxes.natgw.profile: not available yet: the box has the provider's current values"}},
    {"mark_resets",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    mark_resets: true\n"}},
     {"t.yaml:9:5: boxes.natgw.mark_resets: not available yet: the event rst_sent names the resets that a box made"}},
    {"private with an address of the internet",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    ConnectivityType: private\n"}},
     {"t.yaml:11:44: boxes.natgw.outside.addresses: not an address of a private network (203.0.113.10), and the box is "
      "private; accepted is one in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10, or ConnectivityType: "
      "public"}},
    {"no such ConnectivityType",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    ConnectivityType: Public\n"}},
     {"t.yaml:9:23: boxes.natgw.ConnectivityType: unknown value (Public); did you mean public? accepted is public or "
      "private"}},
    {"a regional gateway",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    AvailabilityMode: regional\n"}},
     {"t.yaml:9:23: boxes.natgw.AvailabilityMode: unknown value (regional); accepted is zonal; a regional gateway is "
      "not "
      "available"}},
    {"a drain of no time",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    MaxDrainDurationSeconds: 0\n"}},
     {"t.yaml:9:30: boxes.natgw.MaxDrainDurationSeconds: out of range (0); accepted is a whole number, 1 to 4000"}},
    {"a drain that is too long",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    MaxDrainDurationSeconds: 4001\n"}},
     {"t.yaml:9:30: boxes.natgw.MaxDrainDurationSeconds: out of range (4001); accepted is a whole number, 1 to 4000"}},
    {"an MTU that nobody has",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    mtu: 68\n"}},
     {"t.yaml:9:10: boxes.natgw.mtu: out of range (68); accepted is a whole number, 576 to 9216"}},
    {"a bandwidth without a unit",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    bandwidth: 5\n"}},
     {"t.yaml:9:16: boxes.natgw.bandwidth: a unit is missing (5); accepted is a whole number with a unit like 5gbit, "
      "1kbit to 100gbit"}},
    {"Terraform's idle_timeout",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    idle_timeout: 350\n"}},
     {"t.yaml:9:5: boxes.natgw.idle_timeout: Terraform's spelling; the API's key is tcp.idle_timeout.seconds, of load "
      "balancers: the idle timeout of a NAT gateway has no key in the API, and is timeouts.tcp_established here"}},
    {"Terraform's connectivity_type",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    connectivity_type: public\n"}},
     {"t.yaml:9:5: boxes.natgw.connectivity_type: Terraform's spelling; the API's key is ConnectivityType"}},
    {"Terraform's subnet_id",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    subnet_id: subnet-1\n"}},
     {"t.yaml:9:5: boxes.natgw.subnet_id: Terraform's spelling; the API's key is SubnetId, which is not available yet: "
      "inside.link and outside.link say where a NAT gateway stands"}},
    {"Terraform's allocation_id",
     {{"    kind: nat-gateway\n", "    kind: nat-gateway\n    allocation_id: eipalloc-1\n"}},
     {"t.yaml:9:5: boxes.natgw.allocation_id: Terraform's spelling; the API's key is AllocationId, which is not "
      "available yet"}},
};

INSTANTIATE_TEST_SUITE_P(NatGatewayErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
