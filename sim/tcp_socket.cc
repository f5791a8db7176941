#include "sim/tcp_socket.h"

#include <array>
#include <cassert>
#include <cerrno>

#include "dataplane/wire/tcp.h"
#include "sim/host.h"

namespace lapse::sim {

std::string_view name(TcpSocketState state) {
  constexpr std::array<std::string_view, 10> kNames{"SYN-SENT",   "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                                    "FIN-WAIT-2", "CLOSE-WAIT",   "CLOSING",     "LAST-ACK",
                                                    "TIME-WAIT",  "CLOSED"};
  return kNames[static_cast<size_t>(state)];
}

TcpSocket::TcpSocket(Host& host, const FiveTuple& tuple, const TcpSettings& settings)
    : host_(&host),
      tuple_(tuple),
      settings_(settings),
      initial_sequence_(static_cast<uint32_t>(host.engine().random().next())),
      retransmission_(host.engine(), [this] { on_retransmission_due(); }),
      keepalive_(host.engine(), [this] { on_keepalive_due(); }),
      delayed_acknowledgement_(host.engine(), [this] { send_acknowledgement(); }),
      linger_(host.engine(), [this] { on_linger_due(); }) {}

Instant TcpSocket::now() const {
  return host_->engine().now();
}

uint32_t TcpSocket::expected() const {
  return peer_initial_sequence_ + 1 + static_cast<uint32_t>(received_) + (fin_received_ ? 1 : 0);
}

void TcpSocket::connect() {
  assert(state_ == TcpSocketState::kClosed);
  state_ = TcpSocketState::kSynSent;
  timeout_ = std::chrono::seconds(1);
  send_syn();
  arm_retransmission();
}

void TcpSocket::accept(const Segment& syn) {
  passive_ = true;
  state_ = TcpSocketState::kSynReceived;
  peer_initial_sequence_ = syn.sequence;
  mss_ = std::min(host_->mss(tuple_.destination), syn.mss);
  peer_scale_ = syn.window_scale == kNoWindowScale ? 0 : syn.window_scale;
  scale_ = syn.window_scale == kNoWindowScale ? 0 : Host::kWindowScale;
  peer_window_ = syn.window;
  last_heard_ = now();
  send_syn();
  arm_retransmission();
}

void TcpSocket::write(uint64_t bytes) {
  if (write_closed()) {
    return;
  }
  written_ += bytes;
  if (state_ != TcpSocketState::kSynSent && state_ != TcpSocketState::kSynReceived) {
    push();
  }
}

void TcpSocket::shutdown_write() {
  if (write_closed()) {
    return;
  }
  fin_queued_ = true;
  switch (state_) {
    case TcpSocketState::kSynSent:
      finish();
      return;
    case TcpSocketState::kSynReceived:
      return;  // goes on in establish()
    case TcpSocketState::kCloseWait:
      state_ = TcpSocketState::kLastAck;
      break;
    default:
      state_ = TcpSocketState::kFinWait1;
  }
  push();
}

void TcpSocket::close() {
  user_ = nullptr;
  if (state_ == TcpSocketState::kFinWait2) {
    arm(linger_, settings_.fin_timeout);
  }
  shutdown_write();
}

void TcpSocket::abort() {
  user_ = nullptr;
  if (state_ != TcpSocketState::kSynSent && state_ != TcpSocketState::kClosed && state_ != TcpSocketState::kTimeWait) {
    send_reset();
  }
  finish();
}

void TcpSocket::fail(int error) {
  TcpUser* const user = user_;
  user_ = nullptr;
  finish();
  if (user != nullptr) {
    user->on_error(*this, error);
  }
}

void TcpSocket::finish() {
  state_ = TcpSocketState::kClosed;
  retransmission_.cancel();
  keepalive_.cancel();
  delayed_acknowledgement_.cancel();
  linger_.cancel();
  host_->socket_finished(*this);
}

}  // namespace lapse::sim
