#include "sim/scenario/runner.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"

#include "control/story/ladder.h"
#include "control/story/recorder.h"
#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/scenario/program.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

// Boxes stamp flows with a tick of a millisecond.
constexpr Duration kTolerance = kTick;
constexpr uint64_t kMostEvents = 50'000'000;

// A datagram conversation: a client with one port, and whatever answers it.
struct Talk {
  Datagram first;
  FiveTuple tuple;      // as the client sends it
  FiveTuple at_server;  // as it last arrived there
  uint64_t received[2] = {0, 0};
  std::vector<std::unique_ptr<Timer>> work;
};

struct Deed {
  const Step* step;
  std::unique_ptr<Timer> timer;
};

std::string time_text(Instant instant) {
  return topology::duration_text(instant.time_since_epoch());
}

bool near(Instant left, Instant right) {
  return left >= right - kTolerance && left <= right + kTolerance;
}

class Player {
 public:
  Player(const Scenario& scenario, uint64_t seed);

  absl::Status run();
  Outcome outcome();

 private:
  void listen();
  void serve_datagrams(Host& host, Be16 port);
  TcpUser* accept(TcpSocket& socket);

  void act(const Connect& connect);
  void act(const Request& request);
  void act(const Send& send);
  void act(const Close& close);
  void act(const Datagram& datagram);
  void act(const Vanish& vanish) { world_->host(vanish.host)->vanish(); }
  void act(const Readdress& readdress) { world_->host(readdress.host)->readdress(readdress.address); }
  void act(const Stop&) {}

  void check(const Expectation& expectation);
  std::string found(const Expectation& expectation, const ExpectEvent& expected);
  std::string found(const Expectation& expectation, const ExpectCount& expected);
  std::string found(const Expectation& expectation, const ExpectProgram& expected);
  std::string found(const Expectation& expectation, const ExpectSocket& expected);
  std::string found(const Expectation& expectation, const ExpectFlow& expected);

  bool fits(const Event& event, const EventFilter& filter);
  const std::set<std::string>& tuples_of(const std::string& flow);
  std::optional<FiveTuple> tuple_of(const std::string& flow) const;
  bool from_client(const Event& event, const std::string& flow);
  std::string box_name(BoxId box) const;

  const Scenario& scenario_;
  std::unique_ptr<World> world_;
  std::unique_ptr<story::Recorder> recorder_;
  std::vector<Event> events_;  // but packets
  std::vector<Deed> deeds_;
  std::map<std::string, std::unique_ptr<Client>> clients_;
  std::map<std::string, Talk> talks_;
  std::map<std::string, std::set<std::string>> tuples_;
  std::vector<Miss> misses_;
};

Player::Player(const Scenario& scenario, uint64_t seed) : scenario_(scenario) {
  world_ = std::make_unique<World>(scenario.topology, World::Options{.seed = seed}, [this](const Event& event) {
    recorder_->add(event);
    if (event.kind != EventKind::kPacket) {
      events_.push_back(event);
    }
  });
  recorder_ = std::make_unique<story::Recorder>(world_->directory());
  for (const topology::Host& host : scenario.topology.hosts) {
    world_->host(host.name)->settings().timer_step = scenario.defaults.timer_step;
  }
  listen();
  for (const Step& step : scenario.steps) {
    const auto action = [this, &step] { std::visit([this](const auto& deed) { act(deed); }, step.action); };
    deeds_.push_back({&step, std::make_unique<Timer>(world_->engine(), action)});
    deeds_.back().timer->arm(step.at);
  }
}

// Every host serves the ports that the steps speak to.
void Player::listen() {
  for (const topology::Host& host : scenario_.topology.hosts) {
    Host& machine = *world_->host(host.name);
    for (const Step& step : scenario_.steps) {
      if (const auto* const connect = std::get_if<Connect>(&step.action)) {
        machine.listen(connect->port, [this](TcpSocket& socket) { return accept(socket); });
      } else if (const auto* const datagram = std::get_if<Datagram>(&step.action)) {
        serve_datagrams(machine, datagram->port);
      }
    }
  }
}

