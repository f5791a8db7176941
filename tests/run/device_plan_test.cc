// Sets of capabilities as drivers report them, and what comes of them.
#include "dataplane/io/device_plan.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::io {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// A server's NIC.
DeviceCapabilities nic() {
  return {.driver = "net_i40e",
          .receive_queues = 64,
          .transmit_queues = 64,
          .least_mtu = 68,
          .most_mtu = 9702,
          .most_frame_bytes = 9728,
          .receive_descriptors = {64, 4096, 32},
          .transmit_descriptors = {64, 4096, 32},
          .rss = {true, true, true},
          .rss_key_bytes = 52,
          .offloads = {true, true, true, true, true}};
}

DeviceCapabilities af_packet(uint16_t pairs) {
  return {.driver = "net_af_packet", .receive_queues = pairs, .transmit_queues = pairs, .most_frame_bytes = 1518};
}

DevicePlan planned(const DeviceCapabilities& device, const PortWish& wish) {
  const auto plan = plan_device(device, wish);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.value_or(DevicePlan{});
}

TEST(DevicePlan, EachWorkerHasAQueueOfItsOwnAndTheDeviceSpreads) {
  const DevicePlan plan = planned(nic(), {.workers = 4});
  EXPECT_EQ(plan.queues, 4);
  EXPECT_EQ(plan.distribution, Distribution::kRss);
  EXPECT_EQ(text(plan.rss), "ipv4, ipv4-tcp, ipv4-udp");
  EXPECT_THAT(plan.notes, IsEmpty());
}

// A Toeplitz hash is symmetric when the key repeats every 16 bits: swapping source and destination shifts by 16 or 32.
TEST(DevicePlan, TheHashIsTheSameInBothDirections) {
  const std::vector<uint8_t> key = planned(nic(), {.workers = 2}).rss_key;
  ASSERT_THAT(key, SizeIs(52));
  for (size_t at = 2; at < key.size(); ++at) {
    EXPECT_EQ(key[at], key[at - 2]) << at;
  }
  EXPECT_NE(key[0], key[1]);
}

TEST(DevicePlan, OneQueueNeedsNoHash) {
  const DevicePlan plan = planned(nic(), {.workers = 1});
  EXPECT_EQ(plan.distribution, Distribution::kOneQueue);
  EXPECT_FALSE(plan.rss.any());
  EXPECT_THAT(plan.rss_key, IsEmpty());
}

TEST(DevicePlan, OnlyFieldsThatTheDeviceKnowsAreHashed) {
  DeviceCapabilities device = nic();
  device.rss = {.ipv4 = true, .ipv4_udp = true};
  EXPECT_EQ(text(planned(device, {.workers = 2}).rss), "ipv4, ipv4-udp");
  device.rss = {};
  const DevicePlan plan = planned(device, {.workers = 2});
  EXPECT_EQ(plan.distribution, Distribution::kUnknown);
  EXPECT_THAT(plan.notes, ElementsAre("net_i40e has no receive hash: which queue a frame comes by is its own affair"));
}

TEST(DevicePlan, MoreCoresThanQueuesGiveFewerQueuesAndAWord) {
  DeviceCapabilities device = nic();
  device.transmit_queues = 2;
  const DevicePlan plan = planned(device, {.workers = 4});
  EXPECT_EQ(plan.queues, 2);
  EXPECT_THAT(plan.notes, ElementsAre("4 workers and 2 queues: net_i40e has no more"));
}

TEST(DevicePlan, ADriverThatCouldHaveMoreQueuesSaysHow) {
  const DevicePlan plan = planned(af_packet(1), {.workers = 2});
  EXPECT_EQ(plan.queues, 1);
  EXPECT_THAT(plan.notes, ElementsAre("2 workers and 1 queue: net_af_packet has no more; add qpairs=N to its vdev"));
}

TEST(DevicePlan, QueuesOfTheFileAreTheMost) {
  const DevicePlan fewer = planned(nic(), {.workers = 4, .queues = 3});
  EXPECT_EQ(fewer.queues, 3);
  EXPECT_THAT(fewer.notes, ElementsAre("4 workers and 3 queues, as the file says"));
  const DevicePlan more = planned(nic(), {.workers = 2, .queues = 8});
  EXPECT_EQ(more.queues, 2);
  EXPECT_THAT(more.notes, ElementsAre("queues 8: 2 are used, one for each worker"));
}

TEST(DevicePlan, DriversOfTheKernelSpreadInTheirOwnWay) {
  EXPECT_EQ(planned(af_packet(2), {.workers = 2}).distribution, Distribution::kFanout);
  DeviceCapabilities tap = nic();
  tap.driver = "net_tap";
  EXPECT_EQ(planned(tap, {.workers = 2}).distribution, Distribution::kLastSent);
  tap.driver = "net_memif";
  EXPECT_EQ(planned(tap, {.workers = 2}).distribution, Distribution::kPeer);
}

