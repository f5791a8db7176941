#include "sim/scenario/client.h"

namespace lapse::sim {

Client::Client(Switchboard& switchboard, const Connect& connect, ClientWatcher* watcher)
    : Program(switchboard.ground(), connect.client),
      switchboard_(&switchboard),
      connect_(connect),
      watcher_(watcher),
      patience_(switchboard.ground().engine(), [this] { on_patience_over(); }) {}

Client::~Client() {
  if (dialled_) {
    switchboard_->hung_up(*dialled_);
  }
}

void Client::connect() {
  responder_ = nullptr;
  if (dialled_) {
    switchboard_->hung_up(*dialled_);
    dialled_.reset();
  }
  std::string error;
  Connection* const connection = ground().connect(connect_, *this, error);
  if (connection == nullptr) {
    end(error);
    return;
  }
  set_connection(connection);
  tuples_.push_back(connection->tuple());
  dialled_ = connection->id();
  switchboard_->dialled(*connection, *this);
}

void Client::accepted_by(Responder& responder) {
  responder_ = &responder;
  for (ExchangePtr& exchange : unannounced_) {
    responder.expect(std::move(exchange));
  }
  unannounced_.clear();
}

void Client::send(uint64_t size) {
  lost_before_last_ = lost_;
  Program::send(size);
}

void Client::ask(const ExchangePtr& exchange) {
  const Request& request = exchange->request;
  if (exchange->response > 0) {
    asked_at_ = asked_.empty() ? now() : asked_at_;
    asked_.push_back(exchange);
    if (request.timeout != Duration{}) {
      patience_.arm(now() + request.timeout);
    }
  }
  if (responder_ != nullptr) {
    responder_->expect(exchange);
  } else {
    unannounced_.push_back(exchange);
  }
  send(request.size);
}

void Client::on_received() {
  lost_before_last_ = lost_;
  while (!asked_.empty() && received() >= answered_ + asked_.front()->response) {
    const ExchangePtr exchange = asked_.front();
    asked_.pop_front();
    answered_ += exchange->response;
    status_ = exchange->status;
    if (asked_.empty()) {
      patience_.cancel();
    }
    if (watcher_ != nullptr) {
      watcher_->on_answer(*this, exchange);
    }
  }
}

void Client::give_up() {
  patience_.cancel();
  asked_.clear();
  close(CloseHow::kFin);
}

void Client::on_patience_over() {
  give_up();
  end("TIMEOUT");
}

// Who closes while an answer is due has waited for it long enough.
void Client::on_idle() {
  if (waiting()) {
    on_patience_over();
  } else {
    Program::on_idle();
  }
}

void Client::on_end() {
  const bool was_waiting = waiting();
  lost_ += was_waiting ? 1 : 0;
  Program::on_end();
  end(was_waiting ? "EOF" : "");
}

// A client that reconnects asks what was not answered once more.
void Client::on_error(const std::string& error) {
  Program::on_error(error);
  ++lost_;
  if (connect_.reconnects && error == "ECONNRESET") {
    answered_ = received();
    unannounced_.assign(asked_.begin(), asked_.end());
    connect();
    for (const ExchangePtr& exchange : asked_) {
      send(exchange->request.size);
    }
    return;
  }
  end(error);
}

void Client::end(const std::string& error) {
  patience_.cancel();
  asked_.clear();
  if (!error.empty()) {
    fail(error);
  }
  if (watcher_ != nullptr) {
    watcher_->on_gone(*this, error);
  }
}

}  // namespace lapse::sim