// No box changes where a connection's numbers begin.
TcpUser* Player::accept(TcpSocket& socket) {
  for (const auto& [name, client] : clients_) {
    if (client->initial_sequence() == socket.peer_initial_sequence()) {
      return &client->accepted();
    }
  }
  return nullptr;
}

void Player::serve_datagrams(Host& host, Be16 port) {
  host.bind(port, [this, &host](const FiveTuple& from, uint16_t size) {
    for (auto& [name, talk] : talks_) {
      // A box may have changed the address and port; that who asks is one of these is certain.
      if (talk.tuple.destination != from.destination || talk.tuple.destination_port != from.destination_port) {
        continue;
      }
      talk.at_server = from;
      talk.received[1] += size;
      if (talk.first.response > 0) {
        const auto answer = [&host, from, size = static_cast<uint16_t>(talk.first.response)] {
          host.send_datagram(from.source, from.source_port, from.destination_port, size);
        };
        talk.work.push_back(std::make_unique<Timer>(world_->engine(), answer));
        talk.work.back()->arm(world_->engine().now() + talk.first.after);
      }
      return;
    }
  });
}

// ---- steps ----

void Player::act(const Connect& connect) {
  auto& client = clients_[connect.flow];
  client = std::make_unique<Client>(*world_, connect);
  client->connect();
}

void Player::act(const Request& request) {
  if (const auto client = clients_.find(request.flow); client != clients_.end()) {
    client->second->ask(request);
  }
}

void Player::act(const Send& send) {
  if (const auto client = clients_.find(send.flow); client != clients_.end()) {
    Program* const program =
        send.party == Party::kClient ? static_cast<Program*>(client->second.get()) : client->second->server();
    if (program != nullptr) {
      program->send(send.size);
    }
    return;
  }
  Talk& talk = talks_[send.flow];
  const auto size = static_cast<uint16_t>(send.size);
  if (send.party == Party::kClient) {
    world_->host(talk.first.host)->send_datagram(talk.first.to, talk.first.port, talk.tuple.source_port, size);
    return;
  }
  for (const topology::Host& host : scenario_.topology.hosts) {
    if (Host& machine = *world_->host(host.name); machine.owns(talk.at_server.destination)) {
      machine.send_datagram(talk.at_server.source, talk.at_server.source_port, talk.at_server.destination_port, size);
    }
  }
}

void Player::act(const Close& close) {
  const auto client = clients_.find(close.flow);
  Program* const program = client == clients_.end()        ? nullptr
                           : close.party == Party::kClient ? static_cast<Program*>(client->second.get())
                                                           : client->second->server();
  if (program != nullptr) {
    program->close(close.how);
  }
}

void Player::act(const Datagram& datagram) {
  Talk& talk = talks_[datagram.flow];
  talk.first = datagram;
  const auto sent = world_->host(datagram.host)
                        ->request(datagram.to, datagram.port, static_cast<uint16_t>(datagram.size),
                                  [&talk](const FiveTuple&, uint16_t size) { talk.received[0] += size; });
  if (sent) {
    talk.tuple = *sent;
  }
}

// ---- the course of things ----

absl::Status Player::run() {
  std::set<Instant> stops{scenario_.end};
  for (const Expectation& expectation : scenario_.expectations) {
    if (expectation.at && *expectation.at < scenario_.end) {
      stops.insert(*expectation.at);
    }
  }
  for (const Instant stop : stops) {
    if (!world_->run_until(stop, kMostEvents)) {
      return absl::ResourceExhaustedError(absl::StrCat(scenario_.file, ": the story does not end: ", kMostEvents,
                                                       " events by ", time_text(world_->engine().now())));
    }
    for (const Expectation& expectation : scenario_.expectations) {
      const bool at_end = !expectation.at || *expectation.at >= scenario_.end || expectation.happens_at ||
                          std::holds_alternative<ExpectEvent>(expectation.what);
      if (at_end ? stop == scenario_.end : *expectation.at == stop) {
        check(expectation);
      }
    }
  }
  return absl::OkStatus();
}

