#include "control/story/ladder.h"

#include "gtest/gtest.h"

#include "control/story/text.h"
#include "tests/story/scenes.h"

namespace lapse::story {
namespace {

// How the pictures of 100 columns begin when time has seven places.
const std::string kOpening = R"(
tcp app:40000 > api:8080   0.000s is 12.500s of virtual time                                      #1

          app                                       natgw                                        api
          10.0.1.10:40000                   as 203.0.113.10:51234                  203.0.113.80:8080
  0.000s  │─────────────────── SYN ──────────────────>│─────────────────── SYN ───────────────────>┊
  0.000s  │<──────────────── SYN,ACK ─────────────────│<──────────────── SYN,ACK ──────────────────│
  0.000s  │─────────────────── ACK ──────────────────>│─────────────────── ACK ───────────────────>│
  0.002s  │──────────────── PSH 120 B ───────────────>│──────────────── PSH 120 B ────────────────>│
  0.003s  │<────────────────── ACK ───────────────────│<────────────────── ACK ────────────────────│)";
const std::string kForgotten = R"(
          │                                  ··· 350.0 s idle ···                                  │
350.003s  │             [ forgets the flow after 350 s of silence; nobody was told ]               │)";

// The expected pictures begin with a newline, so that they stand as they are printed.
void expect_picture(const std::string& picture, const std::string& expected) {
  EXPECT_EQ("\n" + picture, expected);
}

// S0.1, L2: the answer meets no flow and is dropped; both ends go on believing.
TEST(Ladder, ALateAnswerIsDroppedInSilence) {
  Stage stage;
  late_answer(stage);
  expect_picture(stage.ladder(), kOpening + kForgotten + R"(
          │                                   ··· 13.0 s idle ···                                  │
363.000s  │   no flow: dropped in silence (LATE-DROP) X<──────────────── PSH 57 B ─────────────────│
363.200s  │   no flow: dropped in silence (LATE-DROP) X<───────────── PSH 57 B again ──────────────│
          │                 ··· 5 more in 12.0 s, each dropped in the same way ···                 │
388.400s  │   no flow: dropped in silence (LATE-DROP) X<───────────── PSH 57 B again ──────────────│
          │                                           ┊                                            │
          who still believes in the connection:
          │   app: ESTABLISHED (was never told)
          ┊ natgw: no flow (forgot it at 350.0 s)
          │   api: ESTABLISHED (was never told)
)");
}

// S1.4, L1: the client speaks late and is reset; the server is not told.
TEST(Ladder, ALateClientIsReset) {
  Stage stage;
  late_client(stage);
  expect_picture(stage.ladder(), kOpening + kForgotten + R"(
351.003s  │───────────────── PSH 5 B ────────────────>X no flow: answered with a RST               │
351.003s  ┊<───────────── RST by natgw ───────────────┊                                            │
          ┊                                           ┊                                            │
          who still believes in the connection:
          ┊   app: reset at 351.0 s by natgw
          ┊ natgw: no flow (forgot it at 350.0 s)
          │   api: ESTABLISHED (was never told)
)");
}

// S0.8: so does a keepalive that comes after the timeout.
TEST(Ladder, ALateKeepaliveIsReset) {
  Stage stage;
  late_probe(stage);
  expect_picture(stage.ladder(), kOpening + kForgotten + R"(
          │                                   ··· 50.0 s idle ···                                  │
400.002s  │──────────────── keepalive ───────────────>X no flow: answered with a RST               │
400.002s  ┊<───────────── RST by natgw ───────────────┊                                            │
          ┊                                           ┊                                            │
          who still believes in the connection:
          ┊   app: reset at 400.0 s by natgw
          ┊ natgw: no flow (forgot it at 350.0 s)
          │   api: ESTABLISHED (was never told)
)");
}

