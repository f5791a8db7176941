// program.h - what runs on a simulated host: one end of a connection, and what it lives through.
//
// Owner:    the runner.
// Memory:   ordinary.
// Time:     the simulation's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by its world.
// Spec:     design, "What each application experiences is reported as its errno or its hang".
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/scenario.h"
#include "sim/world.h"

namespace lapse::sim {

// What is the same for both ends.
class Program : public TcpUser {
 public:
  Program(World& world, const ProgramSettings& settings);

  void send(uint64_t size);
  void close(CloseHow how);

  void on_connected(TcpSocket& socket) override;
  void on_data(TcpSocket& socket, uint64_t bytes) override;
  void on_end(TcpSocket& socket) override;
  void on_error(TcpSocket& socket, int error) override;

  uint64_t received() const { return received_; }
  // "ECONNRESET", or "TIMEOUT" for the program's own patience; empty: none.
  const std::string& error() const { return error_; }
  Instant error_at() const { return error_at_; }

 protected:
  World& world() { return *world_; }
  TcpSocket* socket() { return socket_; }
  void set_socket(TcpSocket* socket) { socket_ = socket; }
  void fail(std::string error);
  virtual void on_received() = 0;

 private:
  void touch();

  World* world_;
  ProgramSettings settings_;
  TcpSocket* socket_ = nullptr;
  uint64_t received_ = 0;
  std::string error_;
  Instant error_at_{};
  Timer idle_;
};

// Answers each question when it has it whole and has worked on it. One for each connection.
class Server final : public Program {
 public:
  Server(World& world, const ProgramSettings& settings) : Program(world, settings) {}

  void expect(const Request& request);

 private:
  void on_received() override;
  void answer();

  struct Job {
    Request request;
    uint64_t complete_at;  // bytes received by when the question is there
    std::unique_ptr<Timer> work;
  };
  std::deque<Job> jobs_;
  size_t answered_ = 0;
  uint64_t expected_ = 0;
};

// Asks, one question after the other, and waits for the answers. It brings the server of each of its connections.
class Client final : public Program {
 public:
  Client(World& world, const Connect& connect);

  void connect();
  void ask(const Request& request);
  // The other end of the newest connection, as it is accepted.
  Server& accepted();

  bool waiting() const { return !asked_.empty(); }
  Server* server() { return server_; }
  const FiveTuple& tuple() const { return tuple_; }
  uint32_t initial_sequence() const { return initial_sequence_; }

  void on_error(TcpSocket& socket, int error) override;

 private:
  void on_received() override;

  Connect connect_;
  FiveTuple tuple_;
  uint32_t initial_sequence_ = 0;
  struct Asked {
    Request request;
    uint64_t answered_at;  // bytes received by when it is answered
  };
  std::deque<Asked> asked_;
  uint64_t expected_ = 0;
  Timer patience_;
  std::vector<std::unique_ptr<Server>> servers_;
  Server* server_ = nullptr;  // null while a connection is being made
};

}  // namespace lapse::sim
