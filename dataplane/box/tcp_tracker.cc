#include "dataplane/box/tcp_tracker.h"

#include <algorithm>

#include "dataplane/wire/tcp.h"
#include "dataplane/wire/tcp_options.h"

namespace lapse {
namespace {

// How far beyond the last window a segment may begin and still be believed: a window may have shrunk meanwhile.
constexpr uint32_t kWindowSlack = 65536;
constexpr uint8_t kLargestScale = 14;

constexpr bool is_after(uint32_t left, uint32_t right) {
  return static_cast<int32_t>(left - right) > 0;
}

std::optional<uint8_t> window_scale(const Packet& packet) {
  const size_t at = find_tcp_option(packet, kTcpOptionWindowScale, kTcpOptionWindowScaleSize);
  return at == 0 ? std::nullopt : std::optional(std::min(packet.data[at], kLargestScale));
}

// Sixteenths rounded up, so that the remembered window is never smaller than the real one (but for its last 15 bytes).
constexpr uint16_t pack_window(uint32_t scaled, uint8_t scale) {
  const uint32_t sixteenths = std::min<uint32_t>((scaled + 15) / 16, 0xfff);
  return static_cast<uint16_t>(sixteenths << 4 | scale);
}
constexpr uint8_t scale_of(uint16_t packed) {
  return packed & 0xf;
}
constexpr uint32_t window_bytes(uint16_t packed) {
  return (uint32_t{packed} >> 4) * 16 << scale_of(packed);
}

// RFC 7323 section 2.2: the window of a segment with SYN is never scaled.
uint16_t window_of_syn(const TcpSegment& syn) {
  const uint8_t scale = syn.scale.value_or(0);
  const uint32_t unit = uint32_t{1} << scale;
  return pack_window((syn.window + unit - 1) >> scale, scale);
}

template <typename Value>
Value get(const std::atomic<Value> (&field)[2], Direction direction) {
  return field[static_cast<size_t>(direction)].load(std::memory_order_relaxed);
}
template <typename Value>
void set(std::atomic<Value> (&field)[2], Direction direction, Value value) {
  field[static_cast<size_t>(direction)].store(value, std::memory_order_relaxed);
}

// Until an end has acknowledged anything, what it expects is the other's initial sequence number.
void start_direction(FlowRecord& record, Direction direction, const TcpSegment& syn) {
  set(record.highest_end, direction, syn.end());
  set(record.window, direction, window_of_syn(syn));
  set(record.last_ack, opposite(direction), syn.sequence);
}

// The answer to a SYN. Window scaling is in force only when both ends offer it.
void answer_to_syn(FlowRecord& record, Direction direction, const TcpSegment& syn) {
  start_direction(record, direction, syn);
  if ((syn.flags & kTcpAck) != 0) {
    set(record.last_ack, direction, syn.acknowledgement);
  }
  if (!syn.scale) {
    const uint16_t packed = get(record.window, opposite(direction));
    set(record.window, opposite(direction), pack_window(window_bytes(packed), 0));
  }
}

// RFC 9293 section 3.10.7.3: an end that has sent a SYN believes an answer that acknowledges it.
bool acknowledges_the_syn(const FlowRecord& record, const TcpSegment& answer) {
  const uint32_t initial = get(record.last_ack, Direction::kReply);
  return is_after(answer.acknowledgement, initial) &&
         !is_after(answer.acknowledgement, get(record.highest_end, Direction::kOriginal));
}

// Whether any of the sequence numbers 'first' to 'last' lies in the window of the end to which 'direction' leads. What was
// sent but not acknowledged yet counts as well: its receiver may have it, and may have shut its window.
bool touches_window(const FlowRecord& record, Direction direction, uint32_t first, uint32_t last) {
  const Direction receiver = opposite(direction);
  const uint32_t expected = get(record.last_ack, receiver);
  const uint32_t window_end = expected + window_bytes(get(record.window, receiver));
  const uint32_t sent_end = get(record.highest_end, direction);
  const uint32_t end = is_after(sent_end, window_end) ? sent_end : window_end;
  return !is_after(expected, last) && !is_after(first, end);
}

// RFC 5961 section 5.2: nothing that was not sent, and nothing older than a window. RFC 9293 section 3.10.7.4: what ends a
// handshake acknowledges a SYN.
bool acknowledgement_is_acceptable(const FlowRecord& record, Direction direction, TcpState state,
                                   uint32_t acknowledgement) {
  const uint32_t highest = get(record.last_ack, direction);
  const bool is_old =
      state == TcpState::kSynReceived && direction == Direction::kOriginal
          ? !is_after(acknowledgement, highest)
          : is_after(highest - std::max(window_bytes(get(record.window, direction)), kWindowSlack), acknowledgement);
  return !is_old && !is_after(acknowledgement, get(record.highest_end, opposite(direction)));
}

}  // namespace

TcpSegment read_segment(const Packet& packet) {
  const auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
  TcpSegment segment{.sequence = tcp.sequence.host(),
                     .acknowledgement = tcp.acknowledgement.host(),
                     .length = packet.payload_length(),
                     .window = tcp.window.host(),
                     .flags = packet.tcp_flags};
  if ((segment.flags & kTcpSyn) != 0) {
    ++segment.length;
    segment.scale = window_scale(packet);
  }
  if ((segment.flags & kTcpFin) != 0) {
    ++segment.length;
  }
  return segment;
}

void start_tracking(FlowRecord& record, const TcpSegment& syn) {
  start_direction(record, Direction::kOriginal, syn);
}

void track(FlowRecord& record, Direction direction, TcpState state, const TcpSegment& segment) {
  const Direction receiver = opposite(direction);
  if (state == TcpState::kSynSent && direction == Direction::kReply) {
    if ((segment.flags & kTcpSyn) != 0) {
      answer_to_syn(record, direction, segment);
    }
    return;
  }
  const uint32_t edge =
      get(record.last_ack, receiver) + std::max(window_bytes(get(record.window, receiver)), kWindowSlack);
  if (is_after(segment.end(), get(record.highest_end, direction)) && !is_after(segment.sequence, edge)) {
    set(record.highest_end, direction, segment.end());
  }
  const bool acknowledges = (segment.flags & kTcpAck) != 0 && (segment.flags & kTcpRst) == 0;
  if (!acknowledges || is_after(segment.acknowledgement, get(record.highest_end, receiver)) ||
      is_after(get(record.last_ack, direction), segment.acknowledgement)) {
    return;
  }
  set(record.last_ack, direction, segment.acknowledgement);
  if ((segment.flags & kTcpSyn) == 0) {
    set(record.window, direction, pack_window(segment.window, scale_of(get(record.window, direction))));
  }
}

bool may_change_state(const FlowRecord& record, Direction direction, TcpState state, const TcpSegment& segment) {
  const bool acknowledges = (segment.flags & kTcpAck) != 0;
  if (state == TcpState::kSynSent && direction == Direction::kReply) {
    return acknowledges ? acknowledges_the_syn(record, segment) : (segment.flags & kTcpRst) == 0;
  }
  if ((segment.flags & kTcpRst) != 0) {
    return touches_window(record, direction, segment.sequence, segment.sequence);
  }
  if (!acknowledges) {
    return (segment.flags & kTcpSyn) != 0;
  }
  const uint32_t last = segment.length == 0 ? segment.sequence : segment.end() - 1;
  return touches_window(record, direction, segment.sequence, last) &&
         acknowledgement_is_acceptable(record, direction, state, segment.acknowledgement);
}

}  // namespace lapse