Outcome Player::outcome() {
  Outcome outcome;
  outcome.misses = std::move(misses_);
  outcome.events = world_->engine().events();
  recorder_->visit([&](const story::Conversation& story) {
    outcome.ladders.push_back(story::render_ladder(story, world_->directory()));
    outcome.conversations.push_back(story);
  });
  return outcome;
}

// ---- expectations ----

void Player::check(const Expectation& expectation) {
  const std::string instead =
      std::visit([&](const auto& expected) { return found(expectation, expected); }, expectation.what);
  if (!instead.empty()) {
    misses_.push_back({expectation.place, expectation.text, instead});
  }
}

std::string Player::found(const Expectation&, const ExpectEvent& expected) {
  std::vector<std::string> others;
  for (const Event& event : events_) {
    if (!fits(event, expected.filter)) {
      continue;
    }
    if (!expected.at || near(event.time, *expected.at)) {
      return "";
    }
    others.push_back(time_text(event.time));
  }
  if (others.empty()) {
    return absl::StrCat("no such event");
  }
  return absl::StrCat("it happened at ", others.front(), others.size() > 1 ? " and later" : "");
}

std::string Player::found(const Expectation&, const ExpectCount& expected) {
  uint64_t count = 0;
  std::string first;
  for (const Event& event : events_) {
    if (fits(event, expected.filter)) {
      first = count++ == 0 ? time_text(event.time) : first;
    }
  }
  if (count >= expected.least && count <= expected.most) {
    return "";
  }
  return absl::StrCat(count, count == 1 ? " time" : " times", count > 0 ? absl::StrCat(", first at ", first) : "");
}

std::string Player::found(const Expectation& expectation, const ExpectProgram& expected) {
  const auto client = clients_.find(expected.flow);
  if (client == clients_.end()) {
    const uint64_t received = talks_[expected.flow].received[expected.party == Party::kClient ? 0 : 1];
    return !expected.received || received == *expected.received ? "" : absl::StrCat("received ", received);
  }
  const Program* const program =
      expected.party == Party::kClient ? static_cast<Program*>(client->second.get()) : client->second->server();
  if (program == nullptr) {
    return "the server never had the connection";
  }
  const std::string error = program->error().empty() ? "none" : program->error();
  std::string instead;
  if (expected.error && *expected.error != error) {
    absl::StrAppend(&instead, "error ", error);
  } else if (expected.error && expectation.at && error != "none" && !near(program->error_at(), *expectation.at)) {
    absl::StrAppend(&instead, "error ", error, " at ", time_text(program->error_at()));
  }
  if (expected.received && *expected.received != program->received()) {
    absl::StrAppend(&instead, instead.empty() ? "" : ", ", "received ", program->received());
  }
  if (expected.waiting && *expected.waiting != client->second->waiting()) {
    absl::StrAppend(&instead, instead.empty() ? "" : ", ", "waiting ", client->second->waiting() ? "true" : "false");
  }
  return instead;
}

