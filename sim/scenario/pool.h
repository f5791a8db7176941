// pool.h - a program that keeps its connections: a request takes an idle one, or opens another.
//
// Owner:    the stage or a proxy.
// Memory:   every connection that it ever opened, for what is asked about them at the end.
// Time:     the simulation's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by the switchboard.
// Spec:     RFC 9112 section 9.3.1 (a request on a connection that turns out to be closed may be sent once more).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/client.h"

namespace lapse::sim {

class Pool final : private ClientWatcher {
 public:
  // Called once for each request; 'error' is empty when it was answered.
  using Done = std::function<void(const ExchangePtr& exchange, const std::string& error)>;

  Pool(Switchboard& switchboard, const Connect& connect, const PoolSettings& settings);

  // On the connection that became idle last, or on a new one.
  void ask(const ExchangePtr& exchange, Done done);
  // Closes the connection of a request that nobody waits for any more; Done is not called.
  void give_up(const ExchangePtr& exchange);

  uint64_t opened() const { return members_.size(); }
  // Connections that were lost before the newest answer came.
  uint64_t lost_before_last() const { return lost_before_last_; }
  uint64_t received() const;
  bool waiting() const;
  Instant waiting_since() const;
  uint64_t status() const { return status_; }
  // The newest error that a request ended with; one that was retried in vain ends with the second.
  const std::string& error() const { return error_; }
  Instant error_at() const { return error_at_; }
  Responder* newest_responder();
  std::vector<FiveTuple> tuples() const;

 private:
  struct Member {
    std::unique_ptr<Client> client;
    std::unique_ptr<Timer> discard;
    ExchangePtr exchange;  // under way on it
    Done done;
    bool used_again = false;
    bool is_retry = false;
  };

  uint64_t lost() const;
  void ask_on(Member& member, const ExchangePtr& exchange, Done done);
  Member& open();
  Member& member_of(const Client& client);
  bool is_stale(const Member& member, const std::string& error) const;
  void on_answer(Client& client, const ExchangePtr& exchange) override;
  void on_gone(Client& client, const std::string& error) override;

  Switchboard* switchboard_;
  Connect connect_;
  PoolSettings settings_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Member*> idle_;  // the newest last
  uint64_t status_ = 0;
  uint64_t lost_before_last_ = 0;
  std::string error_;
  Instant error_at_{};
};

}  // namespace lapse::sim