TEST(DevicePlan, DescriptorsFitTheDevice) {
  EXPECT_EQ(planned(nic(), {}).receive_descriptors, 1024);
  EXPECT_EQ(planned(nic(), {.receive_descriptors = 2048}).receive_descriptors, 2048);
  const DevicePlan rounded = planned(nic(), {.receive_descriptors = 100});
  EXPECT_EQ(rounded.receive_descriptors, 128);
  EXPECT_THAT(rounded.notes, ElementsAre("rx_desc 100: net_i40e takes 128"));
  EXPECT_EQ(planned(nic(), {.receive_descriptors = 8}).receive_descriptors, 64);
  EXPECT_EQ(planned(nic(), {.receive_descriptors = 32768}).receive_descriptors, 4096);
  DeviceCapabilities small = nic();
  small.receive_descriptors = {0, 1000, 16};
  EXPECT_EQ(planned(small, {}).receive_descriptors, 992);
}

// Every read of a tap pays for all of its descriptors.
TEST(DevicePlan, ATapHasFewDescriptors) {
  EXPECT_EQ(planned({.driver = "net_tap"}, {}).receive_descriptors, 4);
  EXPECT_EQ(planned({.driver = "net_tap"}, {}).transmit_descriptors, 1024);
}

TEST(DevicePlan, TheMtuOfTheFileIsSet) {
  const DevicePlan plan = planned(nic(), {.mtu = 9000});
  EXPECT_EQ(plan.mtu, 9000);
  EXPECT_TRUE(plan.set_mtu);
  const DevicePlan usual = planned(nic(), {});
  EXPECT_EQ(usual.mtu, 1500);
  EXPECT_FALSE(usual.set_mtu) << "whoever set up the interface may have had a reason";
}

TEST(DevicePlan, AnMtuThatTheDeviceRefusesIsNamed) {
  EXPECT_EQ(plan_device(nic(), {.mtu = 9703}).status().message(), "mtu 9703: net_i40e carries 68 to 9702 bytes");
  EXPECT_EQ(plan_device(af_packet(1), {.mtu = 1501}).status().message(),
            "mtu 1501: net_af_packet carries 0 to 1500 bytes");
  DeviceCapabilities large = nic();
  large.least_mtu = 1280;
  EXPECT_EQ(plan_device(large, {.mtu = 576}).status().message(), "mtu 576: net_i40e carries 1280 to 9702 bytes");
}

TEST(DevicePlan, ADeviceOfSmallFramesIsTakenAsItIs) {
  DeviceCapabilities device = nic();
  device.most_mtu = 1400;
  device.most_frame_bytes = 1418;
  const DevicePlan plan = planned(device, {});
  EXPECT_EQ(plan.mtu, 1400);
  EXPECT_THAT(plan.notes, ElementsAre("packets of at most 1400 bytes: net_i40e has no more"));
}

TEST(DevicePlan, OnlyTheOffloadThatSavesWorkIsOn) {
  const DevicePlan plan = planned(nic(), {});
  EXPECT_TRUE(plan.fast_free);
  EXPECT_THAT(plan.offloads_unused,
              ElementsAre("receive checksums", "receive coalescing", "transmit checksums", "segmentation"));
  const DevicePlan none = planned(af_packet(1), {});
  EXPECT_FALSE(none.fast_free);
  EXPECT_THAT(none.offloads_unused, IsEmpty());
}

TEST(DevicePlan, WorkersThatNeverSleepWantNoInterrupts) {
  EXPECT_FALSE(planned(nic(), {.interrupts = false}).interrupts);
  EXPECT_TRUE(planned(nic(), {.interrupts = true}).interrupts);
}

TEST(PoolPlan, HasABufferForEveryDescriptorAndRoomForTheLargestFrame) {
  const std::vector<PortWish> lab{{.workers = 1}, {.workers = 1}};
  EXPECT_EQ(plan_pool(lab, 1).frame_bytes, 2048U);
  EXPECT_GE(plan_pool(lab, 1).packets, 8192U);
  EXPECT_EQ(plan_pool(lab, 2, 1000).packets, plan_pool(lab, 2).packets + 2000) << "held on links, by each worker";
  const std::vector<PortWish> bench{{.workers = 4, .receive_descriptors = 4096, .mtu = 9000}, {.workers = 4}};
  const PoolPlan plan = plan_pool(bench, 4);
  EXPECT_GE(plan.frame_bytes, 9000U + 18 + 8);
  EXPECT_LT(plan.frame_bytes, 9000U + 18 + 8 + 64);
  EXPECT_GE(plan.packets, 4U * (4096 + 1024) + 4U * (1024 + 1024));
  EXPECT_GE(plan.memory_bytes, plan.packets * plan.frame_bytes);
}

}  // namespace
}  // namespace lapse::io