// S0.2, S1.3: keepalives below the timeout hold the flow, and the answer arrives.
TEST(Ladder, KeepalivesHoldTheFlow) {
  Stage stage;
  keepalive(stage);
  expect_picture(stage.ladder(), kOpening + R"(
          │                                   ··· 60.0 s idle ···                                  │
 60.000s  │──────────────── keepalive ───────────────>│──────────────── keepalive ────────────────>│
 60.001s  │<───────────── keepalive ACK ──────────────│<───────────── keepalive ACK ───────────────│
          │                                   ··· 60.0 s idle ···                                  │
120.000s  │──────────────── keepalive ───────────────>│──────────────── keepalive ────────────────>│
120.001s  │<───────────── keepalive ACK ──────────────│<───────────── keepalive ACK ───────────────│
          │                   ··· 3 more keepalives in 120.0 s, each answered ···                  │
360.000s  │──────────────── keepalive ───────────────>│──────────────── keepalive ────────────────>│
360.001s  │<───────────── keepalive ACK ──────────────│<───────────── keepalive ACK ───────────────│
363.000s  │<─────────────── PSH 57 B ─────────────────│<──────────────── PSH 57 B ─────────────────│
363.001s  │─────────────────── ACK ──────────────────>│─────────────────── ACK ───────────────────>│
363.010s  │─────────────────── FIN ──────────────────>│─────────────────── FIN ───────────────────>│
363.010s  ┊<────────────────── FIN ───────────────────┊<────────────────── FIN ────────────────────┊
363.010s  ┊─────────────────── ACK ──────────────────>┊─────────────────── ACK ───────────────────>┊
          ┊                                           ┊                                            ┊
          who still believes in the connection:
          ┊   app: closed at 363.0 s
          ┊ natgw: closed the flow at 363.0 s
          ┊   api: closed at 363.0 s
)");
}

// L6, L7: a late datagram is dropped, the next request opens a flow with another port.
TEST(Ladder, DatagramsOpenNewFlows) {
  Stage stage(Protocol::kUdp);
  datagrams(stage);
  expect_picture(stage.ladder({.columns = 80}), R"(
udp app:40000 > api:8080   0.000s is 1.000s of virtual time                   #1

          app                             natgw                              api
          10.0.1.10:40000         as 203.0.113.10:51234        203.0.113.80:8080
  0.000s  │─────────── UDP 33 B ───────────>│──────────── UDP 33 B ───────────>│
  0.010s  │<────────── UDP 120 B ───────────│<────────── UDP 120 B ────────────│
          │                        ··· 180.0 s idle ···                        │
180.010s  │   [ forgets the flow after 180 s of silence; nobody was told ]     │
          │                         ··· 19.0 s idle ···                        │
199.000s  │    no flow: dropped (LATE-DROP) X<─────────── UDP 48 B ────────────│
          │                         ··· 10.0 s idle ···                        │
209.000s  │─────────── UDP 33 B ───────────>│──────────── UDP 33 B ───────────>│
209.000s  │            [ opens a new flow as 203.0.113.10:60001 ]              │
          │                                 │                                  │
          what each side knows:
          │   app: 2 datagrams sent, 1 received (never got the late answer)
          │ natgw: has the flow
          │   api: 2 datagrams sent, 2 received
)");
}

// A connection that nobody forgets.
TEST(Ladder, AQuickSuccess) {
  Stage stage;
  quick(stage);
  expect_picture(stage.ladder(), R"(
tcp app:40000 > api:8080   0.000s is 12.500s of virtual time                                      #1

         app                                        natgw                                        api
         10.0.1.10:40000                    as 203.0.113.10:51234                  203.0.113.80:8080
 0.000s  │─────────────────── SYN ───────────────────>│─────────────────── SYN ───────────────────>┊
 0.000s  │<──────────────── SYN,ACK ──────────────────│<──────────────── SYN,ACK ──────────────────│
 0.000s  │─────────────────── ACK ───────────────────>│─────────────────── ACK ───────────────────>│
 0.002s  │──────────────── PSH 120 B ────────────────>│──────────────── PSH 120 B ────────────────>│
 0.003s  │<────────────────── ACK ────────────────────│<────────────────── ACK ────────────────────│
 0.100s  │<──────────────── PSH 57 B ─────────────────│<──────────────── PSH 57 B ─────────────────│
 0.100s  │─────────────────── ACK ───────────────────>│─────────────────── ACK ───────────────────>│
 0.110s  │─────────────────── FIN ───────────────────>│─────────────────── FIN ───────────────────>│
 0.110s  ┊<────────────────── FIN ────────────────────┊<────────────────── FIN ────────────────────┊
 0.110s  ┊─────────────────── ACK ───────────────────>┊─────────────────── ACK ───────────────────>┊
         ┊                                            ┊                                            ┊
         who still believes in the connection:
         ┊   app: closed at 0.1 s
         ┊ natgw: closed the flow at 0.1 s
         ┊   api: closed at 0.1 s
)");
}

