#include "sim/scenario/program.h"

#include <cerrno>
#include <cstring>

namespace lapse::sim {

Program::Program(World& world, const ProgramSettings& settings)
    : world_(&world), settings_(settings), idle_(world.engine(), [this] { close(CloseHow::kFin); }) {}

void Program::touch() {
  if (settings_.idle_timeout != Duration{}) {
    idle_.arm(world_->engine().now() + settings_.idle_timeout);
  }
}

void Program::send(uint64_t size) {
  if (socket_ != nullptr) {
    socket_->write(size);
    touch();
  }
}

void Program::close(CloseHow how) {
  idle_.cancel();
  if (socket_ == nullptr) {
    return;
  }
  if (how == CloseHow::kHalf) {
    socket_->shutdown_write();
    return;
  }
  TcpSocket* const closed = socket_;
  socket_ = nullptr;
  if (how == CloseHow::kRst) {
    closed->abort();
  } else {
    closed->close();
  }
}

void Program::on_connected(TcpSocket& socket) {
  socket_ = &socket;
  socket.set_user_timeout(settings_.user_timeout);
  if (settings_.keepalive) {
    socket.set_keepalive(*settings_.keepalive);
  }
  touch();
}

void Program::on_data(TcpSocket&, uint64_t bytes) {
  received_ += bytes;
  touch();
  on_received();
}

// The other end has said all; so has this one, then.
void Program::on_end(TcpSocket&) {
  close(CloseHow::kFin);
}

void Program::on_error(TcpSocket&, int error) {
  socket_ = nullptr;
  fail(strerrorname_np(error));
}

void Program::fail(std::string error) {
  idle_.cancel();
  error_ = std::move(error);
  error_at_ = world_->engine().now();
}

// ---- the server ----

void Server::expect(const Request& request) {
  expected_ += request.size;
  jobs_.push_back({request, expected_, nullptr});
  on_received();
}

void Server::on_received() {
  for (Job& job : jobs_) {
    if (job.work == nullptr && received() >= job.complete_at) {
      job.work = std::make_unique<Timer>(world().engine(), [this] { answer(); });
      job.work->arm(world().engine().now() + job.request.after);
    }
  }
}

// Questions are answered in their order.
void Server::answer() {
  send(jobs_[answered_++].request.response);
}

// ---- the client ----

Client::Client(World& world, const Connect& connect)
    : Program(world, connect.client), connect_(connect), patience_(world.engine(), [this] {
        asked_.clear();
        close(CloseHow::kFin);
        fail("TIMEOUT");
      }) {}

void Client::connect() {
  server_ = nullptr;
  TcpSocket* const socket = world().host(connect_.host)->connect(connect_.to, connect_.port, *this);
  if (socket == nullptr) {
    fail("ENETUNREACH");
    return;
  }
  set_socket(socket);
  tuple_ = socket->tuple();
  initial_sequence_ = socket->initial_sequence();
}

Server& Client::accepted() {
  server_ = servers_.emplace_back(std::make_unique<Server>(world(), connect_.server)).get();
  for (const Asked& asked : asked_) {
    server_->expect(asked.request);
  }
  return *server_;
}

void Client::ask(const Request& request) {
  expected_ += request.response;
  asked_.push_back({request, expected_});
  if (server_ != nullptr) {
    server_->expect(request);
  }
  send(request.size);
  if (request.timeout != Duration{}) {
    patience_.arm(world().engine().now() + request.timeout);
  }
}

void Client::on_received() {
  while (!asked_.empty() && received() >= asked_.front().answered_at) {
    asked_.pop_front();
  }
  if (asked_.empty()) {
    patience_.cancel();
  }
}

// A client that reconnects asks what was not answered once more.
void Client::on_error(TcpSocket& socket, int error) {
  Program::on_error(socket, error);
  if (connect_.reconnects && error == ECONNRESET) {
    connect();
    for (const Asked& asked : asked_) {
      send(asked.request.size);
    }
    return;
  }
  patience_.cancel();
  asked_.clear();
}

}  // namespace lapse::sim
