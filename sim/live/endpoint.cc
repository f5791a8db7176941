#include "sim/live/endpoint.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/lab/unique_fd.h"
#include "sim/live/addresses.h"
#include "sim/live/flush.h"
#include "sim/live/line.h"
#include "sim/live/socket_table.h"

namespace lapse::live {
namespace {

using lab::UniqueFd;
using nlohmann::json;

constexpr int kFirstAccepted = 1 << 20;  // below are the director's own numbers
constexpr int kBacklog = 64;

enum class Kind { kListening, kConnecting, kStream, kDatagram };

struct Socket {
  UniqueFd fd;
  Kind kind = Kind::kStream;
  size_t unsent = 0;   // said before the connection was there
  bool ended = false;  // the other end sends no more
  bool over = false;   // nor does this one: nothing more can come of it
};

std::string error_name(int error) {
  const char* const name = strerrorname_np(error);
  return name == nullptr ? std::to_string(error) : name;
}

void set(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof(value));
}

void set_options(int fd, const json& command) {
  if (const auto keepalive = command.find("keepalive"); keepalive != command.end()) {
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive->at("time"));
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive->at("interval"));
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive->at("probes"));
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  if (const auto timeout = command.find("user_timeout"); timeout != command.end()) {
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, *timeout);
  }
}

// What a connection says that is no more: its program knows already, or will hear.
bool is_of_a_dead_connection(const std::string& error) {
  return error == "EPIPE" || error == "ECONNRESET" || error == "EBADF" || error == "ENOTCONN";
}

// Tells to which address of the host each datagram came.
UniqueFd datagram_socket() {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set(fd.get(), IPPROTO_IP, IP_PKTINFO, 1);
  return fd;
}

// Whole, or not at all: what a story sends fits into a socket's buffer.
int send_bytes(int fd, size_t size) {
  const std::vector<char> bytes(size);
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    return errno;
  }
  return static_cast<size_t>(sent) == size ? 0 : ENOBUFS;
}

class Endpoint {
 public:
  explicit Endpoint(Line line) : line_(std::move(line)) {}

  int run();

 private:
  json act(const json& command);
  json act_all(const json& commands);
  int listen(const json& command);
  int connect(const json& command, json& answer);
  int send(const json& command);
  int close(const json& command);
  int datagram(const json& command, json& answer);
  int bind_datagrams(const json& command);
  int vanish(const json& command);

  // Everything that sockets have, told before whatever is asked next is answered.
  void serve_sockets(int timeout);
  void serve(int number, Socket& socket);
  void accept(int number, const Socket& socket);
  void finish_connecting(int number, Socket& socket);
  void receive(int number, Socket& socket);
  void receive_datagrams(int number, const Socket& socket);
  void tell(const json& message) { (void)line_.send(message); }
  void tell_failure(int number, int error);
  int fd_of(const json& command) const;

  Line line_;
  std::map<int, Socket> sockets_;
  int next_accepted_ = kFirstAccepted;
};

int Endpoint::run() {
  for (;;) {
    serve_sockets(-1);
    pollfd asked{.fd = line_.fd(), .events = POLLIN, .revents = 0};
    if (poll(&asked, 1, 0) != 1) {
      continue;
    }
    const auto command = line_.receive();
    if (!command.ok()) {
      return 0;
    }
    serve_sockets(0);
    json answer;
    try {
      answer = act(*command);
    } catch (const json::exception& error) {
      answer = {{"error", error.what()}};
    }
    serve_sockets(0);
    if (!line_.send(answer).ok()) {
      return 0;
    }
  }
}

json Endpoint::act_all(const json& commands) {
  for (const json& command : commands) {
    const json answer = act(command);
    const std::string error = answer.value("error", "");
    if (!error.empty() && !is_of_a_dead_connection(error)) {
      return {{"error", absl::StrCat(command.dump(), ": ", error)}};
    }
  }
  return {{"done", true}};
}

json Endpoint::act(const json& command) {
  const std::string what = command.at("do");
  if (what == "all") {
    return act_all(command.at("commands"));
  }
  if (what == "states") {
    return {{"done", true}, {"sockets", socket_table()}};
  }
  json answer{{"done", true}};
  int error = EINVAL;
  if (what == "listen") {
    error = listen(command);
  } else if (what == "connect") {
    error = connect(command, answer);
  } else if (what == "options") {
    const int fd = fd_of(command);
    error = fd < 0 ? EBADF : 0;
    set_options(fd, command);
  } else if (what == "send") {
    error = send(command);
  } else if (what == "close") {
    error = close(command);
  } else if (what == "datagram") {
    error = datagram(command, answer);
  } else if (what == "bind") {
    error = bind_datagrams(command);
  } else if (what == "flush") {
    error = flush(command.at("interface"), command.at("address"));
  } else if (what == "vanish") {
    error = vanish(command);
  }
  return error == 0 ? answer : json{{"error", error_name(error)}};
}

int Endpoint::fd_of(const json& command) const {
  const auto socket = sockets_.find(command.at("socket").get<int>());
  return socket == sockets_.end() ? -1 : socket->second.fd.get();
}

// ---- what the director says ----

int Endpoint::listen(const json& command) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in address = address_of(command);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return errno;
  }
  sockets_[command.at("socket")] = {std::move(fd), Kind::kListening};
  return 0;
}

int Endpoint::connect(const json& command, json& answer) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  set_options(fd.get(), command);
  set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  const sockaddr_in address = address_of(command);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno != EINPROGRESS) {
    return errno;
  }
  add_address(answer, own_address(fd.get()));
  sockets_[command.at("socket")] = {std::move(fd), Kind::kConnecting};
  return 0;
}

