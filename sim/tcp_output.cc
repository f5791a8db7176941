// What leaves.
#include <algorithm>

#include "dataplane/wire/tcp.h"
#include "sim/host.h"
#include "sim/tcp_socket.h"

namespace lapse::sim {
namespace {

// A program that writes this soon after it read is answering.
constexpr Duration kAnswersWithin = std::chrono::milliseconds(40);

}  // namespace

void TcpSocket::send(uint8_t flags, uint64_t offset, uint16_t payload) {
  Segment segment{.tuple = tuple_,
                  .sequence = sequence(offset),
                  .acknowledgement = expected(),
                  .window = static_cast<uint16_t>(Host::kWindow >> scale_),
                  .flags = static_cast<uint8_t>(flags | kTcpAck),
                  .payload = payload};
  delayed_acknowledgement_.cancel();
  unacknowledged_segments_ = 0;
  host_->send(segment);
}

void TcpSocket::send_syn() {
  const bool answering = state_ == TcpSocketState::kSynReceived;
  const bool scaled = !answering || scale_ != 0;
  if (!syn_sent_) {
    syn_sent_ = now();
  }
  host_->send({.tuple = tuple_,
               .sequence = initial_sequence_,
               .acknowledgement = answering ? expected() : 0,
               .window = static_cast<uint16_t>(std::min<uint32_t>(Host::kWindow, 0xffff)),
               .flags = static_cast<uint8_t>(answering ? kTcpSyn | kTcpAck : kTcpSyn),
               .window_scale = scaled ? Host::kWindowScale : kNoWindowScale,
               .mss = host_->mss(tuple_.destination)});
}

void TcpSocket::send_acknowledgement() {
  send(0, next_, 0);
}

void TcpSocket::send_reset() {
  send(kTcpRst, next_, 0);
}

uint64_t TcpSocket::sendable_end() const {
  const uint64_t window = std::min(peer_window_, congestion_window_);
  return std::min(stream_end(), acknowledged_ + window);
}

// Everything that the windows let out.
void TcpSocket::push() {
  if (state_ == TcpSocketState::kClosed || state_ == TcpSocketState::kTimeWait) {
    return;
  }
  while (next_ < stream_end()) {
    // A lone FIN takes no room.
    if (next_ >= sendable_end() && next_ != written_) {
      break;
    }
    transmit(next_, false);
  }
  // A closed window is probed, as if the byte were lost.
  if (next_ < stream_end() && !retransmission_.armed()) {
    arm_retransmission();
  }
}

// One segment from 'offset' on.
void TcpSocket::transmit(uint64_t offset, bool again) {
  const uint64_t limit = again ? std::min(written_, sent_end()) : std::min(written_, sendable_end());
  const auto payload = static_cast<uint16_t>(offset >= limit ? 0 : std::min<uint64_t>(mss_, limit - offset));
  const uint64_t data_end = offset + payload;
  const bool fin = fin_queued_ && data_end == written_;
  uint8_t flags = payload > 0 && data_end == written_ ? kTcpPsh : 0;
  flags |= fin ? kTcpFin : 0;
  send(flags, offset, payload);
  const uint64_t end = data_end + (fin ? 1 : 0);
  if (!again) {
    last_segment_ = offset;
    next_ = end;
    if (payload > 0) {
      note_data_sent();
    }
    if (!timed_end_ && end > sent_most_) {
      timed_end_ = end;
      timed_at_ = now();
    }
  }
  sent_most_ = std::max(sent_most_, end);
  if (!retransmission_.armed()) {
    arm_retransmission();
  }
}

void TcpSocket::note_data_sent() {
  if (received_ > 0 && now() - last_data_ < kAnswersWithin) {
    interactive_ = true;
  }
}

// RFC 1191 section 6.4: what was too large is lost, and no sign of congestion.
void TcpSocket::path_mtu_changed() {
  const uint16_t fits = host_->mss(tuple_.destination);
  if (fits >= mss_ || acknowledged_ == next_) {
    return;
  }
  mss_ = fits;
  timed_end_.reset();
  next_ = acknowledged_;
  push();
}

}  // namespace lapse::sim
