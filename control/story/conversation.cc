#include "control/story/conversation.h"

#include <algorithm>

#include "dataplane/wire/tcp.h"

namespace lapse::story {

bool believes(Belief belief) {
  switch (belief) {
    case Belief::kSynSent:
    case Belief::kSynReceived:
    case Belief::kEstablished:
    case Belief::kFinSent:
    case Belief::kFinReceived:
      return true;
    default:
      return false;
  }
}

Belief after_sending(Belief belief, uint8_t tcp_flags) {
  if ((tcp_flags & kTcpRst) != 0) {
    return belief == Belief::kNothing || believes(belief) ? Belief::kAborted : belief;
  }
  if ((tcp_flags & kTcpSyn) != 0) {
    return (tcp_flags & kTcpAck) != 0 ? Belief::kSynReceived : Belief::kSynSent;
  }
  if ((tcp_flags & kTcpFin) != 0) {
    if (belief == Belief::kFinReceived) {
      return Belief::kClosed;
    }
    return believes(belief) || belief == Belief::kNothing ? Belief::kFinSent : belief;
  }
  return belief == Belief::kNothing || belief == Belief::kSynSent ? Belief::kEstablished : belief;
}

Belief after_receiving(Belief belief, uint8_t tcp_flags) {
  if ((tcp_flags & kTcpRst) != 0) {
    if (belief == Belief::kSynSent) {
      return Belief::kRefused;
    }
    return believes(belief) ? Belief::kReset : belief;
  }
  if ((tcp_flags & kTcpSyn) != 0) {
    return (tcp_flags & kTcpAck) != 0 && belief == Belief::kSynSent ? Belief::kEstablished : belief;
  }
  if ((tcp_flags & kTcpFin) != 0) {
    if (belief == Belief::kFinSent) {
      return Belief::kClosed;
    }
    return believes(belief) ? Belief::kFinReceived : belief;
  }
  return belief == Belief::kSynReceived ? Belief::kEstablished : belief;
}

const BoxKnowledge* Conversation::box(BoxId id_of_box) const {
  const auto found =
      std::find_if(boxes.begin(), boxes.end(), [&](const auto& known) { return known.box == id_of_box; });
  return found == boxes.end() ? nullptr : &*found;
}

BoxKnowledge& Conversation::box_or_new(BoxId id_of_box) {
  const auto found =
      std::find_if(boxes.begin(), boxes.end(), [&](const auto& known) { return known.box == id_of_box; });
  if (found != boxes.end()) {
    return *found;
  }
  boxes.push_back({.box = id_of_box});
  return boxes.back();
}

bool Conversation::finished() const {
  const bool a_box_tracks =
      std::any_of(boxes.begin(), boxes.end(), [](const auto& known) { return known.state == BoxState::kTracking; });
  if (!is_tcp()) {
    return !a_box_tracks;
  }
  return !a_box_tracks && !believes(ends[0].belief) && !believes(ends[1].belief);
}

int telling(const Conversation& conversation) {
  const bool believed =
      std::any_of(conversation.forgettings.begin(), conversation.forgettings.end(), [](const Forgetting& forgetting) {
        return forgetting.told != Told::kBothEnds && (forgetting.believed[0] || forgetting.believed[1]);
      });
  const bool spoke_after = !conversation.forgettings.empty() && !conversation.late.empty();
  int score = 0;
  score += believed ? 8 : 0;
  score += spoke_after ? 4 : 0;
  score += conversation.late_packets > 0 ? 1 : 0;
  score += conversation.resets_by_boxes > 0 ? 1 : 0;
  score += conversation.refusals > 0 ? 1 : 0;
  return score;
}

void apply_to_ends(const Entry& entry, bool is_tcp, std::array<EndState, 2>& ends) {
  if (entry.kind != EntryKind::kCrossing) {
    return;
  }
  const auto change = [&](EndState& end, Belief belief) {
    if (is_tcp && belief != end.belief) {
      end.belief = belief;
      end.since = entry.time;
      end.reset_by = entry.made_by;
    }
  };
  EndState& speaker = ends[index(entry.from_end)];
  EndState& listener = ends[index(other(entry.from_end))];
  if (entry.from == kNoBox) {
    speaker.seen = true;
    ++speaker.packets_sent;
    speaker.bytes_sent += entry.payload;
    change(speaker, after_sending(speaker.belief, entry.tcp_flags));
  }
  if (entry.to == kNoBox && !entry.lost) {
    listener.seen = true;
    ++listener.packets_received;
    change(listener, after_receiving(listener.belief, entry.tcp_flags));
  }
}

void apply_to_box(const Entry& entry, BoxKnowledge& box) {
  if (entry.kind != EntryKind::kBoxEvent || entry.to != box.box) {
    return;
  }
  const auto become = [&](BoxState state) {
    box.state = state;
    box.since = entry.time;
  };
  switch (entry.event) {
    case EventKind::kFlowNew:
      become(BoxState::kTracking);
      break;
    case EventKind::kFlowClosed:
      become(BoxState::kClosed);
      break;
    case EventKind::kFlowExpired:
    case EventKind::kFlowReleased:
      if (box.state != BoxState::kClosed) {
        become(BoxState::kForgot);
      }
      break;
    case EventKind::kRejected:
      if (box.state != BoxState::kTracking) {
        become(BoxState::kRefused);
        box.reason = entry.reason;
      }
      break;
    default:
      break;
  }
}

}  // namespace lapse::story
