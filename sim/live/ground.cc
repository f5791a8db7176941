#include "sim/live/ground.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lapse::live {
namespace {

using nlohmann::json;

int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

bool is_unreachable(const std::string& error) {
  return error == "ENETUNREACH" || error == "EHOSTUNREACH";
}

Ipv4Address address_in(const json& message, const char* key) {
  return parse_ipv4(message.at(key).get<std::string>()).value_or(Ipv4Address{});
}

FiveTuple tcp_tuple(Ipv4Address from, Be16 from_port, Ipv4Address to, Be16 to_port) {
  return {from, to, from_port, to_port, static_cast<uint8_t>(Protocol::kTcp)};
}

// "10.0.1.10:40000"
std::pair<Ipv4Address, Be16> endpoint_in(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  uint32_t port = 0;
  (void)absl::SimpleAtoi(parts.back(), &port);
  return {parse_ipv4(parts.front()).value_or(Ipv4Address{}), be16(static_cast<uint16_t>(port))};
}

}  // namespace

class KernelGround::End final : public sim::Connection {
 public:
  End(KernelGround& ground, SocketKey key, const FiveTuple& tuple, uint64_t id)
      : ground_(ground), key_(std::move(key)), tuple_(tuple), id_(id) {}

  const SocketKey& key() const { return key_; }
  sim::ConnectionUser* user() const { return user_; }
  void set_user(sim::ConnectionUser* user) { user_ = user; }

  void write(uint64_t bytes) override { ground_.post(key_.first, command("send", {{"size", bytes}})); }
  void shutdown_write() override { ground_.post(key_.first, command("close", {{"how", "half"}})); }
  void close() override { end("fin"); }
  void abort() override { end("rst"); }
  void set_options(const sim::ProgramSettings& settings) override {
    json options = json::object();
    ground_.add_options(options, settings);
    if (!options.empty()) {
      ground_.post(key_.first, command("options", std::move(options)));
    }
  }
  const FiveTuple& tuple() const override { return tuple_; }
  uint64_t id() const override { return id_; }

 private:
  json command(const char* what, json more) const {
    more["do"] = what;
    more["socket"] = key_.second;
    return more;
  }
  void end(const char* how) {
    ground_.let_go(*this);
    ground_.post(key_.first, command("close", {{"how", how}}));
  }

  KernelGround& ground_;
  SocketKey key_;
  FiveTuple tuple_;
  uint64_t id_;
  sim::ConnectionUser* user_ = nullptr;
};

KernelGround::KernelGround(Instance& instance, sim::Engine& engine, Hosts& hosts, unsigned scale)
    : instance_(instance), engine_(engine), hosts_(hosts), scale_(scale) {}

KernelGround::~KernelGround() = default;

json KernelGround::ask(const std::string& host, const json& command) {
  send_posted();
  return carried_out(host, command);
}

json KernelGround::carried_out(const std::string& host, const json& command) {
  const auto answer = hosts_.ask(host, command);
  const std::string error = answer.ok() ? answer->value("error", "") : "";
  if (answer.ok() && (error.empty() || is_unreachable(error))) {
    return *answer;
  }
  status_.Update(answer.ok() ? absl::InternalError(absl::StrCat("host ", host, ": ", command.dump(), ": ", error))
                             : answer.status());
  return nullptr;
}

void KernelGround::post(const std::string& host, json command) {
  if (posted_.empty() || posted_.back().first != host) {
    posted_.emplace_back(host, json::array());
  }
  posted_.back().second.push_back(std::move(command));
}

void KernelGround::send_posted() {
  for (const auto& [host, commands] : std::exchange(posted_, {})) {
    carried_out(host, {{"do", "all"}, {"commands", commands}});
  }
}

absl::Status KernelGround::flush() {
  send_posted();
  return status_;
}