// 100,000 segments are three rows and a sum.
TEST(Ladder, BulkDataIsFolded) {
  Stage stage;
  bulk(stage);
  expect_picture(stage.ladder(), R"(
tcp app:40000 > api:8080   0.000s is 0.000s of virtual time                                       #1

         app                                        natgw                                        api
         10.0.1.10:40000                    as 203.0.113.10:51234                  203.0.113.80:8080
 0.000s  │─────────────────── SYN ───────────────────>│─────────────────── SYN ───────────────────>┊
 0.000s  │<──────────────── SYN,ACK ──────────────────│<──────────────── SYN,ACK ──────────────────│
 0.000s  │─────────────────── ACK ───────────────────>│─────────────────── ACK ───────────────────>│
 0.000s  │───────────────── 1,448 B ─────────────────>│───────────────── 1,448 B ─────────────────>│
 0.000s  │───────────────── 1,448 B ─────────────────>│───────────────── 1,448 B ─────────────────>│
         │                  ··· 149,996 packets, 138.1 MiB from app in 5.0 s ···                   │
 5.000s  │───────────────── 1,448 B ─────────────────>│───────────────── 1,448 B ─────────────────>│
 5.000s  │<────────────────── ACK ────────────────────│<────────────────── ACK ────────────────────│
 5.100s  │─────────────────── FIN ───────────────────>│─────────────────── FIN ───────────────────>│
 5.100s  ┊<────────────────── FIN ────────────────────┊<────────────────── FIN ────────────────────┊
 5.100s  ┊─────────────────── ACK ───────────────────>┊─────────────────── ACK ───────────────────>┊
         ┊                                            ┊                                            ┊
         who still believes in the connection:
         ┊   app: closed at 5.1 s
         ┊ natgw: closed the flow at 5.1 s
         ┊   api: closed at 5.1 s
)");
}

// What a link loses ends on the way, and the link's reason stands below it.
TEST(Ladder, ALinkLosesPackets) {
  Stage stage;
  const Words syn{kTcpSyn, 1000, 0};
  stage.at(1).loses(stage.original, syn, kPrivate, kNoInterface, kNatInside);
  stage.at(2).app_speaks(syn);
  stage.flow(EventKind::kFlowNew).loses(stage.reply().reversed(), syn, kInternet, kNatOutside, kNoInterface);
  expect_picture(stage.ladder({.columns = 80}), R"(
tcp app:40000 > api:8080   0.000s is 1.000s of virtual time                   #1

         app                              natgw                              api
         10.0.1.10:40000          as 203.0.113.10:51234        203.0.113.80:8080
 0.000s  │──────── SYN ────────>X           ┊                                  ┊
         │ LINK-LOSS: the link lost the packet, as its `loss` says             ┊
 1.000s  │─────────── SYN again ───────────>│──────── SYN ────────>X           ┊
         │             LINK-LOSS: the link lost the packet, as its `loss` says ┊
         │                                  │                                  ┊
         who still believes in the connection:
         │   app: SYN_SENT (no answer yet)
         │ natgw: has the flow
         ┊   api: no connection
)");
  EXPECT_EQ(stage.only().end(End::kOpener).packets_sent, 2U);
  EXPECT_EQ(stage.only().end(End::kResponder).packets_received, 0U);
}

// ICMP echo by identifier.
TEST(Ladder, EchoHasNoConnection) {
  Stage stage(Protocol::kIcmp);
  ping(stage);
  expect_picture(stage.ladder(), R"(
icmp app > api id 7   0.000s is 1.000s of virtual time                                            #1

         app                                        natgw                                        api
         10.0.1.10                             as 203.0.113.10                          203.0.113.80
 0.000s  │──────────── echo request 56 B ────────────>│──────────── echo request 56 B ────────────>│
 0.010s  │<──────────── echo reply 56 B ──────────────│<──────────── echo reply 56 B ──────────────│
         │                                            │                                            │
         what each side knows:
         │   app: 1 packet sent, 1 received
         │ natgw: has the flow
         │   api: 1 packet sent, 1 received
)");
}

