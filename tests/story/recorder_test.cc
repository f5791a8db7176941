#include "control/story/recorder.h"

#include <thread>

#include "gtest/gtest.h"

#include "tests/story/stage.h"

namespace lapse::story {
namespace {

constexpr uint8_t kData = kTcpPsh | kTcpAck;

size_t conversation_count(const Recorder& recorder) {
  return recorder.find("all").size();
}

TEST(Recorder, BothSidesOfATranslationAreOneConversation) {
  Stage stage;
  request(stage);
  ASSERT_EQ(conversation_count(stage.recorder), 1u);
  const Conversation story = stage.only();
  EXPECT_EQ(story.ends[0].belief, Belief::kEstablished);
  EXPECT_EQ(story.ends[1].belief, Belief::kEstablished);
  EXPECT_EQ(story.ends[0].packets_sent, 3u);
  EXPECT_EQ(story.ends[0].bytes_sent, 120u);
  EXPECT_EQ(story.ends[1].packets_received, 3u);
  ASSERT_EQ(story.boxes.size(), 1u);
  EXPECT_EQ(story.boxes[0].state, BoxState::kTracking);
}

// A later fragment of a datagram, and an error about it.
TEST(Recorder, WhatNamesNoFlowIsOfNoConversation) {
  Stage stage;
  for (const Protocol protocol : {Protocol::kUdp, Protocol::kIcmp}) {
    Event event;
    event.tuple = {stage.original.source, stage.original.destination, {}, {}, static_cast<uint8_t>(protocol), 0, 0};
    stage.recorder.add(event);
    event.kind = EventKind::kPacketDropped;
    stage.recorder.add(event);
  }
  EXPECT_EQ(conversation_count(stage.recorder), 0u);
}

// S1.5: the expiry tells nobody.
TEST(Recorder, AnExpiryFindsBothEndsBelieving) {
  Stage stage;
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished);
  const Conversation story = stage.only();
  ASSERT_EQ(story.forgettings.size(), 1u);
  EXPECT_TRUE(story.forgettings[0].believed[0]);
  EXPECT_TRUE(story.forgettings[0].believed[1]);
  EXPECT_EQ(story.boxes[0].state, BoxState::kForgot);
  EXPECT_GT(telling(story), 0);
}

// L2: the late packet knows only the outside tuple, and still joins the conversation.
TEST(Recorder, ALatePacketOfAForgottenFlowJoinsByItsTuple) {
  Stage stage;
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished).at(375).api_is_late({kData, 5001, 57});
  const Conversation story = stage.only();
  ASSERT_EQ(story.late.size(), 1u);
  EXPECT_EQ(story.late[0].speaker, End::kResponder);
  EXPECT_EQ(story.entries.back().reason, DropReason::kLate);
  EXPECT_TRUE(story.entries.back().dropped);
}

TEST(Recorder, ASynWithANewSequenceNumberIsANewConversation) {
  Stage stage;
  request(stage);
  stage.at(400);
  // L4: the dead flow is noticed by the SYN itself; its expiry belongs to the old conversation.
  stage.app_speaks({kTcpSyn, 77000, 0});
  stage.expires(350, TimeoutClass::kTcpEstablished);
  stage.generation = 4;
  stage.nat_port = be16(60001);
  stage.flow(EventKind::kFlowNew);
  const std::vector<Conversation> all = stage.recorder.find("all");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].forgettings.size(), 1u);
  EXPECT_EQ(all[0].boxes[0].state, BoxState::kForgot);
  EXPECT_TRUE(all[1].forgettings.empty());
  EXPECT_EQ(all[1].boxes[0].state, BoxState::kTracking);
}

TEST(Recorder, ARepeatedSynIsTheSameConversation) {
  Stage stage;
  stage.at(1).app_opens({kTcpSyn, 1000, 0}).at(2).app_says({kTcpSyn, 1000, 0});
  ASSERT_EQ(conversation_count(stage.recorder), 1u);
  EXPECT_EQ(stage.only().entries.back().role, Role::kRepeated);
}

// aws-behaviour 2.5: ACK, length 0, SEQ = SND.NXT - 1.
TEST(Recorder, AKeepaliveIsToldFromAByteOfData) {
  Stage stage;
  request(stage);
  stage.at(60).app_says({kTcpAck, 1120, 0}).api_says({kTcpAck, 5001, 0});
  std::vector<Entry> entries = stage.only().entries;
  EXPECT_EQ(entries[entries.size() - 1].role, Role::kKeepaliveAnswer);
  EXPECT_EQ(entries[entries.size() - 3].role, Role::kKeepalive);
  EXPECT_EQ(entries[entries.size() - 4].role, Role::kKeepalive);
  stage.at(70).app_says({kData, 1121, 1});  // the same byte on two links is no probe on the second
  entries = stage.only().entries;
  EXPECT_EQ(entries[entries.size() - 1].role, Role::kOrdinary);
  EXPECT_EQ(entries[entries.size() - 2].role, Role::kOrdinary);
}

