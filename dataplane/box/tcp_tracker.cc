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

bool reset_is_plausible(const FlowRecord& record, Direction direction, TcpState state, const TcpSegment& segment) {
  const Direction receiver = opposite(direction);
  const uint32_t expected = get(record.last_ack, receiver);
  if (state == TcpState::kSynSent && direction == Direction::kReply) {
    // RFC 9293 section 3.10.7.3: an end that has sent a SYN believes a RST that acknowledges it.
    const uint32_t initial = get(record.last_ack, direction);
    return (segment.flags & kTcpAck) != 0 && is_after(segment.acknowledgement, initial) &&
           !is_after(segment.acknowledgement, get(record.highest_end, receiver));
  }
  // What was sent but not acknowledged yet counts as well: its receiver may have it, and may have shut its window.
  const uint32_t window_end = expected + window_bytes(get(record.window, receiver));
  const uint32_t sent_end = get(record.highest_end, direction);
  const uint32_t end = is_after(sent_end, window_end) ? sent_end : window_end;
  return !is_after(expected, segment.sequence) && !is_after(segment.sequence, end);
}

}  // namespace lapse