// 60 columns: labels give way, words wrap.
TEST(Ladder, ANarrowTerminalIsEnough) {
  Stage stage;
  late_client(stage);
  expect_picture(stage.ladder({.columns = 60}), R"(
tcp app:40000 > api:8080                                  #1

          app                   natgw                    api
          10.0.1.10:40000 as 203.0.113.10…  203.0.113.80:80…
  0.000s  │───────── SYN ────────>│───────── SYN ─────────>┊
  0.000s  │<────── SYN,ACK ───────│<────── SYN,ACK ────────│
  0.000s  │───────── ACK ────────>│───────── ACK ─────────>│
  0.002s  │────── PSH 120 B ─────>│────── PSH 120 B ──────>│
  0.003s  │<──────── ACK ─────────│<──────── ACK ──────────│
          │              ··· 350.0 s idle ···              │
350.003s  │  [ forgets the flow after 350 s of silence;    │
          │               nobody was told ]                │
351.003s  │─────── PSH 5 B ──────>X answered with a RST    │
351.003s  ┊<─── RST by natgw ─────┊                        │
          ┊                       ┊                        │
          who still believes in the connection:
          ┊   app: reset at 351.0 s by natgw
          ┊ natgw: no flow (forgot it at 350.0 s)
          │   api: ESTABLISHED (was never told)
)");
}

// A packet of a connection that no box ever knew: the box itself is the other end of the picture.
TEST(Ladder, AStrangersPacketEndsAtTheBox) {
  Stage stage;
  stage.at(1).api_is_late({kTcpAck, 1, 0});
  expect_picture(stage.ladder(), R"(
tcp api:8080 > natgw.outside:51234   0.000s is 1.000s of virtual time                             #1

         api                                                                                   natgw
         203.0.113.80:8080
 0.000s  │────────────────────────────────────────── ACK ─────────────────────────────────────────>X
         │           LATE-DROP: the packet belongs to no living flow and is not one that opens one ┊
         │                                                                                         ┊
         who still believes in the connection:
         │   api: ESTABLISHED
         ┊ natgw: no flow
)");
}

TEST(Ladder, NoLineIsWiderThanAskedFor) {
  for (size_t columns = kLeastColumns; columns <= 130; ++columns) {
    for (void (*scene)(Stage&) : {late_answer, late_client, late_probe, keepalive, quick}) {
      Stage stage;
      scene(stage);
      const std::string picture = stage.ladder({.columns = columns});
      size_t widest = 0;
      for (size_t start = 0; start < picture.size();) {
        const size_t end = picture.find('\n', start);
        const size_t size = width(std::string_view(picture).substr(start, end - start));
        EXPECT_LE(size, columns) << picture;
        widest = std::max(widest, size);
        start = end + 1;
      }
      EXPECT_EQ(widest, columns);
    }
  }
}

TEST(Ladder, ColoursChangeNothingButColours) {
  Stage stage;
  late_client(stage);
  const std::string coloured = stage.ladder({.colour = true});
  std::string plain;
  for (size_t at = 0; at < coloured.size(); ++at) {
    if (coloured[at] == '\x1b') {
      at = coloured.find('m', at);
    } else {
      plain += coloured[at];
    }
  }
  EXPECT_NE(coloured, plain);
  EXPECT_EQ(plain, stage.ladder());
}

// Ten boxes in series leave little room for words and none for a crash.
TEST(Ladder, ManyBoxesStillFit) {
  topology::Directory directory = nat_directory();
  directory.boxes.clear();
  directory.interfaces.clear();
  for (uint8_t box = 0; box < 10; ++box) {
    directory.boxes.push_back({"box-with-a-long-name-" + std::to_string(box), "firewall", {"inside", "outside"}});
    directory.interfaces.push_back({BoxId{box}, Side{0}, LinkId{box}});
    directory.interfaces.push_back({BoxId{box}, Side{1}, LinkId{static_cast<uint8_t>(box + 1)}});
  }
  Recorder recorder(directory);
  const Stage stage;
  for (uint8_t link = 0; link <= 10; ++link) {
    const InterfaceId from = link == 0 ? kNoInterface : InterfaceId{static_cast<uint8_t>(2 * link - 1)};
    const InterfaceId to = link == 10 ? kNoInterface : InterfaceId{static_cast<uint8_t>(2 * link)};
    recorder.add(stage.packet(stage.original, {kTcpSyn, 1000, 0}, LinkId{link}, from, to));
  }
  const Conversation story = recorder.find("last").at(0);
  ASSERT_EQ(story.boxes.size(), 10u);
  for (uint8_t box = 0; box < 10; ++box) {
    EXPECT_EQ(story.boxes[box].box, BoxId{box});
  }
  const std::string picture = render_ladder(story, directory, {.columns = 60});
  for (size_t start = 0; start < picture.size();) {
    const size_t end = picture.find('\n', start);
    EXPECT_LE(width(std::string_view(picture).substr(start, end - start)), 60u);
    start = end + 1;
  }
}

}  // namespace
}  // namespace lapse::story
