// Every row is the good file with something changed, and all that the loader then says, word for word.
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

const std::vector<ErrorRow> kRows{
    {"attached to nothing",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n", "  app: { run: date }\n"}},
     {"t.yaml:12:3: hosts.app: the host is attached to nothing; accepted is link: LINK, address: ADDRESS, or "
      "interfaces"}},
    {"attachment and interfaces",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, interfaces: { eth1: { link: internet, address: "
       "203.0.113.90 } } }\n"}},
     {"t.yaml:12:64: hosts.app.interfaces: stands beside an attachment of the host itself; accepted is one of the "
      "two"}},
    {"empty interfaces",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n", "  app: { interfaces: {} }\n"}},
     {"t.yaml:12:10: hosts.app.interfaces: an empty map; accepted is a map: NAME: {link: LINK, address: ADDRESS}, "
      "instead of link and address beside it"}},
    {"long interface name",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { interfaces: { a-name-of-sixteen: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 } } }\n"}},
     {"t.yaml:12:24: hosts.app.interfaces.a-name-of-sixteen: a name here has at most 15 characters "
      "(a-name-of-sixteen)"}},
    {"interface called lo",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { interfaces: { lo: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 } } }\n"}},
     {"t.yaml:12:24: hosts.app.interfaces.lo: the name of the loopback interface (lo); take another"}},
    {"two gateways",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { interfaces: { eth0: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }, eth1: { link: internet, "
       "address: 203.0.113.90, gateway: 203.0.113.80 } } }\n"}},
     {"t.yaml:12:144: hosts.app.interfaces.eth1.gateway: a second gateway (203.0.113.80); app.eth0 has one, use routes "
      "here"}},
    {"sysctl not net",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, sysctls: { vm.swappiness.x: 1 } }\n"}},
     {"t.yaml:12:75: hosts.app.sysctls.vm.swappiness.x: only sysctls of a network namespace are a host's own: net.* "
      "(vm.swappiness.x); accepted is one like net.ipv4.tcp_keepalive_time"}},
    {"sysctl path",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, sysctls: { net/../x: 1 } }\n"}},
     {"t.yaml:12:75: hosts.app.sysctls.net/../x: not the name of a sysctl (net/../x); accepted is one like "
      "net.ipv4.tcp_keepalive_time"}},
    {"sysctl list",
     {{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
       "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1, sysctls: { net.ipv4.tcp_rmem: [4096, 1, 2] } "
       "}\n"}},
     {"t.yaml:12:94: hosts.app.sysctls.net.ipv4.tcp_rmem: not a sysctl's value, found a list; accepted is one line of "
      "text"}},
    {"empty run",
     {{"run: server", "run: \"\""}},
     {"t.yaml:13:80: hosts.api.run: empty or with a NUL in it (''); accepted is a command line like python3 server.py "
      "--port 8080"}},
    {"ready without run",
     {{"run: server, ", ""}},
     {"t.yaml:13:75: hosts.api.ready: nothing to wait for: the host has no run"}},
    {"port 0",
     {{"tcp: 8080", "tcp: 0"}},
     {"t.yaml:13:102: hosts.api.ready.tcp: out of range (0); accepted is a port, 1 to 65535"}},
    {"port too large",
     {{"tcp: 8080", "tcp: 65536"}},
     {"t.yaml:13:102: hosts.api.ready.tcp: out of range (65536); accepted is a port, 1 to 65535"}},
};

INSTANTIATE_TEST_SUITE_P(HostErrors, ErrorTest, testing::ValuesIn(kRows), row_name);

}  // namespace
}  // namespace lapse::topology