void KernelGround::add_options(json& command, const sim::ProgramSettings& settings) const {
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

// ---- what programs do ----

sim::Connection* KernelGround::connect(const sim::Connect& how, sim::ConnectionUser& user, std::string& error) {
  json command{{"do", "connect"}, {"socket", next_socket_}, {"address", to_string(how.to)}, {"port", how.port.host()}};
  add_options(command, how.client);
  const json answer = ask(how.host, command);
  if (answer.is_null() || answer.contains("error")) {
    error = answer.is_null() ? "" : answer.at("error").get<std::string>();
    return nullptr;
  }
  const SocketKey key{how.host, next_socket_++};
  const FiveTuple tuple =
      tcp_tuple(address_in(answer, "address"), be16(answer.at("port").get<uint16_t>()), how.to, how.port);
  End& end = *ends_.emplace_back(std::make_unique<End>(*this, key, tuple, next_id_++));
  end.set_user(&user);
  open_[key] = &end;
  unaccepted_.push_back(&end);
  return &end;
}

void KernelGround::let_go(const End& end) {
  open_.erase(end.key());
  std::erase(unaccepted_, &end);
}

void KernelGround::listen(const std::string& host, Be16 port, Acceptor acceptor) {
  for (auto& [key, listener] : listeners_) {
    if (key.first == host && listener.port == port) {
      listener.acceptor = std::move(acceptor);
      return;
    }
  }
  ask(host, {{"do", "listen"}, {"socket", next_socket_}, {"port", port.host()}});
  listeners_[{host, next_socket_++}] = {port, std::move(acceptor)};
}

bool KernelGround::listens(const std::string& host, Be16 port) const {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&](const auto& one) { return one.first.first == host && one.second.port == port; });
}

void KernelGround::bind(const std::string& host, Be16 port, DatagramHandler handler) {
  const bool is_new = std::none_of(bound_.begin(), bound_.end(),
                                   [&](const auto& one) { return one.first.first == host && one.second.port == port; });
  if (is_new) {
    ask(host, {{"do", "bind"}, {"socket", next_socket_}, {"port", port.host()}});
    bound_[{host, next_socket_++}] = {port, std::move(handler)};
  }
}

std::optional<FiveTuple> KernelGround::request(const sim::Datagram& how, DatagramHandler handler) {
  const json answer = ask(how.host, {{"do", "datagram"},
                                     {"socket", next_socket_},
                                     {"size", how.size},
                                     {"address", to_string(how.to)},
                                     {"port", how.port.host()}});
  if (answer.is_null() || answer.contains("error")) {
    return std::nullopt;
  }
  const Be16 port = be16(answer.at("port").get<uint16_t>());
  bound_[{how.host, next_socket_++}] = {port, std::move(handler)};
  return FiveTuple{address_in(answer, "address"), how.to, port, how.port, static_cast<uint8_t>(Protocol::kUdp)};
}

void KernelGround::send_datagram(const std::string& host, Be16 port, Ipv4Address to, Be16 to_port, uint16_t size) {
  const auto from = std::find_if(bound_.begin(), bound_.end(),
                                 [&](const auto& one) { return one.first.first == host && one.second.port == port; });
  if (from != bound_.end()) {
    ask(host, {{"do", "datagram"},
               {"socket", from->first.second},
               {"size", size},
               {"address", to_string(to)},
               {"port", to_port.host()}});
  }
}

bool KernelGround::owns(const std::string& host, Ipv4Address address) const {
  const topology::Host* const machine = instance_.topology().find_host(host);
  return std::any_of(machine->interfaces.begin(), machine->interfaces.end(), [&](const auto& interface) {
    const auto& addresses = interface.second.addresses;
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  });
}

void KernelGround::vanish(const std::string& host) {
  hosts_.forget(host);
  for (const auto& [interface, attachment] : instance_.topology().find_host(host)->interfaces) {
    ask(host, {{"do", "vanish"}, {"interface", interface}});
  }
}

void KernelGround::readdress(const sim::Readdress& how) {
  status_.Update(absl::UnimplementedError(absl::StrCat("host ", how.host, " cannot get another address in a lab")));
}

// ---- what endpoints tell ----

