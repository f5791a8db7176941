// api_bench.h - a server on a fake instance and a real socket, in a folder of its own.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a folder under the system's temporary one.
// Lifetime: the folder is gone with the bench.
// Spec:     none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <stdlib.h>

#include "gtest/gtest.h"

#include "control/api/client.h"
#include "control/api/server.h"
#include "tests/api/fake_instance.h"

namespace lapse::api {

class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "lapse-api-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ApiBench {
 public:
  explicit ApiBench(bool hosts_warped = false) {
    auto started =
        Server::start(instance, {.name = "nat-gateway", .socket_path = socket, .hosts_warped = hosts_warped});
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }

  // The first seed's story, told to the server as the data plane would.
  void play(const std::vector<Event>& events) {
    for (const Event& event : events) {
      instance.tell(event);
    }
  }

  Folder folder;
  std::string socket = folder / "control.sock";
  FakeInstance instance;
  std::unique_ptr<Server> server;
  Client client{socket};
};

// A late answer: request, silence, expiry, drop.
inline std::vector<Event> late_answer_events() {
  const story::Stage stage;
  std::vector<Event> events;
  const auto at = [&](double seconds, Event event) {
    event.time = event.real = Instant{std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000))};
    events.push_back(event);
  };
  const auto flow_event = [&](EventKind kind) {
    Event event;
    event.kind = kind;
    event.box = story::kNat;
    event.tuple = stage.original;
    event.reply = stage.reply();
    event.flow = 17;
    event.generation = 3;
    return event;
  };
  const auto packet = [&](const FiveTuple& tuple, story::Words words, LinkId link, InterfaceId from, InterfaceId to) {
    return stage.packet(tuple, words, link, from, to);
  };
  const story::Words syn{kTcpSyn, 1000, 0};
  at(10, packet(stage.original, syn, story::kPrivate, kNoInterface, story::kNatInside));
  at(10, flow_event(EventKind::kFlowNew));
  at(10, packet(stage.reply().reversed(), syn, story::kInternet, story::kNatOutside, kNoInterface));
  Event expired = flow_event(EventKind::kFlowExpired);
  expired.timeout_ms = 350'000;
  expired.timeout_class = static_cast<uint8_t>(TimeoutClass::kTcpEstablished);
  at(360, expired);
  const story::Words answer{kTcpPsh | kTcpAck, 5001, 57};
  at(373, packet(stage.reply(), answer, story::kInternet, kNoInterface, story::kNatOutside));
  Event late = packet(stage.reply(), answer, kNoLink, kNoInterface, kNoInterface);
  late.kind = EventKind::kLatePacket;
  late.box = story::kNat;
  late.side = Side{1};
  late.reason = DropReason::kLate;
  at(373, late);
  late.kind = EventKind::kPacketDropped;
  at(373, late);
  return events;
}

}  // namespace lapse::api
