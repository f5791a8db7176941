// coturn's RFC 5780 discovery, a STUN client and server that know nothing of lapse, through a gateway and through Linux.
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kServer = "198.18.7.80";
constexpr const char* kHairpinned = "Received a request";

// Two addresses and two ports: what discovery by RFC 5780 takes.
class StunServer {
 public:
  explicit StunServer(const Lab& lab)
      : process_({program(),     "exec",
                  "--root",      "-t",
                  lab.name(),    "outside",
                  "--",          "turnserver",
                  "-n",          "-v",
                  "--stun-only", "--no-auth",
                  "--no-cli",    "--no-tls",
                  "--no-dtls",   "--no-tcp",
                  "-L",          kServer,
                  "-L",          "198.18.7.81",
                  "--userdb",    runtime_folder() + "/turndb",
                  "--pidfile",   "/dev/null",
                  "--log-file",  "stdout",
                  "--simple-log"}) {
    // It says more than that, blank lines among it; a line is as blank at the end of the stream.
    int sockets = 0;
    for (int lines = 0; sockets < 4 && lines < 500; ++lines) {
      sockets += process_.read_line().find("UDP listener opened on") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(sockets, 4) << "turnserver does not listen";
  }

 private:
  Process process_;
};

bool has_coturn() {
  return std::system("command -v turnserver turnutils_natdiscovery >/dev/null") == 0;
}

std::string discover(const Lab& lab, const std::string& what) {
  return lapse({"exec", "-t", lab.name(), "inside", "--", "turnutils_natdiscovery", what, "-L", "10.77.1.10", kServer})
      .output;
}

// 3.1, Mapping and Filtering: address-and-port-dependent; Hairpin: not offered.
TEST(NatDiscovery, Row3_1_MappingFilteringHairpin) {
  if (!has_coturn()) {
    GTEST_SKIP() << "no turnserver or turnutils_natdiscovery (Debian: apt-get install coturn)";
  }
  const Lab lab({}, test_file("differential/gateway.yaml"));
  const StunServer server(lab);
  EXPECT_THAT(discover(lab, "-m"), HasSubstr("NAT with Address and Port Dependent Mapping!"));
  EXPECT_THAT(discover(lab, "-f"), HasSubstr("NAT with Address and Port Dependent Filtering!"));
  const std::string hairpin = discover(lab, "-H");
  EXPECT_THAT(hairpin, HasSubstr("UDP reflexive addr: 198.18.7.10:")) << "it did ask";
  EXPECT_THAT(hairpin, Not(HasSubstr(kHairpinned)));
}

// That the same programs tell something else of another translator: a masquerade keeps the port.
TEST(NatDiscovery, LinuxMapsByEndpoint) {
  if (!has_coturn() || std::system("command -v nft >/dev/null") != 0) {
    GTEST_SKIP() << "no turnserver, turnutils_natdiscovery or nft (Debian: apt-get install coturn nftables)";
  }
  const Lab lab({}, test_file("differential/linux.yaml"));
  const Finished ruled =
      lapse({"exec", "--root", "-t", lab.name(), "nat", "--", "nft", "-f", test_file("differential/masquerade.nft")});
  ASSERT_EQ(ruled.status, 0) << ruled.errors;
  const StunServer server(lab);
  EXPECT_THAT(discover(lab, "-m"), HasSubstr("NAT with Endpoint Independent Mapping!"));
}

}  // namespace
}  // namespace lapse::test
