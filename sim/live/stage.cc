#include "sim/live/stage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lapse::live {
namespace {

using nlohmann::json;
using sim::CloseHow;
using sim::Party;

const char* word(CloseHow how) {
  return how == CloseHow::kHalf ? "half" : how == CloseHow::kRst ? "rst" : "fin";
}

int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

// What a connection says that is no more: the story knows already, or will hear.
bool is_of_a_dead_connection(const std::string& error) {
  return error == "EPIPE" || error == "ECONNRESET" || error == "EBADF" || error == "ENOTCONN";
}

}  // namespace

Stage::Stage(const sim::Scenario& scenario, Timeline& timeline, Hosts& hosts, unsigned scale)
    : scenario_(scenario), timeline_(timeline), hosts_(hosts), scale_(scale) {}

// Every host serves the ports that the steps speak to, as in the simulation.
absl::Status Stage::prepare() {
  for (const sim::Step& step : scenario_.steps) {
    const auto* const connect = std::get_if<sim::Connect>(&step.action);
    const auto* const datagram = std::get_if<sim::Datagram>(&step.action);
    timeline_.plan(step.at,
                   [this, &step] { return std::visit([this](const auto& deed) { return act(deed); }, step.action); });
    if (connect == nullptr && datagram == nullptr) {
      continue;
    }
    talks_[connect != nullptr ? connect->flow : datagram->flow];
    const uint16_t port = connect != nullptr ? connect->port.host() : datagram->port.host();
    for (const topology::Host& host : scenario_.topology.hosts) {
      const bool known = std::any_of(listening_.begin(), listening_.end(), [&](const auto& one) {
        return one.first.first == host.name && one.second == port;
      });
      if (known) {
        continue;
      }
      const int socket = next_socket_++;
      listening_[{host.name, socket}] = port;
      const json command{{"do", connect != nullptr ? "listen" : "bind"}, {"socket", socket}, {"port", port}};
      if (auto status = order(host.name, command); !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Stage::order(const std::string& host, json command) {
  const auto answer = hosts_.ask(host, command);
  if (!answer.ok()) {
    return answer.status();
  }
  const std::string error = answer->value("error", "");
  if (error.empty() || is_of_a_dead_connection(error)) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("host ", host, ": ", command.dump(), ": ", error));
}

// ---- steps ----

absl::Status Stage::act(const sim::Connect& connect) {
  Talk& talk = talks_[connect.flow];
  talk.connect = connect;
  talk.client.host = connect.host;
  talk.client.settings = connect.client;
  talk.server.settings = connect.server;
  return open(talk);
}

absl::Status Stage::open(Talk& talk) {
  talk.client.began = true;
  talk.client.socket = next_socket_++;
  talk.server.socket = 0;
  talk.tuple.reset();
  unaccepted_.push_back(talk.connect.flow);
  json command{{"do", "connect"},
               {"socket", talk.client.socket},
               {"address", to_string(talk.connect.to)},
               {"port", talk.connect.port.host()}};
  add_options(command, talk.client.settings);
  return order(talk.client.host, command);
}

void Stage::add_options(json& command, const sim::ProgramSettings& settings) const {
  if (settings.keepalive && settings.keepalive->on) {
    command["keepalive"] = {{"time", whole_seconds(settings.keepalive->time) / scale_},
                            {"interval", whole_seconds(settings.keepalive->interval) / scale_},
                            {"probes", settings.keepalive->probes}};
  }
  if (settings.user_timeout != Duration{}) {
    command["user_timeout"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(settings.user_timeout).count() / scale_;
  }
}

absl::Status Stage::act(const sim::Request& request) {
  Talk& talk = talks_.at(request.flow);
  talk.expected_answers += request.response;
  talk.asked.push_back({request, talk.expected_answers});
  if (talk.server.socket != 0) {
    announce(talk, request);
  }
  if (request.timeout != Duration{}) {
    talk.patience = timeline_.plan(timeline_.now() + request.timeout, [this, &talk]() -> absl::Status {
      talk.asked.clear();
      talk.patience.reset();
      const absl::Status closed = close(talk.client, CloseHow::kFin);
      fail(talk.client, "TIMEOUT");
      return closed;
    });
  }
  return send(talk.client, request.size);
}

absl::Status Stage::act(const sim::Send& order_to_send) {
  Talk& talk = talks_.at(order_to_send.flow);
  if (talk.datagrams) {
    return send_datagram(talk, order_to_send.party, order_to_send.size);
  }
  return send(order_to_send.party == Party::kClient ? talk.client : talk.server, order_to_send.size);
}

absl::Status Stage::act(const sim::Close& order_to_close) {
  Talk& talk = talks_.at(order_to_close.flow);
  return close(order_to_close.party == Party::kClient ? talk.client : talk.server, order_to_close.how);
}

absl::Status Stage::act(const sim::Datagram& datagram) {
  Talk& talk = talks_[datagram.flow];
  talk.datagrams = true;
  talk.datagram = datagram;
  talk.client.host = datagram.host;
  talk.client.began = true;
  talk.client.socket = next_socket_++;
  return send_datagram(talk, Party::kClient, datagram.size);
}

absl::Status Stage::act(const sim::Vanish& vanish) {
  timeline_.forget(vanish.host);
  for (const auto& [interface, attachment] : scenario_.topology.find_host(vanish.host)->interfaces) {
    if (auto status = order(vanish.host, {{"do", "vanish"}, {"interface", interface}}); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Stage::act(const sim::OpenPool& pool) {
  return absl::UnimplementedError(absl::StrCat("the pool ", pool.connect.flow, " is simulated only"));
}

absl::Status Stage::act(const sim::OpenProxy& proxy) {
  return absl::UnimplementedError(absl::StrCat("the proxy ", proxy.upstream.flow, " is simulated only"));
}

absl::Status Stage::act(const sim::Readdress& readdress) {
  return absl::UnimplementedError(
      absl::StrCat("host ", readdress.host, " cannot get another address in a lab; play the story without --live"));
}

// ---- programs ----

absl::Status Stage::send(End& end, uint64_t size) {
  if (end.socket == 0 || size == 0) {
    return absl::OkStatus();
  }
  if (auto status = order(end.host, {{"do", "send"}, {"socket", end.socket}, {"size", size}}); !status.ok()) {
    return status;
  }
  return touch(end);
}

absl::Status Stage::send_datagram(Talk& talk, Party party, uint64_t size) {
  const bool from_client = party == Party::kClient;
  const End& end = from_client ? talk.client : talk.server;
  if (end.socket == 0) {
    return absl::OkStatus();
  }
  return order(end.host, {{"do", "datagram"},
                          {"socket", end.socket},
                          {"size", size},
                          {"address", from_client ? to_string(talk.datagram.to) : talk.peer},
                          {"port", from_client ? talk.datagram.port.host() : talk.peer_port}});
}

absl::Status Stage::close(End& end, CloseHow how) {
  if (end.idle) {
    timeline_.cancel(*end.idle);
    end.idle.reset();
  }
  if (end.socket == 0) {
    return absl::OkStatus();
  }
  const int socket = end.socket;
  if (how != CloseHow::kHalf) {
    end.socket = 0;
  }
  return order(end.host, {{"do", "close"}, {"socket", socket}, {"how", word(how)}});
}

absl::Status Stage::touch(End& end) {
  if (end.settings.idle_timeout == Duration{}) {
    return absl::OkStatus();
  }
  if (end.idle) {
    timeline_.cancel(*end.idle);
  }
  end.idle = timeline_.plan(timeline_.now() + end.settings.idle_timeout, [this, &end] {
    end.idle.reset();
    return close(end, CloseHow::kFin);
  });
  return absl::OkStatus();
}

void Stage::fail(End& end, std::string error) {
  if (end.idle) {
    timeline_.cancel(*end.idle);
    end.idle.reset();
  }
  end.socket = 0;
  end.error = std::move(error);
  end.error_at = timeline_.now();
}

void Stage::announce(Talk& talk, const sim::Request& request) {
  talk.expected_questions += request.size;
  talk.jobs.push_back({request, talk.expected_questions});
}

// Questions are answered in their order.
absl::Status Stage::start_work(Talk& talk) {
  for (Job& job : talk.jobs) {
    if (!job.working && talk.server.received >= job.complete_at) {
      job.working = true;
      timeline_.plan(timeline_.now() + job.request.after,
                     [this, &talk] { return send(talk.server, talk.jobs[talk.answered++].request.response); });
    }
  }
  return absl::OkStatus();
}

// ---- what endpoints tell ----

absl::Status Stage::on_news(const News& news) {
  const std::string what = news.message.at("is");
  if (what == "accepted") {
    return on_accepted(news);
  }
  if (what == "datagram") {
    return on_datagram(news);
  }
  const int socket = news.message.at("socket");
  for (auto& [flow, talk] : talks_) {
    const bool at_client = talk.client.host == news.host && talk.client.socket == socket;
    const bool at_server = talk.server.host == news.host && talk.server.socket == socket;
    if (!at_client && !at_server) {
      continue;
    }
    End& end = at_client ? talk.client : talk.server;
    if (what == "connected" || what == "bound") {
      const auto own = parse_ipv4(news.message.at("address").get<std::string>());
      const bool is_tcp = what == "connected";
      talk.tuple = FiveTuple{.source = own.value_or(Ipv4Address{}),
                             .destination = is_tcp ? talk.connect.to : talk.datagram.to,
                             .source_port = be16(news.message.at("port").get<uint16_t>()),
                             .destination_port = is_tcp ? talk.connect.port : talk.datagram.port,
                             .protocol = static_cast<uint8_t>(is_tcp ? Protocol::kTcp : Protocol::kUdp)};
      talk.tuples.push_back(*talk.tuple);
      return touch(end);
    }
    if (what == "received") {
      return on_received(talk, end, news.message.at("size"));
    }
    if (what == "end") {
      return close(end, CloseHow::kFin);  // the other end has said all; so has this one, then
    }
    return on_failed(talk, end, news.message.at("error"));
  }
  return absl::OkStatus();  // of a connection that its program has let go
}

// Connections arrive in the order in which they were opened.
absl::Status Stage::on_accepted(const News& news) {
  const uint16_t port = listening_.at({news.host, news.message.at("on").get<int>()});
  const auto flow = std::find_if(unaccepted_.begin(), unaccepted_.end(),
                                 [&](const std::string& name) { return talks_.at(name).connect.port.host() == port; });
  if (flow == unaccepted_.end()) {
    return absl::OkStatus();
  }
  Talk& talk = talks_.at(*flow);
  unaccepted_.erase(flow);
  End fresh{.host = news.host, .socket = news.message.at("socket"), .began = true, .settings = talk.server.settings};
  talk.server = fresh;
  talk.peer = news.message.at("address");
  talk.peer_port = news.message.at("port");
  talk.jobs.clear();
  talk.answered = 0;
  talk.expected_questions = 0;
  for (const Asked& asked : talk.asked) {
    announce(talk, asked.request);
  }
  json command{{"do", "options"}, {"socket", talk.server.socket}};
  add_options(command, talk.server.settings);
  if (auto status = order(news.host, command); !status.ok()) {
    return status;
  }
  return touch(talk.server);
}

absl::Status Stage::on_received(Talk& talk, End& end, uint64_t size) {
  end.received += size;
  if (auto status = touch(end); !status.ok()) {
    return status;
  }
  if (&end == &talk.server) {
    return start_work(talk);
  }
  while (!talk.asked.empty() && end.received >= talk.asked.front().answered_at) {
    talk.asked.pop_front();
  }
  if (talk.asked.empty() && talk.patience) {
    timeline_.cancel(*talk.patience);
    talk.patience.reset();
  }
  return absl::OkStatus();
}

absl::Status Stage::on_failed(Talk& talk, End& end, const std::string& error) {
  fail(end, error);
  if (&end == &talk.server) {
    return absl::OkStatus();
  }
  if (talk.connect.reconnects && error == "ECONNRESET") {
    if (auto status = open(talk); !status.ok()) {
      return status;
    }
    for (const Asked& asked : talk.asked) {
      if (auto status = send(talk.client, asked.request.size); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }
  if (talk.patience) {
    timeline_.cancel(*talk.patience);
    talk.patience.reset();
  }
  talk.asked.clear();
  return absl::OkStatus();
}

absl::Status Stage::on_datagram(const News& news) {
  const int socket = news.message.at("socket");
  const uint64_t size = news.message.at("size");
  for (auto& [flow, talk] : talks_) {
    if (talk.client.host == news.host && talk.client.socket == socket) {
      talk.client.received += size;
      return absl::OkStatus();
    }
  }
  const uint16_t port = listening_.at({news.host, socket});
  for (auto& [flow, talk] : talks_) {
    if (!talk.datagrams || talk.datagram.port.host() != port) {
      continue;
    }
    talk.server.host = news.host;
    talk.server.socket = socket;
    talk.server.began = true;
    talk.server.received += size;
    talk.peer = news.message.at("address");
    talk.peer_port = news.message.at("port");
    if (talk.datagram.response > 0) {
      timeline_.plan(timeline_.now() + talk.datagram.after,
                     [this, &talk] { return send_datagram(talk, Party::kServer, talk.datagram.response); });
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace lapse::live
