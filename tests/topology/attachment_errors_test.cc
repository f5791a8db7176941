// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"no such link",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: privat, address: 10.0.1.10, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:16: hosts.app.link: no such link (privat); did you mean private? the links are private, internet"}},
    {"outside its subnet",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.2.10, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:34: hosts.app.address: outside of the link's subnet (10.0.2.10); accepted is an address of "
      "10.0.1.0/24, the subnet of private"}},
    {"network address",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.0, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:34: hosts.app.address: the address of the network itself (10.0.1.0); accepted is an address of "
      "10.0.1.0/24, the subnet of private"}},
    {"broadcast",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.255, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:34: hosts.app.address: the broadcast address (10.0.1.255); accepted is an address of 10.0.1.0/24, the "
      "subnet of private"}},
    {"not an address",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.256, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:34: hosts.app.address: not an IPv4 address (10.0.1.256); accepted is an IPv4 address like 10.0.1.10"}},
    {"a prefix",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10/24, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:34: hosts.app.address: a prefix where an address belongs; the length is the link's (10.0.1.10/24); "
      "accepted is an IPv4 address like 10.0.1.10"}},
    {"duplicate address",
     {{"203.0.113.80", "203.0.113.10"}},
     {"t.yaml:13:35: hosts.api.address: the address is taken (203.0.113.10): natgw.outside has it, line 10"}},
    {"twice in one list",
     {{"[203.0.113.10]", "[203.0.113.10-203.0.113.12, 203.0.113.11]"}},
     {"t.yaml:10:71: boxes.natgw.outside.addresses: the address is taken (203.0.113.11): natgw.outside has it, line "
      "10"}},
    {"range backwards",
     {{"[203.0.113.10]", "[203.0.113.12-203.0.113.10]"}},
     {"t.yaml:10:44: boxes.natgw.outside.addresses: a range from high to low (203.0.113.12-203.0.113.10); accepted is "
      "a list of addresses and ranges like [10.0.1.10, 10.0.1.20-10.0.1.29]"}},
    {"no address",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:3: hosts.app: address is missing; accepted is address: 10.0.1.10, or addresses: [...]"}},
    {"no link",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { address: 10.0.1.10, gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:3: hosts.app: link is missing; accepted is the name of a link"}},
    {"address and addresses differ",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, addresses: [10.0.1.11], gateway: 10.0.1.1 }\n"}},
     {"t.yaml:12:57: hosts.app.addresses: said twice with different values (address is 10.0.1.10); accepted is one of "
      "address and addresses"}},
    {"gateway outside subnet",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.2.1 }\n"}},
     {"t.yaml:12:54: hosts.app.gateway: outside of the link's subnet (10.0.2.1), 10.0.1.0/24 of private; accepted is "
      "one of 10.0.1.1 (natgw.inside)"}},
    {"gateway is nobody",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.2 }\n"}},
     {"t.yaml:12:54: hosts.app.gateway: no box or host on private has this address (10.0.1.2); accepted is one of "
      "10.0.1.1 (natgw.inside)"}},
    {"gateway is the host itself",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.10 }\n"}},
     {"t.yaml:12:54: hosts.app.gateway: its own address (10.0.1.10); accepted is one of 10.0.1.1 (natgw.inside)"}},
    {"route by nobody",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, routes: [{ to: 10.9.0.0/16, via: 10.0.1.3 }] "
       "}\n"}},
     {"t.yaml:12:97: hosts.app.routes.0.via: no box or host on private has this address (10.0.1.3); accepted is one of "
      "10.0.1.1 (natgw.inside)"}},
    {"route without via",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, routes: [{ to: 10.9.0.0/16 }] }\n"}},
     {"t.yaml:12:73: hosts.app.routes.0: via is missing (the next hop); accepted is the address of a box or host on "
      "the same link"}},
    {"route twice",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, routes: [{ to: 0.0.0.0/0, via: 10.0.1.1 }, { to: 0.0.0.0/0, via: "
       "10.0.1.1 }] }\n"}},
     {"t.yaml:12:94: hosts.app.routes.1.to: a second route to the same (0.0.0.0/0)"}},
    {"two defaults",
     {{"boxes:\n",
       "boxes:\n  other: { kind: nat-gateway, inside: { link: private, address: 10.0.1.2 }, outside: { link: internet, "
       "address: 203.0.113.11 } }\n"},
      {"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, routes: [{ to: 0.0.0.0/0, via: 10.0.1.2 }] "
       "}\n"}},
     {"t.yaml:13:95: hosts.app.routes.0.via: said twice with different values (10.0.1.2); gateway is 10.0.1.1"}},
    {"routes as map",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, routes: { 10.9.0.0/16: 10.0.1.1 } }\n"}},
     {"t.yaml:12:72: hosts.app.routes: a list is needed, found a map; accepted is a list: [{to: 10.0.2.0/24, via: "
      "10.0.1.2}]"}},
    {"neighbour outside",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, neighbours: { 10.0.2.2: \"02:00:00:00:00:02\" } "
       "}\n"}},
     {"t.yaml:12:78: hosts.app.neighbours.10.0.2.2: outside of the link's subnet (10.0.2.2), 10.0.1.0/24 of private"}},
    {"neighbour bad MAC",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, neighbours: { 10.0.1.2: \"02:00:00\" } }\n"}},
     {"t.yaml:12:88: hosts.app.neighbours.10.0.1.2: not a MAC address (02:00:00); accepted is one like "
      "\"02:00:00:00:00:02\""}},
    {"neighbour group MAC",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, neighbours: { 10.0.1.2: \"ff:ff:ff:ff:ff:ff\" } "
       "}\n"}},
     {"t.yaml:12:88: hosts.app.neighbours.10.0.1.2: a MAC address that no single station has (ff:ff:ff:ff:ff:ff); "
      "accepted is one like \"02:00:00:00:00:02\""}},
};

INSTANTIATE_TEST_SUITE_P(AttachmentErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
