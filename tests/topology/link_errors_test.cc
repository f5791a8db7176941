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
    {"mtu too small",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, mtu: 575 }"}},
     {"t.yaml:4:41: links.private.mtu: out of range (575); accepted is a whole number, 576 to 9216"}},
    {"mtu too large",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, mtu: 9217 }"}},
     {"t.yaml:4:41: links.private.mtu: out of range (9217); accepted is a whole number, 576 to 9216"}},
    {"delay without a unit",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: 20 }"}},
     {"t.yaml:4:43: links.private.delay: a unit is missing (20); accepted is a duration with a unit like "
      "20ms"}},
    {"negative delay",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: -5ms }"}},
     {"t.yaml:4:43: links.private.delay: not a duration (-5ms); accepted is a duration with a unit like "
      "20ms"}},
    {"delay of a day",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: 1d }"}},
     {"t.yaml:4:43: links.private.delay: out of range (1d); accepted is at most 1h"}},
    {"jitter without delay",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, jitter: 5ms }"}},
     {"t.yaml:4:44: links.private.jitter: stands without a delay: it is how far delays lie from it; "
      "accepted is delay: 20ms beside it"}},
    {"jitter larger than delay",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: 5ms, jitter: 6ms }"}},
     {"t.yaml:4:56: links.private.jitter: larger than the delay (6ms); accepted is at most 5ms"}},
    {"reorder without delay",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, reorder: 25% }"}},
     {"t.yaml:4:45: links.private.reorder: stands without a delay: a packet overtakes others by skipping "
      "it; accepted is delay: 20ms beside it"}},
    {"loss of more than all",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, loss: 101% }"}},
     {"t.yaml:4:42: links.private.loss: more than always (101%); accepted is a percentage like 1% or 0.5%, "
      "or a fraction with a point like 0.01"}},
    {"loss as a bare number",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, loss: 1 }"}},
     {"t.yaml:4:42: links.private.loss: a percent sign or a point is missing (1); accepted is a percentage "
      "like 1% or 0.5%, or a fraction with a point like 0.01"}},
    {"negative loss",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, loss: -1% }"}},
     {"t.yaml:4:42: links.private.loss: neither a percentage nor a fraction (-1%); accepted is a "
      "percentage like 1% or 0.5%, or a fraction with a point like 0.01"}},
    {"loss in words",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, loss: half }"}},
     {"t.yaml:4:42: links.private.loss: neither a percentage nor a fraction (half); accepted is a "
      "percentage like 1% or 0.5%, or a fraction with a point like 0.01"}},
    {"duplicate too small",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, duplicate: 0.00000001% }"}},
     {"t.yaml:4:47: links.private.duplicate: too small to ever happen (0.00000001%); accepted is a "
      "percentage like 1% or 0.5%, or a fraction with a point like 0.01"}},
    {"rate of nothing",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, rate: 0mbit }"}},
     {"t.yaml:4:42: links.private.rate: out of range (0mbit); accepted is a whole number with a unit like "
      "64kbit, 10mbit or 1gbit, 1kbit to 100gbit"}},
    {"negative rate",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, rate: -1mbit }"}},
     {"t.yaml:4:42: links.private.rate: not a rate (-1mbit); accepted is a whole number with a unit like "
      "64kbit, 10mbit or 1gbit, 1kbit to 100gbit"}},
    {"rate without a unit",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, rate: 1000000 }"}},
     {"t.yaml:4:42: links.private.rate: a unit is missing (1000000); accepted is a whole number with a "
      "unit like 64kbit, 10mbit or 1gbit, 1kbit to 100gbit"}},
    {"rate in bytes",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, rate: 10MB }"}},
     {"t.yaml:4:42: links.private.rate: the unit MB is unknown (10MB); accepted is a whole number with a "
      "unit like 64kbit, 10mbit or 1gbit, 1kbit to 100gbit"}},
    {"rate beyond every link",
     {{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, rate: 101gbit }"}},
     {"t.yaml:4:42: links.private.rate: out of range (101gbit); accepted is a whole number with a unit "
      "like 64kbit, 10mbit or 1gbit, 1kbit to 100gbit"}},
    {"nothing to impair",
     {{"  internet: { subnet: 203.0.113.0/24 }",
       "  internet: { subnet: 203.0.113.0/24 }\n  lan: { subnet: 10.9.0.0/24, loss: 1% }"},
      {"  app: {", "  x: { link: lan, address: 10.9.0.1 }\n  y: { link: lan, address: 10.9.0.2 }\n  app: {"}},
     {"t.yaml:6:3: links.lan: delay, jitter, loss, reorder, duplicate and rate have no effect without a box on the "
      "link; "
      "accepted is mtu alone, because hosts reach each other past the boxes"}},
};

INSTANTIATE_TEST_SUITE_P(LinkErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
