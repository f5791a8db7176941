// stage.h - a scenario's programs on real hosts: what they do at each step, and what they live through.
//
// Owner:    the director.
// Memory:   a program for each end of each connection.
// Time:     the timeline's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by scenario, timeline and hosts.
// Spec:     sim/scenario/program.h: what programs do is the same there.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "sim/live/hosts.h"
#include "sim/live/timeline.h"
#include "sim/scenario/scenario.h"

namespace lapse::live {

// One end of a connection or of a datagram conversation.
struct End {
  std::string host;
  int socket = 0;  // 0: none, or none any more
  bool began = false;
  sim::ProgramSettings settings;
  uint64_t received = 0;
  std::string error;
  Instant error_at{};
  std::optional<Timeline::Key> idle;
};

struct Asked {
  sim::Request request;
  uint64_t answered_at = 0;  // bytes received by when it is answered
};

// A question at its server.
struct Job {
  sim::Request request;
  uint64_t complete_at = 0;  // bytes received by when it is there
  bool working = false;
};

struct Talk {
  bool datagrams = false;
  sim::Connect connect;    // of a connection
  sim::Datagram datagram;  // of a conversation of datagrams
  End client;
  End server;
  std::optional<FiveTuple> tuple;  // as the client sends it
  std::vector<FiveTuple> tuples;   // the same, of every connection that it has had
  std::string peer;                // the client's address, as the server sees it
  uint16_t peer_port = 0;
  std::deque<Asked> asked;
  uint64_t expected_answers = 0;
  std::vector<Job> jobs;
  uint64_t expected_questions = 0;
  size_t answered = 0;
  std::optional<Timeline::Key> patience;

  bool waiting() const { return !asked.empty(); }
};

class Stage {
 public:
  // Live time runs 'scale' times as fast as the hosts' kernels.
  Stage(const sim::Scenario& scenario, Timeline& timeline, Hosts& hosts, unsigned scale);

  // Opens what is listened on and plans every step.
  absl::Status prepare();
  absl::Status on_news(const News& news);

  const std::map<std::string, Talk>& talks() const { return talks_; }

 private:
  absl::Status act(const sim::Connect& connect);
  absl::Status act(const sim::Request& request);
  absl::Status act(const sim::Send& send);
  absl::Status act(const sim::Close& close);
  absl::Status act(const sim::Datagram& datagram);
  absl::Status act(const sim::Vanish& vanish);
  absl::Status act(const sim::OpenPool& pool);
  absl::Status act(const sim::OpenProxy& proxy);
  absl::Status act(const sim::Readdress&);
  absl::Status act(const sim::Stop&) { return absl::OkStatus(); }

  // A command that has to be carried out; one that a dead connection refuses is no failure of the story.
  absl::Status order(const std::string& host, nlohmann::json command);

  absl::Status open(Talk& talk);
  absl::Status send(End& end, uint64_t size);
  absl::Status send_datagram(Talk& talk, sim::Party party, uint64_t size);
  absl::Status close(End& end, sim::CloseHow how);
  absl::Status touch(End& end);
  void fail(End& end, std::string error);
  absl::Status start_work(Talk& talk);
  void announce(Talk& talk, const sim::Request& request);
  absl::Status on_accepted(const News& news);
  absl::Status on_received(Talk& talk, End& end, uint64_t size);
  absl::Status on_failed(Talk& talk, End& end, const std::string& error);
  absl::Status on_datagram(const News& news);
  void add_options(nlohmann::json& command, const sim::ProgramSettings& settings) const;

  const sim::Scenario& scenario_;
  Timeline& timeline_;
  Hosts& hosts_;
  unsigned scale_;
  int next_socket_ = 1;
  std::map<std::string, Talk> talks_;
  std::vector<std::string> unaccepted_;  // connections whose other end is not known yet, oldest first
  std::map<std::pair<std::string, int>, uint16_t> listening_;  // (host, socket) -> port
};

}  // namespace lapse::live
