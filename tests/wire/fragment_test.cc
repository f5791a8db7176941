// Cutting packets into fragments. RFC 791 sections 2.3 and 3.2; libtins puts them together again.
#include "dataplane/wire/fragment.h"

#include <tins/ip_reassembler.h>
#include <tins/tins.h>

#include "gtest/gtest.h"

#include "dataplane/wire/ipv4.h"
#include "tests/support/frames.h"
#include "tests/support/packets.h"

namespace lapse::test {
namespace {

const Endpoint kClient = endpoint("10.0.1.10", 40000);
const Endpoint kWeb = endpoint("203.0.113.80", 443);

class Fragments : public testing::Test {
 protected:
  // All fragments, in their order.
  std::vector<Packet*> cut(const PacketBuilder& builder, size_t mtu) {
    Packet* whole = builder.build(pool_);
    std::vector<Packet*> fragments{whole};
    const size_t end = size_t{whole->length} - whole->l4_offset;
    for (size_t offset = fragment_payload(*whole, mtu); offset < end;) {
      fragments.push_back(pool_.allocate());
      offset += write_fragment(*whole, offset, mtu, *fragments.back());
    }
    cut_to_first_fragment(*whole, mtu);
    return fragments;
  }
  static Tins::EthernetII decoded(const Packet& packet) { return Tins::EthernetII(packet.data, packet.length); }

  MemoryPacketPool pool_{64, 9300};
};

TEST_F(Fragments, AnIndependentLibraryPutsThemTogether) {
  for (const size_t mtu : {576U, 577U, 583U, 584U, 1280U, 1500U}) {
    for (const size_t size : {mtu - 27, size_t{1473}, size_t{2952}, size_t{2953}, size_t{9000}}) {
      const PacketBuilder datagram = udp(kClient, kWeb).payload(size).identification(4711).ttl(9).type_of_service(8);
      Tins::IPv4Reassembler reassembler;
      bool whole = false;
      for (Packet* fragment : cut(datagram, mtu)) {
        EXPECT_LE(fragment->length - fragment->l3_offset, mtu);
        auto frame = decoded(*fragment);
        EXPECT_FALSE(whole) << "complete before the last fragment";
        whole = reassembler.process(frame) == Tins::IPv4Reassembler::REASSEMBLED;
        if (whole) {
          const auto bytes = frame.serialize();
          const auto sent = datagram.bytes();
          EXPECT_EQ(std::vector<uint8_t>(bytes.begin() + 34, bytes.end()),
                    std::vector<uint8_t>(sent.begin() + 34, sent.end()));
        }
        release(fragment);
      }
      EXPECT_TRUE(whole) << "mtu " << mtu << ", " << size << " bytes";
    }
  }
}

TEST_F(Fragments, EachSaysWhatItIs) {
  const auto fragments = cut(udp(kClient, kWeb).payload(4000).identification(7), 1500);
  ASSERT_EQ(fragments.size(), 3U);
  EXPECT_EQ(fragments[0]->kind, PacketKind::kUdp);
  EXPECT_EQ(fragments[0]->part, Part::kFirst);
  EXPECT_EQ(fragments[1]->part, Part::kLater);
  EXPECT_EQ(to_string(*fragments[1]), "ip 10.0.1.10 > 203.0.113.80 protocol 17 (1480) frag 7@1480+");
  EXPECT_EQ(to_string(*fragments[2]), "ip 10.0.1.10 > 203.0.113.80 protocol 17 (1048) frag 7@2960");
  for (Packet* fragment : fragments) {
    release(fragment);
  }
}

TEST_F(Fragments, OfAFragmentKeepTheirPlaceInTheDatagram) {
  const auto parts = test::fragments(udp(kClient, kWeb).payload(8000).identification(7), 2960);
  const auto middle = cut(parts[1], 1500);
  ASSERT_EQ(middle.size(), 2U);
  EXPECT_EQ(to_string(*middle[0]), "ip 10.0.1.10 > 203.0.113.80 protocol 17 (1480) frag 7@2960+");
  EXPECT_EQ(to_string(*middle[1]), "ip 10.0.1.10 > 203.0.113.80 protocol 17 (1480) frag 7@4440+");
  const auto last = cut(parts[2], 1500);
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(to_string(*last[1]), "ip 10.0.1.10 > 203.0.113.80 protocol 17 (608) frag 7@7400");
  for (Packet* fragment : {middle[0], middle[1], last[0], last[1]}) {
    release(fragment);
  }
}

}  // namespace
}  // namespace lapse::test
