#include "dataplane/wire/checksum.h"

#include <vector>

#include "gtest/gtest.h"

#include "tests/support/random.h"

namespace lapse {
namespace {

// RFC 1071 section 4.1, word by word and in no hurry.
uint16_t slow_checksum(const std::vector<uint8_t>& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += static_cast<uint32_t>(bytes[i]) << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

TEST(ChecksumSum, Rfc1071Example) {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(ChecksumSum().add(bytes).complement().host(), 0x220d);  // the RFC's sum is 0xddf2
}

TEST(ChecksumSum, AgreesWithTheSlowOneForEveryLengthAndGrouping) {
  test::Random random(test::seed(1071));
  for (size_t size = 0; size < 200; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) {
      byte = random.one_in(4) ? 0xff : random.any<uint8_t>();
    }
    const size_t cut = random.below(size / 2 + 1) * 2;
    const std::span<const uint8_t> all(bytes);
    EXPECT_EQ(ChecksumSum().add(all).complement().host(), slow_checksum(bytes));
    EXPECT_EQ(ChecksumSum().add(all.first(cut)).add(all.subspan(cut)).complement().host(), slow_checksum(bytes));
  }
}

TEST(ChecksumSum, SixtyFourKilobytesOfOnesDoNotOverflow) {
  const std::vector<uint8_t> bytes(65535, 0xff);
  EXPECT_EQ(ChecksumSum().add(bytes).complement().host(), slow_checksum(bytes));
}

TEST(ChecksumSum, PseudoHeaderIsTwelveBytes) {
  const std::vector<uint8_t> bytes{10, 0, 1, 10, 203, 0, 113, 80, 0, 6, 0x12, 0x34};
  const auto sum = pseudo_header(be32(0x0a00010a), be32(0xcb007150), 6, 0x1234);
  EXPECT_EQ(sum.complement().host(), slow_checksum(bytes));
}

// RFC 1624 section 4: HC = 0xDD2F, m = 0x5555, m' = 0x3285. Equation 4 of RFC 1141 gives 0xFFFF, which is wrong.
TEST(ChecksumDelta, Rfc1624ExampleGivesZeroNotAllOnes) {
  EXPECT_EQ(ChecksumDelta().replace(be16(0x5555), be16(0x3285)).apply(be16(0xdd2f)).host(), 0x0000);
}

TEST(ChecksumDelta, FromZeroChecksum) {
  // A header whose sum is 0xffff carries 0x0000.
  const std::vector<uint8_t> before{0x12, 0x34, 0xed, 0xcb};
  const std::vector<uint8_t> after{0x12, 0x35, 0xed, 0xcb};
  ASSERT_EQ(slow_checksum(before), 0);
  EXPECT_EQ(ChecksumDelta().replace(be16(0x1234), be16(0x1235)).apply({}).host(), slow_checksum(after));
}

TEST(ChecksumDelta, ReplacingAWordByItselfChangesNothing) {
  for (uint32_t word = 0; word < 0x10000; word += 0x5555) {
    const Be16 same = be16(static_cast<uint16_t>(word));
    for (uint32_t checksum = 0; checksum < 0xffff; ++checksum) {  // 0xffff is the other zero: next test
      const Be16 before = be16(static_cast<uint16_t>(checksum));
      ASSERT_EQ(ChecksumDelta().replace(same, same).apply(before), before);
    }
  }
}

TEST(ChecksumDelta, TheTwoZerosStayEqualInValue) {
  // 0xffff comes from no sum but that of zeros; updated it may become 0x0000, which verifies just the same.
  EXPECT_EQ(ChecksumDelta().replace(be16(1), be16(1)).apply(be16(0xffff)).host() % 0xffff, 0);
  EXPECT_EQ(ChecksumDelta().replace(be16(0xffff), be16(0)).apply(be16(0xffff)).host() % 0xffff, 0);
}

TEST(ChecksumDelta, AgreesWithTheWholeChecksumAlsoAtTheCorners) {
  test::Random random(test::seed(1624));
  static constexpr uint16_t kCorners[] = {0x0000, 0xffff, 0x0001, 0xfffe, 0x8000, 0x7fff};
  const auto word = [&random] { return random.one_in(2) ? random.pick(kCorners) : random.any<uint16_t>(); };
  for (int round = 0; round < 100000; ++round) {
    // The first word is never 0, as an IPv4 header's and a pseudo header's sum never is.
    std::vector<uint8_t> bytes{0x45, 0x00};
    for (int i = 0; i < 5; ++i) {
      const uint16_t value = word();
      bytes.insert(bytes.end(), {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)});
    }
    const Be16 before = be16(slow_checksum(bytes));
    const size_t at = 2 * (1 + random.below(4));
    const auto old16 = static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
    const uint16_t high = word();
    const uint16_t low = word();
    const uint32_t old32 = uint32_t{old16} << 16 | static_cast<uint32_t>(bytes[at + 2] << 8 | bytes[at + 3]);
    bytes[at] = static_cast<uint8_t>(high >> 8);
    bytes[at + 1] = static_cast<uint8_t>(high);
    ASSERT_EQ(ChecksumDelta().replace(be16(old16), be16(high)).apply(before).host(), slow_checksum(bytes));
    bytes[at + 2] = static_cast<uint8_t>(low >> 8);
    bytes[at + 3] = static_cast<uint8_t>(low);
    const Be32 new32 = be32(uint32_t{high} << 16 | low);
    ASSERT_EQ(ChecksumDelta().replace(be32(old32), new32).apply(before).host(), slow_checksum(bytes));
  }
}

TEST(ChecksumDelta, UdpWithoutAChecksumStaysWithoutOne) {
  EXPECT_EQ(ChecksumDelta().replace(be16(1), be16(2)).apply_udp({}).host(), 0);
}

TEST(ChecksumDelta, UdpChecksumThatComesOutAsZeroIsSentAsAllOnes) {
  EXPECT_EQ(ChecksumDelta().replace(be16(0x5555), be16(0x3285)).apply_udp(be16(0xdd2f)).host(), 0xffff);
}

}  // namespace
}  // namespace lapse
