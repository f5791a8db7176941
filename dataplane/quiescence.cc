#include "dataplane/quiescence.h"

#include <cassert>
#include <cstdlib>
#include <new>

#include <rte_rcu_qsbr.h>
#include <sched.h>

namespace lapse {

namespace {

unsigned thread_id(Quiescence::Slot slot) {
  assert(static_cast<size_t>(slot) < Quiescence::kSlots);
  return static_cast<unsigned>(slot);
}

}  // namespace

void Quiescence::Free::operator()(rte_rcu_qsbr* state) const {
  std::free(state);
}

Quiescence::Quiescence() {
  const size_t line = alignof(rte_rcu_qsbr) < 64 ? 64 : alignof(rte_rcu_qsbr);
  const size_t bytes = (rte_rcu_qsbr_get_memsize(kSlots) + line - 1) / line * line;
  state_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(line, bytes)));
  if (!state_ || rte_rcu_qsbr_init(state_.get(), kSlots) != 0) {
    throw std::bad_alloc();
  }
}

Quiescence::~Quiescence() = default;

// Registering a slot that is registered is a no-op; a slot that was never online costs passed() nothing.
void Quiescence::online(Slot slot) {
  [[maybe_unused]] const int refused = rte_rcu_qsbr_thread_register(state_.get(), thread_id(slot));
  assert(refused == 0);
  rte_rcu_qsbr_thread_online(state_.get(), thread_id(slot));
}

void Quiescence::offline(Slot slot) {
  rte_rcu_qsbr_thread_offline(state_.get(), thread_id(slot));
}

void Quiescence::quiescent(Slot slot) {
  rte_rcu_qsbr_quiescent(state_.get(), thread_id(slot));
}

Quiescence::Token Quiescence::start() {
  return Token{rte_rcu_qsbr_start(state_.get())};
}

// rte_rcu_qsbr_check() first looks at a token that another writer left there with a plain load, which orders nothing
// between that reader and this writer; the counters themselves are read with acquire.
bool Quiescence::passed(Token token) const {
  return __rte_rcu_qsbr_check_selective(state_.get(), token.value, false) == 1;
}

void Quiescence::wait() {
  const Token token = start();
  while (!passed(token)) {
    sched_yield();
  }
}

}  // namespace lapse
