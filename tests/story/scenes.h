// scenes.h - the seeds' stories, played on the stage.
//
// Owner:    the test.
// Memory:   none.
// Time:     the stage's.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     aws-behaviour S0.1, S0.2, S1.4, 2.1 L7.
#pragma once

#include "tests/story/stage.h"

namespace lapse::story {

inline constexpr uint8_t kData = kTcpPsh | kTcpAck;
inline constexpr uint8_t kFinAck = kTcpFin | kTcpAck;

// S0.1: the answer comes after 363 s, meets no flow, and is repeated.
inline void late_answer(Stage& stage) {
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished);
  double time = 375.5;
  double pause = 0.2;
  for (int attempt = 0; attempt < 8; ++attempt, time += pause, pause *= 2) {
    stage.at(time).api_is_late({kData, 5001, 57});
  }
}

// S1.4, L1: the client speaks a second too late.
inline void late_client(Stage& stage) {
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished).at(363.503).app_is_late({kData, 1121, 5}, 5001);
}

// S0.8: a keepalive that comes after the timeout.
inline void late_probe(Stage& stage) {
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished).at(412.502).app_is_late({kTcpAck, 1120, 0}, 5001);
}

inline void close_by_app(Stage& stage, uint32_t app_sequence, uint32_t api_sequence) {
  stage.app_says({kFinAck, app_sequence, 0}).flow(EventKind::kFlowClosing);
  stage.api_says({kFinAck, api_sequence, 0}).flow(EventKind::kFlowClosed).app_says({kTcpAck, app_sequence + 1, 0});
}

// S0.2: keepalive every 60 s, the answer arrives after 363 s.
inline void keepalive(Stage& stage) {
  request(stage);
  for (int probe = 1; probe <= 6; ++probe) {
    stage.at(12.5 + 60 * probe).app_says({kTcpAck, 1120, 0});
    stage.at(12.501 + 60 * probe).api_says({kTcpAck, 5001, 0});
  }
  stage.at(375.5).api_says({kData, 5001, 57}).at(375.501).app_says({kTcpAck, 1121, 0});
  close_by_app(stage.at(375.51), 1121, 5058);
}

inline void quick(Stage& stage) {
  request(stage);
  stage.at(12.6).api_says({kData, 5001, 57}).app_says({kTcpAck, 1121, 0});
  close_by_app(stage.at(12.61), 1121, 5058);
}

inline void ping(Stage& stage) {
  stage.at(1).app_opens({0, 0, 56}).at(1.01).api_says({0, 0, 56});
}

// L7: the second answer comes after the timeout; L6: the next request opens a new flow with another port.
inline void datagrams(Stage& stage) {
  stage.at(1).app_opens({0, 0, 33}).at(1.01).api_says({0, 0, 120});
  stage.at(181.01).expires(180, TimeoutClass::kUdpStream).at(200).api_is_late({0, 0, 48});
  stage.nat_port = be16(60001);
  stage.generation = 4;
  stage.at(210).app_opens({0, 0, 33});
}

// 100,000 segments of 1448 bytes, every second one acknowledged.
inline void bulk(Stage& stage) {
  stage.at(0).handshake();
  uint32_t sequence = 1001;
  for (int segment = 0; segment < 100'000; ++segment) {
    stage.now += std::chrono::microseconds(50);
    stage.app_says({kTcpAck, sequence, 1448});
    sequence += 1448;
    if (segment % 2 == 1) {
      stage.api_says({kTcpAck, 5001, 0});
    }
  }
  close_by_app(stage.at(5.1), sequence, 5001);
}

}  // namespace lapse::story