int Endpoint::send(const json& command) {
  const auto socket = sockets_.find(command.at("socket").get<int>());
  if (socket == sockets_.end()) {
    return EBADF;
  }
  const size_t size = command.at("size");
  if (socket->second.kind == Kind::kConnecting) {
    socket->second.unsent += size;
    return 0;
  }
  return send_bytes(socket->second.fd.get(), size);
}

int Endpoint::close(const json& command) {
  const int fd = fd_of(command);
  if (fd < 0) {
    return EBADF;
  }
  const std::string how = command.at("how");
  if (how == "half") {
    return shutdown(fd, SHUT_WR) == 0 ? 0 : errno;
  }
  if (how == "rst") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  sockets_.erase(command.at("socket").get<int>());
  return 0;
}

int Endpoint::datagram(const json& command, json& answer) {
  const int number = command.at("socket");
  if (!sockets_.contains(number)) {
    UniqueFd fd = datagram_socket();
    sockets_[number] = {std::move(fd), Kind::kDatagram};
  }
  const int fd = sockets_[number].fd.get();
  const std::vector<char> bytes(command.at("size").get<size_t>());
  const sockaddr_in address = address_of(command);
  if (sendto(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) < 0) {
    return errno;
  }
  // A socket that is not bound to one address has the one that it speaks from here.
  answer["address"] = text_of(source_towards(address));
  answer["port"] = ntohs(own_address(fd).sin_port);
  return 0;
}

int Endpoint::bind_datagrams(const json& command) {
  UniqueFd fd = datagram_socket();
  const sockaddr_in address = address_of(command);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return errno;
  }
  sockets_[command.at("socket")] = {std::move(fd), Kind::kDatagram};
  return 0;
}

int Endpoint::vanish(const json& command) {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, command.at("interface").get<std::string>().c_str(), IFNAMSIZ - 1);
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    return errno;
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_UP);
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
}

// ---- what sockets have ----

void Endpoint::serve_sockets(int timeout) {
  std::vector<pollfd> polled{{.fd = line_.fd(), .events = POLLIN, .revents = 0}};
  std::vector<int> numbers{0};
  for (const auto& [number, socket] : sockets_) {
    // An end that was told is no news; an error would be.
    const short wanted = socket.kind == Kind::kConnecting ? POLLOUT : socket.ended ? 0 : POLLIN;
    polled.push_back({.fd = socket.over ? -1 : socket.fd.get(), .events = wanted, .revents = 0});
    numbers.push_back(number);
  }
  if (poll(polled.data(), polled.size(), timeout) <= 0) {
    return;
  }
  for (size_t at = 1; at < polled.size(); ++at) {
    if (const auto socket = sockets_.find(numbers[at]); polled[at].revents != 0 && socket != sockets_.end()) {
      serve(numbers[at], socket->second);
    }
  }
}

void Endpoint::serve(int number, Socket& socket) {
  switch (socket.kind) {
    case Kind::kListening:
      accept(number, socket);
      break;
    case Kind::kConnecting:
      finish_connecting(number, socket);
      break;
    case Kind::kStream:
      receive(number, socket);
      break;
    case Kind::kDatagram:
      receive_datagrams(number, socket);
      break;
  }
}

void Endpoint::accept(int number, const Socket& socket) {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  UniqueFd fd(accept4(socket.fd.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid()) {
    return;
  }
  set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  json message{{"is", "accepted"}, {"socket", next_accepted_}, {"on", number}};
  add_address(message, peer);
  message["to"] = text_of(own_address(fd.get()).sin_addr);
  sockets_[next_accepted_++] = {std::move(fd), Kind::kStream};
  tell(message);
}

void Endpoint::finish_connecting(int number, Socket& socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    tell_failure(number, error);
    return;
  }
  socket.kind = Kind::kStream;
  tell({{"is", "connected"}, {"socket", number}});
  if (socket.unsent > 0) {
    (void)send_bytes(socket.fd.get(), std::exchange(socket.unsent, 0));
  }
}

void Endpoint::receive(int number, Socket& socket) {
  std::array<char, 65536> bytes;
  const ssize_t size = recv(socket.fd.get(), bytes.data(), bytes.size(), 0);
  if (size > 0) {
    tell({{"is", "received"}, {"socket", number}, {"size", size}});
  } else if (size == 0 && !socket.ended) {
    socket.ended = true;
    tell({{"is", "end"}, {"socket", number}});
  } else if (size == 0) {
    socket.over = true;
  } else if (errno != EAGAIN) {
    tell_failure(number, errno);
  }
}

void Endpoint::receive_datagrams(int number, const Socket& socket) {
  for (;;) {
    sockaddr_in peer{};
    in_addr to{};
    const ssize_t size = receive_from(socket.fd.get(), peer, to);
    if (size < 0) {
      return;
    }
    json message{{"is", "datagram"}, {"socket", number}, {"size", size}, {"to", text_of(to)}};
    add_address(message, peer);
    tell(message);
  }
}

void Endpoint::tell_failure(int number, int error) {
  sockets_.erase(number);
  tell({{"is", "failed"}, {"socket", number}, {"error", error_name(error)}});
}

}  // namespace

int run_endpoint(const std::string& socket_path, const std::string& host) {
  auto line = connect_to(socket_path);
  if (!line.ok() || !line->send({{"is", "here"}, {"host", host}}).ok()) {
    return 1;
  }
  return Endpoint(*std::move(line)).run();
}

}  // namespace lapse::live
