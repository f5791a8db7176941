// tcp_socket.h - one end of a TCP connection on a simulated host.
//
// Owner:    its host, until it is closed and its user has let go of it.
// Memory:   no payload is kept: a stream is a count of bytes.
// Time:     the simulation's.
// Bytes:    sequence numbers are host integers; offsets count the bytes of a stream from 0 and do not wrap.
// Cost:     a segment: a few compares, a timer armed.
// Lifetime: outlived by its host.
// Spec:     RFC 9293, RFC 6298 (retransmission), RFC 5961 (RST, challenge ACK), RFC 5681 (slow start), Linux where it differs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "sim/engine.h"
#include "sim/frame.h"
#include "sim/tcp_settings.h"

namespace lapse::sim {

class Host;
class TcpSocket;

// What a program hears of its connection. After on_error() the connection is gone; so it is after the program's close().
class TcpUser {
 public:
  virtual ~TcpUser() = default;
  virtual void on_connected(TcpSocket& socket) = 0;
  virtual void on_data(TcpSocket& socket, uint64_t bytes) = 0;
  virtual void on_end(TcpSocket& socket) = 0;  // the other end sends no more
  virtual void on_error(TcpSocket& socket, int error) = 0;
};

enum class TcpSocketState : uint8_t {
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
  kClosed,
};
// As ss(8) prints them: "ESTABLISHED", "CLOSE-WAIT".
std::string_view name(TcpSocketState state);

class TcpSocket {
 public:
  // 'tuple' as this end sends it.
  TcpSocket(Host& host, const FiveTuple& tuple, const TcpSettings& settings);
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;

  // ---- the program's side ----
  void set_user(TcpUser* user) { user_ = user; }
  void connect();
  void write(uint64_t bytes);
  void shutdown_write();  // half-close: a FIN behind everything written
  void close();           // the same, and the program lets go
  void abort();           // a RST, and the program lets go
  void set_keepalive(const Keepalive& keepalive);
  void set_user_timeout(Duration timeout) { settings_.user_timeout = timeout; }

  const FiveTuple& tuple() const { return tuple_; }
  uint32_t initial_sequence() const { return initial_sequence_; }
  uint32_t peer_initial_sequence() const { return peer_initial_sequence_; }
  TcpSocketState state() const { return state_; }
  bool has_unacknowledged() const { return acknowledged_ < sent_end(); }
  // A FIN went out, or a RST: nothing more can be written.
  bool write_closed() const { return fin_queued_ || state_ == TcpSocketState::kClosed; }
  bool orphaned() const { return user_ == nullptr; }

  // ---- the host's side ----
  void accept(const Segment& syn);
  void receive(const Segment& segment);
  // A router has said that segments are too large: smaller ones are sent in their place.
  void path_mtu_changed();

 private:
  struct Range {
    uint64_t begin;
    uint64_t end;
  };

  // tcp_input.cc
  void receive_in_syn_sent(const Segment& segment);
  bool acceptable(const Segment& segment) const;
  bool handle_reset(const Segment& segment);
  bool handle_acknowledgement(const Segment& segment);
  void acknowledge_to(uint64_t offset);
  void count_duplicate(const Segment& segment);
  void handle_data(const Segment& segment);
  uint64_t take_in(Range data);
  void handle_fin();
  void fin_acknowledged();
  void schedule_acknowledgement(const Segment& segment, bool in_order);
  void establish();

  // tcp_output.cc
  void send(uint8_t flags, uint64_t offset, uint16_t payload);
  void send_syn();
  void send_acknowledgement();
  void send_reset();
  void push();
  void transmit(uint64_t offset, bool again);
  uint64_t sendable_end() const;
  void note_data_sent();

  // tcp_timers.cc
  void arm_retransmission();
  void on_retransmission_due();
  bool may_probe_tail() const;
  void probe_tail();
  void retransmit_syn();
  bool out_of_patience(uint32_t retries) const;
  Duration until_patience_ends(Duration delay) const;
  void measure(Duration round_trip);
  void start_keepalive();
  void arm_keepalive(Duration delay);
  void on_keepalive_due();
  void send_probe();
  void on_linger_due();
  void enter_time_wait();
  void arm(Timer& timer, Duration delay);

  void fail(int error);
  void finish();

  uint32_t sequence(uint64_t offset) const { return initial_sequence_ + 1 + static_cast<uint32_t>(offset); }
  uint32_t expected() const;  // RCV.NXT
  uint64_t stream_end() const { return written_ + (fin_queued_ ? 1 : 0); }
  uint64_t sent_end() const { return sent_most_; }
  Instant now() const;

  Host* host_;
  FiveTuple tuple_;
  TcpSettings settings_;
  TcpUser* user_ = nullptr;
  TcpSocketState state_ = TcpSocketState::kClosed;
  bool passive_ = false;

  // What this end sends. The FIN is the byte behind the last one written.
  uint32_t initial_sequence_ = 0;
  uint64_t written_ = 0;
  uint64_t acknowledged_ = 0;  // SND.UNA
  uint64_t next_ = 0;          // SND.NXT
  uint64_t sent_most_ = 0;     // where next_ has been
  uint64_t last_segment_ = 0;  // where the one that was sent last begins
  bool fin_queued_ = false;
  uint32_t peer_window_ = 0;
  uint8_t peer_scale_ = 0;
  uint16_t mss_ = 536;
  uint32_t congestion_window_ = 0;
  uint32_t slow_start_threshold_ = UINT32_MAX;
  uint32_t duplicates_ = 0;

  // What it receives.
  uint32_t peer_initial_sequence_ = 0;
  uint64_t received_ = 0;  // bytes in order
  bool fin_received_ = false;
  std::optional<uint64_t> fin_at_;
  std::map<uint64_t, uint64_t> out_of_order_;  // begin -> end
  uint8_t scale_ = 0;
  uint32_t quick_acknowledgements_ = 16;
  bool interactive_ = false;  // answers follow requests: acknowledgements wait for them
  uint32_t unacknowledged_segments_ = 0;
  Instant last_data_{};
  Instant last_heard_{};

  // Retransmission.
  Duration timeout_ = std::chrono::seconds(1);
  Duration smoothed_{};
  Duration variation_{};
  bool measured_ = false;
  std::optional<uint64_t> timed_end_;  // the byte whose acknowledgement is being timed
  Instant timed_at_{};
  std::optional<Instant> syn_sent_;
  uint32_t retransmissions_ = 0;
  Instant first_retransmission_{};
  bool tail_probed_ = false;  // since something was acknowledged

  uint32_t probes_out_ = 0;

  Timer retransmission_;
  Timer keepalive_;
  Timer delayed_acknowledgement_;
  Timer linger_;
};

}  // namespace lapse::sim
