#include "sim/scenario/stage.h"

#include <algorithm>

namespace lapse::sim {
namespace {

constexpr Duration kLongestWay = std::chrono::seconds(1);  // of a datagram to its server

}  // namespace

Stage::Stage(const Scenario& scenario, Ground& ground) : scenario_(scenario), ground_(ground), switchboard_(ground) {
  for (const Step& step : scenario.steps) {
    deeds_.push_back(std::make_unique<Timer>(ground_.engine(), [this, &step] {
      last_step_ = &step;
      std::visit([this](const auto& deed) { act(deed); }, step.action);
    }));
    deeds_.back()->arm(step.at);
  }
}

// ---- steps ----

// A box decides who is asked: every host serves the port by a program that answers, unless a proxy of its own is there.
void Stage::serve(const Connect& connect) {
  for (const topology::Host& host : scenario_.topology.hosts) {
    if (!ground_.listens(host.name, connect.port)) {
      switchboard_.serve(host.name, connect.port, [this](Client& client) -> Responder& {
        return *servers_.emplace_back(std::make_unique<Server>(ground_, client.settings_of_other_end()));
      });
    }
  }
}

void Stage::act(const Connect& connect) {
  serve(connect);
  auto& client = clients_[connect.flow];
  client = std::make_unique<Client>(switchboard_, connect);
  client->connect();
}

void Stage::act(const OpenPool& pool) {
  serve(pool.connect);
  pools_[pool.connect.flow] = std::make_unique<Pool>(switchboard_, pool.connect, pool.pool);
}

void Stage::act(const OpenProxy& settings) {
  serve(settings.upstream);
  auto& proxy = proxies_[settings.upstream.flow];
  proxy = std::make_unique<Proxy>(switchboard_, settings);
  switchboard_.serve(settings.upstream.host, settings.port,
                     [&proxy = *proxy](Client&) -> Responder& { return proxy.accept(); });
}

void Stage::act(const Request& request) {
  const auto exchange = std::make_shared<Exchange>(request);
  if (const auto client = clients_.find(request.flow); client != clients_.end()) {
    client->second->ask(exchange);
  } else {
    pools_.at(request.flow)->ask(exchange, [](const ExchangePtr&, const std::string&) {});
  }
}

void Stage::act(const Send& send) {
  if (clients_.contains(send.flow)) {
    if (Program* const sender = program(send.flow, send.party)) {
      sender->send(send.size);
    }
    return;
  }
  Talk& talk = talks_.at(send.flow);
  const auto size = static_cast<uint16_t>(send.size);
  if (send.party == Party::kClient) {
    talk.spoke = ++datagrams_sent_;
    talk.spoke_at = ground_.engine().now();
    ground_.send_datagram(talk.first.host, talk.tuple.source_port, talk.first.to, talk.first.port, size);
    return;
  }
  for (const topology::Host& host : scenario_.topology.hosts) {
    if (talk.at_server && ground_.owns(host.name, talk.at_server->destination)) {
      ground_.send_datagram(host.name, talk.at_server->destination_port, talk.at_server->source,
                            talk.at_server->source_port, size);
    }
  }
}

void Stage::act(const Close& close) {
  if (Program* const closer = program(close.flow, close.party)) {
    closer->close(close.how);
  }
}

void Stage::act(const Datagram& datagram) {
  for (const topology::Host& host : scenario_.topology.hosts) {
    serve_datagrams(host.name, datagram.port);
  }
  Talk& talk = talks_[datagram.flow];
  talk.first = datagram;
  talk.spoke = ++datagrams_sent_;
  talk.spoke_at = ground_.engine().now();
  const auto sent = ground_.request(datagram, [&talk](const FiveTuple&, uint16_t size) { talk.received[0] += size; });
  if (sent) {
    talk.tuple = *sent;
  }
}

void Stage::serve_datagrams(const std::string& host, Be16 port) {
  ground_.bind(host, port, [this, host](const FiveTuple& from, uint16_t size) {
    if (Talk* const talk = talk_of(from)) {
      talk->at_server = from;
      talk->received[1] += size;
      answer_later(*talk, host, from);
    }
  });
}

// A box may give a client another address or port at any time: then it is who spoke last to this server, or, of those
// whose first datagrams are on their way, who spoke first.
Stage::Talk* Stage::talk_of(const FiveTuple& from) {
  Talk* newest = nullptr;
  Talk* expected = nullptr;
  for (auto& [name, talk] : talks_) {
    if (talk.at_server == from) {
      return &talk;
    }
    const bool is_to = talk.first.to == from.destination && talk.first.port == from.destination_port;
    if (is_to && (newest == nullptr || talk.spoke > newest->spoke)) {
      newest = &talk;
    }
    const bool on_its_way = is_to && !talk.at_server && ground_.engine().now() - talk.spoke_at < kLongestWay;
    if (on_its_way && (expected == nullptr || talk.spoke < expected->spoke)) {
      expected = &talk;
    }
  }
  return expected != nullptr ? expected : newest;
}

void Stage::answer_later(Talk& talk, const std::string& host, const FiveTuple& from) {
  if (talk.first.response == 0) {
    return;
  }
  const auto size = static_cast<uint16_t>(talk.first.response);
  talk.work.push_back(std::make_unique<Timer>(ground_.engine(), [this, host, from, size] {
    ground_.send_datagram(host, from.destination_port, from.source, from.source_port, size);
  }));
  talk.work.back()->arm(ground_.engine().now() + talk.first.after);
}

// ---- what there is to see ----

Program* Stage::program(const std::string& flow, Party party) {
  Client& client = *clients_.at(flow);
  return party == Party::kClient ? static_cast<Program*>(&client) : client.responder();
}

namespace {

Experience of_program(const Program& program) {
  return {.error = program.error(), .error_at = program.error_at(), .received = program.received()};
}

Experience of_client(const Client& client) {
  Experience experience = of_program(client);
  experience.waiting = client.waiting();
  experience.waiting_since = client.waiting_since();
  experience.status = client.status();
  experience.connections = client.tuples().size();
  experience.lost = client.lost_before_last();
  return experience;
}

Experience of_pool(const Pool& pool) {
  return {.error = pool.error(),
          .error_at = pool.error_at(),
          .waiting = pool.waiting(),
          .waiting_since = pool.waiting_since(),
          .received = pool.received(),
          .status = pool.status(),
          .connections = pool.opened(),
          .lost = pool.lost_before_last()};
}

Experience of_responder(const Responder* responder) {
  return responder == nullptr ? Experience{.began = false} : of_program(*responder);
}

}  // namespace

Experience Stage::experience(const std::string& flow, Party party) {
  const bool of_the_client = party == Party::kClient;
  Experience experience{.began = false};
  if (const auto client = clients_.find(flow); client != clients_.end()) {
    experience = of_the_client ? of_client(*client->second) : of_responder(client->second->responder());
  } else if (const auto pool = pools_.find(flow); pool != pools_.end()) {
    experience = of_the_client ? of_pool(*pool->second) : of_responder(pool->second->newest_responder());
  } else if (const auto proxy = proxies_.find(flow); proxy != proxies_.end()) {
    Pool& upstream = proxy->second->upstream();
    experience = of_the_client ? of_pool(upstream) : of_responder(upstream.newest_responder());
  } else if (const auto talk = talks_.find(flow); talk != talks_.end()) {
    experience = {.received = talk->second.received[of_the_client ? 0 : 1]};
  }
  experience.flow = flow;
  experience.party = party;
  experience.host = host_of(flow, party);
  return experience;
}

std::string Stage::host_of(const std::string& flow, Party party) const {
  const auto of = [&](const auto& deed) {
    return party == Party::kClient ? deed.host : ground_.directory().name_of(deed.to);
  };
  for (const Step& step : scenario_.steps) {
    if (const auto* connect = std::get_if<Connect>(&step.action); connect != nullptr && connect->flow == flow) {
      return of(*connect);
    }
    if (const auto* pool = std::get_if<OpenPool>(&step.action); pool != nullptr && pool->connect.flow == flow) {
      return of(pool->connect);
    }
    if (const auto* proxy = std::get_if<OpenProxy>(&step.action); proxy != nullptr && proxy->upstream.flow == flow) {
      return of(proxy->upstream);
    }
    if (const auto* datagram = std::get_if<Datagram>(&step.action); datagram != nullptr && datagram->flow == flow) {
      return of(*datagram);
    }
  }
  return "";
}

std::vector<FiveTuple> Stage::tuples(const std::string& flow) const {
  if (const auto client = clients_.find(flow); client != clients_.end()) {
    return client->second->tuples();
  }
  if (const auto pool = pools_.find(flow); pool != pools_.end()) {
    return pool->second->tuples();
  }
  if (const auto proxy = proxies_.find(flow); proxy != proxies_.end()) {
    return proxy->second->upstream().tuples();
  }
  const auto talk = talks_.find(flow);
  return talk == talks_.end() ? std::vector<FiveTuple>{} : std::vector{talk->second.tuple};
}

std::vector<std::string> Stage::flow_names() const {
  std::vector<std::string> names;
  const auto add = [&names](const auto& all) {
    for (const auto& [name, value] : all) {
      names.push_back(name);
    }
  };
  add(clients_);
  add(pools_);
  add(proxies_);
  add(talks_);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lapse::sim