void KernelGround::take(const News& news) {
  const std::string what = news.message.at("is");
  if (what == "accepted") {
    accept(news);
    return;
  }
  if (what == "datagram") {
    take_datagram(news);
    return;
  }
  const auto found = open_.find({news.host, news.message.at("socket").get<int>()});
  if (found == open_.end()) {
    return;  // of a connection that its program has let go
  }
  End& end = *found->second;
  if (what == "connected") {
    end.user()->on_connected(end);
  } else if (what == "received") {
    end.user()->on_data(news.message.at("size").get<uint64_t>());
  } else if (what == "end") {
    end.user()->on_end();
  } else {
    let_go(end);
    end.user()->on_error(news.message.at("error").get<std::string>());
  }
}

void KernelGround::accept(const News& news) {
  const auto listener = listeners_.find({news.host, news.message.at("on").get<int>()});
  if (listener == listeners_.end()) {
    return;
  }
  const SocketKey key{news.host, news.message.at("socket").get<int>()};
  const FiveTuple tuple = tcp_tuple(address_in(news.message, "to"), listener->second.port,
                                    address_in(news.message, "address"), be16(news.message.at("port").get<uint16_t>()));
  End& end = *ends_.emplace_back(std::make_unique<End>(*this, key, tuple, caller_of(tuple)));
  open_[key] = &end;
  sim::ConnectionUser* const user = listener->second.acceptor(end);
  end.set_user(user);
  if (user == nullptr) {
    end.abort();
  } else {
    user->on_connected(end);
  }
}

// Boxes change addresses and ports: then it is the oldest that goes to this port, and to this host where no box changes
// that, too.
uint64_t KernelGround::caller_of(const FiveTuple& accepted) {
  auto caller = unaccepted_.end();
  int best = 0;
  for (auto one = unaccepted_.begin(); one != unaccepted_.end(); ++one) {
    const FiveTuple& tuple = (*one)->tuple();
    const int likeness = tuple.reversed() == accepted                     ? 3
                         : tuple.destination_port != accepted.source_port ? 0
                         : tuple.destination == accepted.source           ? 2
                                                                          : 1;
    if (likeness > best) {
      best = likeness;
      caller = one;
    }
  }
  if (caller == unaccepted_.end()) {
    return 0;  // nobody's any more: it is reset
  }
  const uint64_t id = (*caller)->id();
  unaccepted_.erase(caller);
  return id;
}

void KernelGround::take_datagram(const News& news) {
  const auto bound = bound_.find({news.host, news.message.at("socket").get<int>()});
  if (bound != bound_.end()) {
    const FiveTuple from{address_in(news.message, "address"), address_in(news.message, "to"),
                         be16(news.message.at("port").get<uint16_t>()), bound->second.port,
                         static_cast<uint8_t>(Protocol::kUdp)};
    bound->second.handler(from, news.message.at("size").get<uint16_t>());
  }
}

// ---- what there is to see ----

std::vector<sim::Ground::Socket> KernelGround::sockets(const std::string& host) {
  std::vector<Socket> all;
  const json answer = ask(host, {{"do", "states"}});
  for (const json& socket : answer.is_null() ? json::array() : answer.at("sockets")) {
    const auto [own, own_port] = endpoint_in(socket.at("local"));
    const auto [other, other_port] = endpoint_in(socket.at("remote"));
    all.push_back({tcp_tuple(own, own_port, other, other_port), socket.at("state")});
  }
  return all;
}

void KernelGround::visit_flows(BoxId box, const FlowVisitor& visit) {
  for (const FlowView& view : instance_.flows()) {
    if (view.box == box) {
      visit(view.flow);
    }
  }
}

uint64_t KernelGround::metric(BoxId box, const std::string& name) {
  for (const BoxStatus& status : instance_.status().boxes) {
    if (const auto metric = status.metrics.find(name); status.box == box && metric != status.metrics.end()) {
      return metric->second;
    }
  }
  return 0;
}

}  // namespace lapse::live
