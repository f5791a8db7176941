// What arrives: RFC 9293 section 3.10.7, in its order.
#include <algorithm>
#include <cerrno>

#include "dataplane/wire/tcp.h"
#include "sim/host.h"
#include "sim/tcp_socket.h"

namespace lapse::sim {
namespace {

constexpr uint32_t kInitialWindowSegments = 10;  // RFC 6928
constexpr Duration kDelayedAcknowledgement = std::chrono::milliseconds(40);
constexpr uint32_t kQuickAcknowledgements = 16;
constexpr uint32_t kFastRetransmitDuplicates = 3;

int32_t difference(uint32_t left, uint32_t right) {
  return static_cast<int32_t>(left - right);
}

}  // namespace

void TcpSocket::receive(const Segment& segment) {
  if (state_ == TcpSocketState::kSynSent) {
    receive_in_syn_sent(segment);
    return;
  }
  if (!acceptable(segment)) {
    // A keepalive probe comes here, too. The peer's SYN again: ours was lost.
    if ((segment.flags & kTcpRst) == 0) {
      if (state_ == TcpSocketState::kSynReceived && (segment.flags & kTcpSyn) != 0) {
        send_syn();
      } else {
        send_acknowledgement();
      }
    }
    return;
  }
  if ((segment.flags & kTcpRst) != 0) {
    handle_reset(segment);
    return;
  }
  if ((segment.flags & kTcpSyn) != 0) {
    send_acknowledgement();  // RFC 5961 section 4
    return;
  }
  if ((segment.flags & kTcpAck) == 0 || !handle_acknowledgement(segment)) {
    return;
  }
  handle_data(segment);
}

void TcpSocket::receive_in_syn_sent(const Segment& segment) {
  const bool acknowledges = (segment.flags & kTcpAck) != 0;
  if (acknowledges && segment.acknowledgement != initial_sequence_ + 1) {
    if ((segment.flags & kTcpRst) == 0) {
      host_->send_reset_to(segment);
    }
    return;
  }
  if ((segment.flags & kTcpRst) != 0) {
    if (acknowledges) {
      fail(ECONNREFUSED);
    }
    return;
  }
  if ((segment.flags & kTcpSyn) == 0) {
    return;
  }
  peer_initial_sequence_ = segment.sequence;
  mss_ = std::min(host_->mss(tuple_.destination), segment.mss);
  peer_scale_ = segment.window_scale == kNoWindowScale ? 0 : segment.window_scale;
  scale_ = segment.window_scale == kNoWindowScale ? 0 : Host::kWindowScale;
  peer_window_ = segment.window;
  last_heard_ = now();
  if (!acknowledges) {
    state_ = TcpSocketState::kSynReceived;  // both opened at once
    send_syn();
    return;
  }
  establish();
}

// RFC 9293 section 3.10.7.4, first: something of the segment stands in the window.
bool TcpSocket::acceptable(const Segment& segment) const {
  const uint32_t length =
      segment.payload + ((segment.flags & kTcpFin) != 0 ? 1 : 0) + ((segment.flags & kTcpSyn) != 0 ? 1 : 0);
  const int32_t begin = difference(segment.sequence, expected());
  const int32_t end = begin + static_cast<int32_t>(length);
  const auto window = static_cast<int32_t>(Host::kWindow);
  return length == 0 ? begin >= 0 && begin < window : begin < window && end > 0;
}

// RFC 5961 section 3: only the very next byte resets; elsewhere in the window it is asked back. True: it is over.
bool TcpSocket::handle_reset(const Segment& segment) {
  if (segment.sequence != expected()) {
    send_acknowledgement();
    return false;
  }
  if (state_ == TcpSocketState::kSynReceived && passive_) {
    finish();
  } else {
    fail(state_ == TcpSocketState::kCloseWait ? EPIPE : ECONNRESET);
  }
  return true;
}

bool TcpSocket::handle_acknowledgement(const Segment& segment) {
  const int32_t ahead = difference(segment.acknowledgement, sequence(acknowledged_));
  const auto outstanding = static_cast<int64_t>(sent_end() - acknowledged_);
  if (state_ == TcpSocketState::kSynReceived) {
    if (ahead < 0 || ahead > outstanding) {
      host_->send_reset_to(segment);
      return false;
    }
    establish();
  } else if (ahead > outstanding) {
    send_acknowledgement();
    return false;
  }
  last_heard_ = now();
  probes_out_ = 0;
  peer_window_ = uint32_t{segment.window} << peer_scale_;
  if (ahead > 0) {
    acknowledge_to(acknowledged_ + static_cast<uint64_t>(ahead));
  } else if (ahead == 0 && outstanding > 0 && segment.payload == 0) {
    count_duplicate(segment);
  }
  if (state_ == TcpSocketState::kClosed || state_ == TcpSocketState::kTimeWait) {
    return false;
  }
  push();
  return true;
}

void TcpSocket::acknowledge_to(uint64_t offset) {
  if (timed_end_ && offset >= *timed_end_) {
    measure(now() - timed_at_);
    timed_end_.reset();
  }
  const auto newly = static_cast<uint32_t>(offset - acknowledged_);
  acknowledged_ = offset;
  next_ = std::max(next_, acknowledged_);
  duplicates_ = 0;
  if (retransmissions_ > 0) {
    retransmissions_ = 0;
    timeout_ = std::max<Duration>(smoothed_ + 4 * variation_, std::chrono::milliseconds(200));
  }
  tail_probed_ = false;
  congestion_window_ += congestion_window_ < slow_start_threshold_
                            ? std::min<uint32_t>(newly, mss_)
                            : std::max<uint32_t>(1, uint32_t{mss_} * mss_ / congestion_window_);
  if (has_unacknowledged()) {
    arm_retransmission();
  } else {
    retransmission_.cancel();
  }
  if (fin_queued_ && acknowledged_ == stream_end()) {
    fin_acknowledged();
  }
}

// RFC 5681 section 3.2.
void TcpSocket::count_duplicate(const Segment&) {
  if (++duplicates_ == kFastRetransmitDuplicates) {
    slow_start_threshold_ = std::max<uint32_t>(congestion_window_ / 2, 2U * mss_);
    congestion_window_ = slow_start_threshold_;
    timed_end_.reset();
    transmit(acknowledged_, true);
  }
}

void TcpSocket::fin_acknowledged() {
  switch (state_) {
    case TcpSocketState::kFinWait1:
      state_ = TcpSocketState::kFinWait2;
      if (orphaned()) {
        arm(linger_, settings_.fin_timeout);
      }
      break;
    case TcpSocketState::kClosing:
      enter_time_wait();
      break;
    case TcpSocketState::kLastAck:
      finish();
      break;
    default:
      break;
  }
}

void TcpSocket::establish() {
  state_ = TcpSocketState::kEstablished;
  retransmission_.cancel();
  if (retransmissions_ == 0) {
    measure(now() - *syn_sent_);
  } else {
    timeout_ = std::chrono::seconds(1);
  }
  retransmissions_ = 0;
  congestion_window_ = kInitialWindowSegments * mss_;
  last_data_ = now();
  start_keepalive();
  if (!passive_) {
    send_acknowledgement();
  }
  if (user_ != nullptr) {
    user_->on_connected(*this);
  } else if (passive_) {
    host_->accepted(*this);
  }
  if (fin_queued_ && state_ == TcpSocketState::kEstablished) {
    state_ = TcpSocketState::kFinWait1;
  }
  push();
}

void TcpSocket::handle_data(const Segment& segment) {
  const bool fin = (segment.flags & kTcpFin) != 0;
  if (segment.payload == 0 && !fin) {
    return;
  }
  // Offsets from where the stream stands; bytes that came before are cut off.
  const auto begin = static_cast<int64_t>(received_) + difference(segment.sequence, expected());
  const Range data{static_cast<uint64_t>(std::max<int64_t>(begin, 0)),
                   static_cast<uint64_t>(std::max<int64_t>(begin + segment.payload, 0))};
  if (orphaned() && data.end > received_ && state_ != TcpSocketState::kLastAck) {
    send_reset();  // nobody will ever read it
    finish();
    return;
  }
  if (fin) {
    fin_at_ = data.end;
  }
  const uint64_t before = received_;
  const uint64_t fresh = take_in(data);
  const bool ends = fin_at_ && *fin_at_ == received_ && !fin_received_;
  if (ends) {
    fin_received_ = true;
  }
  const bool may_answer = ends && state_ == TcpSocketState::kEstablished;
  if (may_answer) {
    interactive_ = true;  // as Linux: an acknowledgement of the end waits for what the program makes of it
  }
  schedule_acknowledgement(segment, out_of_order_.empty() && (ends ? may_answer : before != received_));
  if (fresh > 0) {
    last_data_ = now();
    if (user_ != nullptr) {
      user_->on_data(*this, fresh);
    }
  }
  if (ends && state_ != TcpSocketState::kClosed) {
    handle_fin();
  }
}

// Returns how many bytes became readable.
uint64_t TcpSocket::take_in(Range data) {
  if (data.end <= received_) {
    return 0;
  }
  uint64_t& end = out_of_order_[std::max(data.begin, received_)];
  end = std::max(end, data.end);
  const uint64_t before = received_;
  while (!out_of_order_.empty() && out_of_order_.begin()->first <= received_) {
    received_ = std::max(received_, out_of_order_.begin()->second);
    out_of_order_.erase(out_of_order_.begin());
  }
  return received_ - before;
}

void TcpSocket::handle_fin() {
  switch (state_) {
    case TcpSocketState::kEstablished:
      state_ = TcpSocketState::kCloseWait;
      break;
    case TcpSocketState::kFinWait1:
      state_ = TcpSocketState::kClosing;
      break;
    case TcpSocketState::kFinWait2:
      enter_time_wait();
      break;
    default:
      return;
  }
  if (user_ != nullptr) {
    user_->on_end(*this);
  }
}

// RFC 9293 section 3.8.6.3, and Linux: the first segments are acknowledged at once, and so is everything until this end is
// seen to answer; then an acknowledgement waits for the answer that may carry it.
void TcpSocket::schedule_acknowledgement(const Segment& segment, bool in_order) {
  if (now() - last_data_ > timeout_) {
    quick_acknowledgements_ = kQuickAcknowledgements;
  }
  ++unacknowledged_segments_;
  const bool quick = quick_acknowledgements_ > 0 && !interactive_;
  if (quick_acknowledgements_ > 0) {
    --quick_acknowledgements_;
  }
  if (!in_order || quick || (unacknowledged_segments_ >= 2 && segment.payload >= mss_)) {
    send_acknowledgement();
  } else if (!delayed_acknowledgement_.armed()) {
    arm(delayed_acknowledgement_, kDelayedAcknowledgement);
  }
}

}  // namespace lapse::sim
