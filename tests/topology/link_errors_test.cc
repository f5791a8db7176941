// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"no subnet",
     {{"{ subnet: 10.0.1.0/24 }", "{}"}},
     {"t.yaml:4:3: links.private: subnet is missing (the IPv4 network of the link); accepted is an IPv4 prefix of 8 to "
      "31 bits like 10.0.1.0/24"}},
    {"not a prefix",
     {{"10.0.1.0/24", "10.0.1/24"}},
     {"t.yaml:4:23: links.private.subnet: not an IPv4 prefix (10.0.1/24); accepted is an IPv4 prefix of 8 to 31 bits "
      "like 10.0.1.0/24"}},
    {"prefix length missing",
     {{"10.0.1.0/24", "10.0.1.0"}},
     {"t.yaml:4:23: links.private.subnet: the prefix length is missing (10.0.1.0); accepted is an IPv4 prefix of 8 to "
      "31 bits like 10.0.1.0/24"}},
    {"bits behind the prefix",
     {{"10.0.1.0/24", "10.0.1.5/24"}},
     {"t.yaml:4:23: links.private.subnet: bits are set behind the prefix; 10.0.1.0/24 is the network (10.0.1.5/24); "
      "accepted is an IPv4 prefix of 8 to 31 bits like 10.0.1.0/24"}},
    {"too wide",
     {{"10.0.1.0/24", "10.0.0.0/7"}},
     {"t.yaml:4:23: links.private.subnet: the prefix length is out of range (10.0.0.0/7); accepted is an IPv4 prefix "
      "of 8 to 31 bits"}},
    {"IPv6",
     {{"203.0.113.0/24", "2001:db8::/64"}},
     {"t.yaml:5:23: links.internet.subnet: IPv6 is not available yet (2001:db8::/64); accepted is an IPv4 prefix of 8 "
      "to 31 bits like 10.0.1.0/24"}},
    {"multicast",
     {{"203.0.113.0/24", "239.0.0.0/8"}},
     {"t.yaml:5:23: links.internet.subnet: not for hosts (239.0.0.0/8): 224.0.0.0/3 is multicast or reserved",
      "t.yaml:10:44: boxes.natgw.outside.addresses: outside of the link's subnet (203.0.113.10); accepted is an "
      "address of 239.0.0.0/8, the subnet of internet",
      "t.yaml:13:35: hosts.api.address: outside of the link's subnet (203.0.113.80); accepted is an address of "
      "239.0.0.0/8, the subnet of internet"}},
    {"overlap",
     {{"203.0.113.0/24", "10.0.0.0/16"}},
     {"t.yaml:5:23: links.internet.subnet: overlaps (10.0.0.0/16) with 10.0.1.0/24 of private, line 4",
      "t.yaml:10:44: boxes.natgw.outside.addresses: outside of the link's subnet (203.0.113.10); accepted is an "
      "address of 10.0.0.0/16, the subnet of internet",
      "t.yaml:13:35: hosts.api.address: outside of the link's subnet (203.0.113.80); accepted is an address of "
      "10.0.0.0/16, the subnet of internet"}},
    {"delay",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: 20ms }"}},
     {"t.yaml:4:36: links.private.delay: impairments of links are not available yet: a link carries every packet, at "
      "once and in order"}},
    {"mtu",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, mtu: 9000 }"}},
     {"t.yaml:4:36: links.private.mtu: impairments of links are not available yet: a link carries every packet, at "
      "once and in order"}},
    {"loss",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, loss: 1% }"}},
     {"t.yaml:4:36: links.private.loss: impairments of links are not available yet: a link carries every packet, at "
      "once and in order"}},
};

INSTANTIATE_TEST_SUITE_P(LinkErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
