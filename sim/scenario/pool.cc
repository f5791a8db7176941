#include "sim/scenario/pool.h"

#include <algorithm>
#include <utility>

namespace lapse::sim {

Pool::Pool(Switchboard& switchboard, const Connect& connect, const PoolSettings& settings)
    : switchboard_(&switchboard), connect_(connect), settings_(settings) {}

void Pool::ask(const ExchangePtr& exchange, Done done) {
  if (idle_.empty()) {
    ask_on(open(), exchange, std::move(done));
    return;
  }
  Member& member = *idle_.back();
  idle_.pop_back();
  member.discard->cancel();
  member.used_again = true;
  ask_on(member, exchange, std::move(done));
}

void Pool::ask_on(Member& member, const ExchangePtr& exchange, Done done) {
  member.exchange = exchange;
  member.done = std::move(done);
  if (member.client->tuples().empty()) {
    member.client->connect();
  }
  if (member.exchange != nullptr) {  // a host without a route has failed already
    member.client->ask(exchange);
  }
}

Pool::Member& Pool::open() {
  Member& member = *members_.emplace_back(std::make_unique<Member>());
  ClientWatcher* const watcher = this;
  member.client = std::make_unique<Client>(*switchboard_, connect_, watcher);
  member.discard = std::make_unique<Timer>(switchboard_->ground().engine(), [this, &member] {
    std::erase(idle_, &member);
    member.client->give_up();
  });
  return member;
}

void Pool::give_up(const ExchangePtr& exchange) {
  for (const auto& member : members_) {
    if (member->exchange == exchange) {
      member->exchange.reset();
      member->client->give_up();
    }
  }
}

Pool::Member& Pool::member_of(const Client& client) {
  return **std::find_if(members_.begin(), members_.end(),
                        [&client](const auto& member) { return member->client.get() == &client; });
}

void Pool::on_answer(Client& client, const ExchangePtr& exchange) {
  Member& member = member_of(client);
  if (member.exchange != exchange) {
    return;
  }
  member.exchange.reset();
  idle_.push_back(&member);
  if (settings_.discard_after != Duration{}) {
    member.discard->arm(switchboard_->ground().engine().now() + settings_.discard_after);
  }
  status_ = exchange->status;
  lost_before_last_ = lost();
  const Done done = std::exchange(member.done, nullptr);
  done(exchange, "");
}

// An error that says that the connection was dead before it was asked, and not a byte of an answer.
bool Pool::is_stale(const Member& member, const std::string& error) const {
  return member.used_again && !member.client->has_part_of_answer() &&
         (error == "ECONNRESET" || error == "EPIPE" || error == "EOF");
}

void Pool::on_gone(Client& client, const std::string& error) {
  Member& member = member_of(client);
  std::erase(idle_, &member);
  member.discard->cancel();
  const ExchangePtr exchange = std::exchange(member.exchange, nullptr);
  if (exchange == nullptr) {
    return;
  }
  Done done = std::exchange(member.done, nullptr);
  if (settings_.on_stale == OnStale::kRetryOnce && !member.is_retry && is_stale(member, error)) {
    Member& fresh = open();
    fresh.is_retry = true;
    ask_on(fresh, exchange, std::move(done));
    return;
  }
  error_ = error;
  error_at_ = switchboard_->ground().engine().now();
  done(exchange, error);
}

// ---- what there is to see ----

uint64_t Pool::received() const {
  uint64_t sum = 0;
  for (const auto& member : members_) {
    sum += member->client->received();
  }
  return sum;
}

uint64_t Pool::lost() const {
  uint64_t sum = 0;
  for (const auto& member : members_) {
    sum += member->client->lost();
  }
  return sum;
}

bool Pool::waiting() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& member) { return member->client->waiting(); });
}

Instant Pool::waiting_since() const {
  Instant since = Instant::max();
  for (const auto& member : members_) {
    since = member->client->waiting() ? std::min(since, member->client->waiting_since()) : since;
  }
  return since;
}

Responder* Pool::newest_responder() {
  return members_.empty() ? nullptr : members_.back()->client->responder();
}

std::vector<FiveTuple> Pool::tuples() const {
  std::vector<FiveTuple> all;
  for (const auto& member : members_) {
    all.insert(all.end(), member->client->tuples().begin(), member->client->tuples().end());
  }
  return all;
}

}  // namespace lapse::sim
