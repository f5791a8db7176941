// program.h - what runs on a host: one end of a connection, and what it lives through.
//
// Owner:    the stage, a pool or a proxy.
// Memory:   ordinary.
// Time:     the engine's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by its ground.
// Spec:     design, "What each application experiences is reported as its errno or its hang".
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/exchange.h"
#include "sim/scenario/ground.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {

// What is the same for all ends.
class Program : public ConnectionUser {
 public:
  Program(Ground& ground, const ProgramSettings& settings);

  virtual void send(uint64_t size);
  void close(CloseHow how);

  void on_connected(Connection& connection) override;
  void on_data(uint64_t bytes) override;
  void on_end() override;
  void on_error(const std::string& error) override;

  uint64_t received() const { return received_; }
  bool is_open() const { return connection_ != nullptr; }
  // "ECONNRESET"; "TIMEOUT" for the program's own patience; "EOF" for an end where an answer was due; empty: none.
  const std::string& error() const { return error_; }
  Instant error_at() const { return error_at_; }

 protected:
  Ground& ground() { return *ground_; }
  Instant now() const { return ground_->engine().now(); }
  void set_connection(Connection* connection) { connection_ = connection; }
  void fail(std::string error);
  virtual void on_received() = 0;
  // Whether it has something to do: then its own idle timeout does not count.
  virtual bool busy() const { return false; }

  // Silence for as long as its idle timeout.
  virtual void on_idle();

 private:
  void touch();

  Ground* ground_;
  ProgramSettings settings_;
  Connection* connection_ = nullptr;
  uint64_t received_ = 0;
  std::string error_;
  Instant error_at_{};
  Timer idle_;
};

// The end that is asked.
class Responder : public Program {
 public:
  using Program::Program;
  virtual void expect(ExchangePtr exchange) = 0;
};

// Answers each question when it has it whole and has worked on it. One for each connection.
class Server final : public Responder {
 public:
  using Responder::Responder;
  void expect(ExchangePtr exchange) override;
  void on_end() override;

 private:
  void on_received() override;
  void answer();
  bool is_done() const { return answered_ == jobs_.size(); }

  struct Job {
    ExchangePtr exchange;
    uint64_t complete_at;  // bytes received by when the question is there
    std::unique_ptr<Timer> work;
  };
  std::deque<Job> jobs_;
  size_t answered_ = 0;
  uint64_t expected_ = 0;
  bool client_is_done_ = false;
};

}  // namespace lapse::sim
