#include "sim/scenario/program.h"

namespace lapse::sim {

Program::Program(Ground& ground, const ProgramSettings& settings)
    : ground_(&ground), settings_(settings), idle_(ground.engine(), [this] { on_idle(); }) {}

void Program::touch() {
  if (settings_.idle_timeout != Duration{}) {
    idle_.arm(now() + settings_.idle_timeout);
  }
}

void Program::on_idle() {
  if (busy()) {
    touch();
  } else {
    close(CloseHow::kFin);
  }
}

void Program::send(uint64_t size) {
  if (connection_ != nullptr) {
    connection_->write(size);
    touch();
  }
}

void Program::close(CloseHow how) {
  if (connection_ == nullptr) {
    return;
  }
  if (how == CloseHow::kHalf) {
    connection_->shutdown_write();
    return;
  }
  idle_.cancel();
  Connection* const closed = connection_;
  connection_ = nullptr;
  if (how == CloseHow::kRst) {
    closed->abort();
  } else {
    closed->close();
  }
}

void Program::on_connected(Connection& connection) {
  connection_ = &connection;
  connection.set_options(settings_);
  touch();
}

void Program::on_data(uint64_t bytes) {
  received_ += bytes;
  touch();
  on_received();
}

// The other end has said all; so has this one, then.
void Program::on_end() {
  close(CloseHow::kFin);
}

void Program::on_error(const std::string& error) {
  connection_ = nullptr;
  fail(error);
}

void Program::fail(std::string error) {
  idle_.cancel();
  error_ = std::move(error);
  error_at_ = now();
}

// ---- the server ----

void Server::expect(ExchangePtr exchange) {
  expected_ += exchange->request.size;
  jobs_.push_back({std::move(exchange), expected_, nullptr});
  on_received();
}

void Server::on_received() {
  for (Job& job : jobs_) {
    if (job.work == nullptr && received() >= job.complete_at) {
      job.work = std::make_unique<Timer>(ground().engine(), [this] { answer(); });
      job.work->arm(now() + job.exchange->request.after);
    }
  }
}

// Questions are answered in their order.
void Server::answer() {
  send(jobs_[answered_++].exchange->response);
  if (client_is_done_ && is_done()) {
    close(CloseHow::kFin);
  }
}

// A client that has said all may still wait for what it asked.
void Server::on_end() {
  client_is_done_ = true;
  if (is_done()) {
    Responder::on_end();
  }
}

}  // namespace lapse::sim