std::string Player::found(const Expectation&, const ExpectSocket& expected) {
  const auto tuple = tuple_of(expected.flow);
  const auto& known = tuples_of(expected.flow);
  std::string state = "none";
  world_->host(expected.host)->visit_sockets([&](const TcpSocket& socket) {
    const bool is_it = tuple && (socket.tuple() == *tuple || known.contains(to_string(socket.tuple().reversed())));
    state = is_it ? std::string(name(socket.state())) : state;
  });
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

std::string Player::found(const Expectation&, const ExpectFlow& expected) {
  const auto& known = tuples_of(expected.flow);
  std::string state = "none";
  for (size_t id = 0; id < world_->directory().boxes.size(); ++id) {
    const BoxId box{static_cast<uint8_t>(id)};
    const FlowTable* const table = world_->network().box(box).flows();
    if (box_name(box) != expected.box || table == nullptr) {
      continue;
    }
    const Tick now = to_tick(world_->engine().now());
    for (uint32_t record = 0; record < table->record_count(); ++record) {
      const auto flow = table->snapshot(FlowId{record});
      const bool lives = flow && now - flow->last_seen < table->timeouts().dead_after(flow->control.timeout_class);
      if (lives && known.contains(to_string(flow->original))) {
        state = flow->original.protocol == static_cast<uint8_t>(Protocol::kTcp)
                    ? std::string(name(flow->control.tcp_state))
                    : "open";
      }
    }
  }
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

bool Player::fits(const Event& event, const EventFilter& filter) {
  if (event.kind != filter.kind || (!filter.box.empty() && box_name(event.box) != filter.box) ||
      (filter.told && event.told != *filter.told)) {
    return false;
  }
  if (!filter.flow.empty() && !tuples_of(filter.flow).contains(to_string(event.tuple))) {
    return false;
  }
  if (!filter.to) {
    return true;
  }
  for (const auto& [flow, client] : clients_) {
    if ((filter.flow.empty() || filter.flow == flow) && tuples_of(flow).contains(to_string(event.tuple))) {
      return from_client(event, flow) == (*filter.to == Party::kClient);
    }
  }
  return false;
}

std::optional<FiveTuple> Player::tuple_of(const std::string& flow) const {
  if (const auto client = clients_.find(flow); client != clients_.end()) {
    return client->second->tuple();
  }
  const auto talk = talks_.find(flow);
  return talk == talks_.end() ? std::nullopt : std::optional(talk->second.tuple);
}

// Every tuple, in both directions, by which some box or link knows the connection.
const std::set<std::string>& Player::tuples_of(const std::string& flow) {
  std::set<std::string>& known = tuples_[flow];
  const auto add = [&known](const FiveTuple& tuple) {
    known.insert(to_string(tuple));
    known.insert(to_string(tuple.reversed()));
  };
  if (const auto tuple = tuple_of(flow)) {
    add(*tuple);
  }
  for (const Event& event : events_) {
    if (event.kind == EventKind::kFlowNew &&
        (known.contains(to_string(event.tuple)) || known.contains(to_string(event.reply)))) {
      add(event.tuple);
      add(event.reply);
    }
  }
  return known;
}

bool Player::from_client(const Event& event, const std::string& flow) {
  const auto tuple = tuple_of(flow);
  // A reset's tuple is its own: it travels towards whom it answers.
  const Be16 spoken_to = event.kind == EventKind::kRstSent ? event.tuple.source_port : event.tuple.destination_port;
  return tuple && spoken_to == tuple->destination_port;
}

std::string Player::box_name(BoxId box) const {
  return box == kNoBox ? "" : world_->directory().boxes[index(box)].name;
}

}  // namespace

absl::StatusOr<Outcome> play(const Scenario& scenario, uint64_t seed) {
  Player player(scenario, seed);
  if (absl::Status status = player.run(); !status.ok()) {
    return status;
  }
  return player.outcome();
}

std::vector<Miss> lines_that_change_nothing(const std::string& file, uint64_t seed) {
  std::vector<Miss> lines;
  topology::Findings findings;
  const auto scenario = load_scenario(file, {}, findings);
  if (!scenario) {
    return lines;
  }
  for (const Change& change : scenario->must_fail_with) {
    std::string text;
    for (const std::string& setting : change.settings) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", setting);
    }
    topology::Findings refused;
    const auto changed = load_scenario(file, change.settings, refused);
    if (!changed) {
      lines.push_back({change.place, text, refused.errors.front()});
      continue;
    }
    const auto outcome = play(*changed, seed);
    if (outcome.ok() && outcome->misses.empty()) {
      lines.push_back({change.place, text, "every expectation was still met"});
    }
  }
  return lines;
}

}  // namespace lapse::sim
