// client.h - the end that connects and asks, one question after the other, and waits for the answers.
//
// Owner:    the stage or a pool.
// Memory:   what is asked and not answered yet.
// Time:     the engine's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by the switchboard.
// Spec:     none.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "sim/scenario/program.h"
#include "sim/scenario/switchboard.h"

namespace lapse::sim {

class Client;

// Whoever keeps a client's connection.
class ClientWatcher {
 public:
  virtual ~ClientWatcher() = default;
  virtual void on_answer(Client& client, const ExchangePtr& exchange) = 0;
  // The connection has ended; by an error, or in peace (empty). Nothing that it was asked will be answered.
  virtual void on_gone(Client& client, const std::string& error) = 0;
};

class Client final : public Program {
 public:
  Client(Switchboard& switchboard, const Connect& connect, ClientWatcher* watcher = nullptr);
  ~Client() override;

  void connect();
  void send(uint64_t size) override;
  void ask(const ExchangePtr& exchange);
  // Lets go of the connection and of what is not answered; the watcher is not told.
  void give_up();
  // By the switchboard: the other end of the newest connection.
  void accepted_by(Responder& responder);

  const ProgramSettings& settings_of_other_end() const { return connect_.server; }

  bool waiting() const { return !asked_.empty(); }
  Instant waiting_since() const { return asked_at_; }
  bool has_part_of_answer() const { return received() > answered_; }
  uint64_t status() const { return status_; }  // of the newest answer; 0: none yet
  // Connections that ended by an error, or before the answer that was due: all, and those before it spoke or heard last.
  uint64_t lost() const { return lost_; }
  uint64_t lost_before_last() const { return lost_before_last_; }
  Responder* responder() { return responder_; }
  // Of its connections as it sends them, the newest last.
  const std::vector<FiveTuple>& tuples() const { return tuples_; }

  void on_end() override;
  void on_error(const std::string& error) override;

 private:
  void on_received() override;
  void on_idle() override;
  void on_patience_over();
  void end(const std::string& error);

  Switchboard* switchboard_;
  Connect connect_;
  ClientWatcher* watcher_;
  std::vector<FiveTuple> tuples_;
  std::optional<uint64_t> dialled_;       // the connection that the switchboard knows it by
  std::deque<ExchangePtr> asked_;         // and an answer is due
  std::vector<ExchangePtr> unannounced_;  // to the other end, which has not accepted yet
  Instant asked_at_{};
  uint64_t answered_ = 0;  // bytes of the answers that are complete
  uint64_t status_ = 0;
  uint64_t lost_ = 0;
  uint64_t lost_before_last_ = 0;
  Timer patience_;
  Responder* responder_ = nullptr;  // null while a connection is being made
};

}  // namespace lapse::sim