// Two boxes that translate, in series: each leg has its own tuple, and only the boxes' flows link them.
TEST(Recorder, LegsBehindBoxesInSeriesJoin) {
  topology::Directory directory = nat_directory();
  directory.boxes.push_back({"fw", "firewall", {"inside", "outside"}});
  directory.interfaces.push_back({BoxId{1}, Side{0}, LinkId{1}});
  directory.interfaces.push_back({BoxId{1}, Side{1}, LinkId{2}});
  Recorder recorder(directory);
  Stage stage;
  const FiveTuple middle = stage.reply().reversed();
  FiveTuple far = middle;
  far.source = be32(0xcb007163);
  const auto flow = [&](BoxId box, const FiveTuple& original, const FiveTuple& reply) {
    Event event;
    event.kind = EventKind::kFlowNew;
    event.box = box;
    event.tuple = original;
    event.reply = reply;
    event.flow = 1;
    return event;
  };
  const Words syn{kTcpSyn, 1000, 0};
  recorder.add(stage.packet(stage.original, syn, kPrivate, kNoInterface, kNatInside));
  recorder.add(flow(kNat, stage.original, stage.reply()));
  recorder.add(stage.packet(middle, syn, kInternet, kNatOutside, InterfaceId{2}));
  recorder.add(flow(BoxId{1}, middle, far.reversed()));
  recorder.add(stage.packet(far, syn, LinkId{2}, InterfaceId{3}, kNoInterface));
  recorder.add(stage.packet(far.reversed(), {kTcpSyn | kTcpAck, 5000, 0}, LinkId{2}, kNoInterface, InterfaceId{3}));
  const std::vector<Conversation> all = recorder.find("all");
  ASSERT_EQ(all.size(), 1u);
  ASSERT_EQ(all[0].boxes.size(), 2u);
  EXPECT_EQ(all[0].boxes[0].box, kNat);
  EXPECT_EQ(all[0].boxes[1].box, BoxId{1});
  EXPECT_EQ(all[0].entries.back().from_end, End::kResponder);
}

TEST(Recorder, AResetIsNamedAfterTheBoxThatMadeIt) {
  Stage stage;
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished).at(364).app_is_late({kData, 1121, 5}, 5001);
  const Conversation story = stage.only();
  EXPECT_EQ(story.entries.back().made_by, kNat);
  EXPECT_EQ(story.ends[0].belief, Belief::kReset);
  EXPECT_EQ(story.ends[0].reset_by, kNat);
  EXPECT_EQ(story.ends[1].belief, Belief::kEstablished);
}

TEST(Recorder, AResetOfTheOtherEndIsNoBoxsWork) {
  Stage stage;
  request(stage);
  stage.at(20).api_says({kTcpRst, 5001, 0});
  const Conversation story = stage.only();
  EXPECT_EQ(story.entries.back().made_by, kNoBox);
  EXPECT_EQ(story.ends[0].belief, Belief::kReset);
  EXPECT_EQ(story.ends[1].belief, Belief::kAborted);
  EXPECT_EQ(telling(story), 0);
}

TEST(Recorder, ALongTransferIsFoldedAndItsSumsStayExact) {
  constexpr uint64_t kSegments = 100'000;
  Stage stage;
  stage.at(0).handshake();
  uint32_t sequence = 1001;
  for (uint64_t segment = 0; segment < kSegments; ++segment) {
    stage.now += std::chrono::microseconds(10);
    stage.app_says({kTcpAck, sequence, 1448});
    sequence += 1448;
  }
  const Conversation story = stage.only();
  EXPECT_LE(story.entries.size(), Recorder::Limits{}.entries);
  EXPECT_EQ(story.bytes(), kSegments * 1448);
  uint64_t bytes = 0;
  for (const Entry& entry : story.entries) {
    bytes += entry.kind == EntryKind::kFold ? entry.bytes[0] : entry.from == kNoBox ? entry.payload : 0;
  }
  EXPECT_EQ(bytes, kSegments * 1448);
  EXPECT_EQ(story.entries.front().tcp_flags, kTcpSyn);
}

TEST(Recorder, WhatIsOverGoesBeforeWhatWaitsOrTells) {
  Stage stage(Protocol::kTcp, {.conversations = 20, .entries = 50, .all_entries = 100'000});
  request(stage);  // waits in silence: the oldest of all
  stage.original.source_port = be16(41000);
  stage.nat_port = be16(52000);
  stage.generation = 50;
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished);  // tells
  for (uint16_t client = 0; client < 200; ++client) {
    stage.original.source_port = be16(static_cast<uint16_t>(42000 + client));
    stage.nat_port = be16(static_cast<uint16_t>(53000 + client));
    stage.generation = 100u + client;
    stage.at(400 + client).handshake();
    stage.app_says({kTcpRst, 1001, 0}).flow(EventKind::kFlowClosed);
  }
  EXPECT_LE(conversation_count(stage.recorder), 20u);
  EXPECT_GE(stage.recorder.forgotten(), 180u);
  EXPECT_EQ(stage.recorder.find("40000").size(), 1u);
  EXPECT_EQ(stage.recorder.find("41000").size(), 1u);
  EXPECT_EQ(stage.recorder.find("42000").size(), 0u);
  EXPECT_EQ(stage.recorder.find("42199").size(), 1u);
}

TEST(Recorder, AConversationIsFoundByAllItsNames) {
  Stage stage;
  request(stage);
  for (const char* name : {"natgw/17.3", "app:40000", "40000", "app", "api:8080", "10.0.1.10:40000", "51234", "#1",
                           "last", "all", "tcp app:40000 > api:8080"}) {
    EXPECT_EQ(stage.recorder.find(name).size(), 1u) << name;
  }
  for (const char* name : {"natgw/17.4", "4000", "", "web", "#2", "LAST"}) {
    EXPECT_TRUE(stage.recorder.find(name).empty()) << name;
  }
}

TEST(Recorder, ManyThreadsMayAddAndRead) {
  Stage stage;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&stage, thread] {
      Stage mine;
      for (uint16_t client = 0; client < 500; ++client) {
        FiveTuple tuple = mine.original;
        tuple.source_port = be16(static_cast<uint16_t>(1000 + thread * 1000 + client));
        stage.recorder.add(mine.packet(tuple, {kTcpSyn, 1, 0}, kPrivate, kNoInterface, kNatInside));
        stage.recorder.find("last");
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(conversation_count(stage.recorder) + stage.recorder.forgotten(), 2000u);
}

}  // namespace
}  // namespace lapse::story
