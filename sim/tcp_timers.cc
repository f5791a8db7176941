// What time does to a connection.
#include <algorithm>
#include <cerrno>

#include "dataplane/wire/tcp.h"
#include "sim/host.h"
#include "sim/tcp_socket.h"

namespace lapse::sim {
namespace {

constexpr Duration kLeastTimeout = std::chrono::milliseconds(200);
constexpr Duration kLeastProbe = std::chrono::milliseconds(8);  // two of Linux's ticks at 250 Hz
constexpr Duration kLongestTimeout = std::chrono::seconds(120);
constexpr Duration kSynTimeout = std::chrono::seconds(1);

// How long so many retransmissions take, the first of which waits for 'first'.
Duration time_of(uint32_t retries, Duration first) {
  Duration time{};
  for (uint32_t waits = 0; waits <= retries; ++waits) {
    time += std::min(first, kLongestTimeout);
    first = std::min(first * 2, 2 * kLongestTimeout);
  }
  return time;
}

}  // namespace

void TcpSocket::arm(Timer& timer, Duration delay) {
  timer.arm(host_->timer_expiry(settings_.timer_step, delay));
}

// RFC 8985 section 7: what is not acknowledged is sent once more before it counts as lost. Linux allows for a delayed
// acknowledgement where one segment is out.
void TcpSocket::arm_retransmission() {
  Duration delay = timeout_;
  if (may_probe_tail()) {
    const bool one_out = last_segment_ <= acknowledged_;
    delay = std::min<Duration>(timeout_, 2 * smoothed_ + (one_out ? kLeastTimeout : kLeastProbe));
  }
  arm(retransmission_, until_patience_ends(delay));
}

bool TcpSocket::may_probe_tail() const {
  return measured_ && !tail_probed_ && retransmissions_ == 0 && duplicates_ == 0 && peer_window_ > 0 &&
         state_ != TcpSocketState::kSynSent && state_ != TcpSocketState::kSynReceived && has_unacknowledged();
}

// The last segment, which tells the most; the timeout then counts from here.
void TcpSocket::probe_tail() {
  tail_probed_ = true;
  timed_end_.reset();
  transmit(std::max(last_segment_, acknowledged_), true);
  arm_retransmission();
}

// RFC 6298 section 2, with Linux's least timeout.
void TcpSocket::measure(Duration round_trip) {
  if (!measured_) {
    measured_ = true;
    smoothed_ = round_trip;
    variation_ = round_trip / 2;
  } else {
    const Duration error = smoothed_ > round_trip ? smoothed_ - round_trip : round_trip - smoothed_;
    variation_ += (error - variation_) / 4;
    smoothed_ += (round_trip - smoothed_) / 8;
  }
  timeout_ = smoothed_ + std::max(4 * variation_, kLeastTimeout);
}

// Linux gives up after the time that so many retransmissions take of a connection whose round trip is short, however many
// there were.
bool TcpSocket::out_of_patience(uint32_t retries) const {
  if (retransmissions_ == 0) {
    return false;
  }
  Duration patience = settings_.user_timeout;
  if (patience == Duration{}) {
    patience = time_of(retries, kLeastTimeout);
  }
  return now() - first_retransmission_ >= patience;
}

void TcpSocket::on_retransmission_due() {
  if (state_ == TcpSocketState::kSynSent || state_ == TcpSocketState::kSynReceived) {
    retransmit_syn();
    return;
  }
  if (may_probe_tail()) {
    probe_tail();
    return;
  }
  if (out_of_patience(orphaned() ? settings_.orphan_retries : settings_.retries)) {
    fail(ETIMEDOUT);
    return;
  }
  if (retransmissions_++ == 0) {
    first_retransmission_ = now();  // the tail's probe is none, as Linux counts
    slow_start_threshold_ = std::max<uint32_t>(congestion_window_ / 2, 2U * mss_);
  }
  congestion_window_ = mss_;
  timed_end_.reset();  // RFC 6298 section 3: what was sent twice is not timed
  timeout_ = std::min(timeout_ * 2, kLongestTimeout);
  next_ = acknowledged_;
  if (peer_window_ == 0) {
    send_probe();
  } else {
    push();
  }
  arm_retransmission();
}

// Linux cuts the last wait short where TCP_USER_TIMEOUT ends.
Duration TcpSocket::until_patience_ends(Duration delay) const {
  if (settings_.user_timeout == Duration{} || retransmissions_ == 0) {
    return delay;
  }
  return std::clamp<Duration>(first_retransmission_ + settings_.user_timeout - now(), Duration{}, delay);
}

void TcpSocket::retransmit_syn() {
  const bool opening = state_ == TcpSocketState::kSynSent;
  const Duration patience =
      settings_.user_timeout != Duration{} ? settings_.user_timeout : time_of(settings_.syn_retries, kSynTimeout);
  // Linux counts the retransmissions, and the time that they would take without those at equal distances.
  if (opening && retransmissions_ > 0 && now() - *syn_sent_ >= patience) {
    fail(ETIMEDOUT);
    return;
  }
  const uint32_t linear = opening ? settings_.syn_linear_timeouts : 0;
  if (retransmissions_ >= (opening ? settings_.syn_retries : settings_.synack_retries) + linear) {
    if (opening) {
      fail(ETIMEDOUT);
    } else {
      finish();
    }
    return;
  }
  first_retransmission_ = *syn_sent_;  // as Linux counts for a SYN
  if (retransmissions_++ >= linear) {
    timeout_ = std::min(timeout_ * 2, kLongestTimeout);
  }
  send_syn();
  arm_retransmission();
}

// ---- keepalive ----

void TcpSocket::set_keepalive(const Keepalive& keepalive) {
  settings_.keepalive = keepalive;
  start_keepalive();
}

void TcpSocket::start_keepalive() {
  keepalive_.cancel();
  if (settings_.keepalive.on && state_ != TcpSocketState::kClosed && state_ != TcpSocketState::kSynSent) {
    arm_keepalive(settings_.keepalive.time);
  }
}

void TcpSocket::arm_keepalive(Duration delay) {
  const bool wheel = settings_.keepalive.system == KeepaliveSystem::kLinux;
  keepalive_.arm(host_->timer_expiry(wheel ? settings_.timer_step : TimerStep::kExact, delay));
}

// Traffic does not touch the timer: it looks at the silence when it fires, and waits for the rest.
void TcpSocket::on_keepalive_due() {
  const Keepalive& keepalive = settings_.keepalive;
  const Duration silent = now() - std::max(last_heard_, last_data_);
  if (has_unacknowledged() || next_ < stream_end()) {
    arm_keepalive(keepalive.time);  // retransmission finds out
    return;
  }
  if (silent < keepalive.time) {
    arm_keepalive(keepalive.time - silent);
    return;
  }
  const bool given_up = settings_.user_timeout != Duration{} ? silent >= settings_.user_timeout && probes_out_ > 0
                                                             : probes_out_ >= keepalive.probes;
  if (given_up) {
    send_reset();
    fail(keepalive.system == KeepaliveSystem::kWindows ? ENETRESET : ETIMEDOUT);
    return;
  }
  ++probes_out_;
  send_probe();
  arm_keepalive(keepalive.interval);
}

// A byte that the other end has acknowledged: it has to answer.
void TcpSocket::send_probe() {
  host_->send({.tuple = tuple_,
               .sequence = sequence(acknowledged_) - 1,
               .acknowledgement = expected(),
               .window = static_cast<uint16_t>(Host::kWindow >> scale_),
               .flags = kTcpAck,
               .payload = 0});
}

// ---- the end ----

void TcpSocket::enter_time_wait() {
  state_ = TcpSocketState::kTimeWait;
  retransmission_.cancel();
  keepalive_.cancel();
  arm(linger_, settings_.time_wait);
}

void TcpSocket::on_linger_due() {
  user_ = nullptr;
  finish();
}

}  // namespace lapse::sim
