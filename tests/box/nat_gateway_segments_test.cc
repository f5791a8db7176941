// What a NAT gateway changes or refuses beside addresses and ports. aws-behaviour 3.2, "MSS clamping", "Bandwidth", "Packet
// rate"; RFC 7126 (IP options).
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

NatGateway::Config clamped() {
  NatGateway::Config config = nat_config();
  config.clamp_mss_to_mtu = {8500, 1500};
  return config;
}

TEST(NatGatewaySegments, Row3_2_MssClamping_LoweredToWhatTheWayOutCarries) {
  NatBench b(clamped());
  b.inside.send(tcp(client, web).syn().seq(1000).mss(8961));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).mss(1460));
  b.outside.send(tcp(web, syn.source).syn().seq(5000).ack(1001).mss(9000));
  b.inside.expect(tcp(web, client).syn().seq(5000).ack(1001).mss(8460));
}

TEST(NatGatewaySegments, SmallerMssStays) {
  NatBench b(clamped());
  b.inside.send(tcp(client, web).syn().seq(1000).mss(1460));
  b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).mss(1460));
  b.inside.send(tcp(client, dns).syn().seq(1000).mss(536));
  b.outside.expect(tcp(eip.any_port(), dns).syn().seq(1000).mss(536));
}

TEST(NatGatewaySegments, MssBehindOtherOptionsAndAtAnOddPlace) {
  NatBench b(clamped());
  const std::vector<uint8_t> before{3, 3, 7, 2, 4, 0x23, 0x29, 1, 1, 4, 2, 0};
  const std::vector<uint8_t> after{3, 3, 7, 2, 4, 0x05, 0xb4, 1, 1, 4, 2, 0};
  b.inside.send(tcp(client, web).syn().seq(1000).tcp_options(before));
  b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).tcp_options(after));
}

TEST(NatGatewaySegments, SynWithoutMssStaysWithout) {
  NatBench b(clamped());
  b.inside.send(tcp(client, web).syn().seq(1000).sack_permitted());
  b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).sack_permitted());
}

TEST(NatGatewaySegments, OnlySynsAnnounceAnMss) {
  NatBench b(clamped());
  const Connection c = establish(b);
  b.inside.send(c.from_client().mss(8961));
  b.outside.expect(c.from_nat().mss(8961));
}

TEST(NatGatewaySegments, ClampingCanBeOff) {
  NatBench b;
  b.inside.send(tcp(client, web).syn().seq(1000).mss(8961));
  b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).mss(8961));
}

TEST(NatGatewaySegments, Row3_2_PacketRate_IsACeiling) {
  NatGateway::Config config = nat_config();
  config.ceiling.packets_per_second = 1000;
  NatBench b(config);
  const auto offer = [&b](size_t count) {
    size_t sent = 0;
    for (size_t i = 0; i < count; ++i) {
      b.inside.send(udp(client, dns));
      sent += b.outside.forget();
      b.forget_drops();
    }
    return sent;
  };
  // A tenth of a second of it at once, and then as many as time has passed for.
  EXPECT_EQ(offer(300), 101u);
  b.advance(50ms);
  EXPECT_EQ(offer(300), 50u);
}

TEST(NatGatewaySegments, Row3_2_Bandwidth_IsACeilingForBothDirections) {
  NatGateway::Config config = nat_config();
  config.ceiling.bits_per_second = 8'000'000;  // a megabyte a second
  NatBench b(config);
  const Connection c = establish(b);
  b.advance(1s);
  size_t passed = 0;
  for (int i = 0; i < 200; ++i) {
    b.inside.send(c.from_client().payload(960));
    passed += b.outside.forget();
    b.forget_drops();
    b.outside.send(c.from_server().payload(960));
    passed += b.inside.forget();
    b.forget_drops();
  }
  EXPECT_EQ(passed, 101u) << "100 ms of 1,000 bytes each";
}

TEST(NatGatewaySegments, IpOptionsPass) {
  NatBench b;
  const std::vector<uint8_t> record_route{7, 7, 4, 0, 0, 0, 0, 0};
  b.inside.send(udp(client, dns).payload("question").ip_options(record_route));
  b.outside.expect(udp(eip.any_port(), dns).payload("question").ip_options(record_route));
}

}  // namespace
}  // namespace lapse::test
