#include "control/story/phrases.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/story/names.h"
#include "control/story/text.h"
#include "dataplane/wire/tcp.h"

namespace lapse::story {
namespace {

bool is_icmp(const Conversation& conversation) {
  return conversation.tuple.protocol == static_cast<uint8_t>(Protocol::kIcmp);
}

bool is_udp(const Conversation& conversation) {
  return conversation.tuple.protocol == static_cast<uint8_t>(Protocol::kUdp);
}

std::string tcp_flags_label(const Entry& entry) {
  std::vector<std::string_view> flags;
  const auto add = [&](uint8_t flag, std::string_view name) {
    if ((entry.tcp_flags & flag) != 0) {
      flags.push_back(name);
    }
  };
  add(kTcpSyn, "SYN");
  add(kTcpFin, "FIN");
  add(kTcpRst, "RST");
  add(kTcpPsh, "PSH");
  // An ACK with data or with FIN says nothing: every such segment has it.
  if (flags.empty() || (entry.tcp_flags & kTcpSyn) != 0) {
    if (entry.payload == 0 || (entry.tcp_flags & kTcpSyn) != 0) {
      add(kTcpAck, "ACK");
    }
  }
  std::string label;
  for (const std::string_view flag : flags) {
    label += (label.empty() ? "" : ",") + std::string(flag);
  }
  return label.empty() && entry.payload == 0 ? "no flags" : label;
}

std::string tcp_label(const Entry& entry, const topology::Directory& directory) {
  if (entry.role == Role::kKeepalive) {
    return "keepalive";
  }
  if (entry.role == Role::kKeepaliveAnswer) {
    return "keepalive ACK";
  }
  std::string label = tcp_flags_label(entry);
  if (entry.payload > 0) {
    absl::StrAppend(&label, label.empty() ? "" : " ", absl::string_view(bytes_text(entry.payload)));
  }
  if ((entry.tcp_flags & kTcpRst) != 0 && entry.made_by != kNoBox) {
    absl::StrAppend(&label, " by ", box_name(entry.made_by, directory));
  }
  if (entry.role == Role::kRepeated) {
    absl::StrAppend(&label, " again");
  }
  return label;
}

std::string_view told_text(Told told) {
  switch (told) {
    case Told::kNobody:
      return "nobody was told";
    case Told::kSender:
      return "the sender was told";
    case Told::kBothEnds:
      return "both ends were told";
  }
  return "";
}

std::string text_of(std::string_view view) {
  return std::string(view);
}

}  // namespace

std::string packet_label(const Entry& entry, const Conversation& conversation, const topology::Directory& directory) {
  if (conversation.is_tcp()) {
    return tcp_label(entry, directory);
  }
  const std::string size = bytes_text(entry.payload);
  if (is_udp(conversation)) {
    return "UDP " + size;
  }
  if (is_icmp(conversation)) {
    // The identifier stands in the place of the source port of whoever asked.
    const bool opener_asked = conversation.tuple.source_port != Be16{} || conversation.tuple.destination_port == Be16{};
    const bool asks = (entry.from_end == End::kOpener) == opener_asked;
    return (asks ? "echo request " : "echo reply ") + size;
  }
  return size;
}

std::vector<std::string> reasons(const Entry& entry) {
  const std::string tag = "(" + text_of(code(entry.reason)) + ")";
  if (entry.reason == DropReason::kAnswered) {
    return entry.late ? std::vector<std::string>{"no flow: answered with a RST", "answered with a RST"}
                      : std::vector<std::string>{"answered by the box " + tag};
  }
  const std::string full = text_of(code(entry.reason)) + ": " + text_of(sentence(entry.reason));
  if (entry.late) {
    return {"no flow: dropped in silence " + tag, "no flow: dropped " + tag, "dropped " + tag};
  }
  return {full, "dropped " + tag};
}

std::string long_reason(const Entry& entry) {
  if (entry.reason == DropReason::kAnswered) {
    return reasons(entry).front();
  }
  return text_of(code(entry.reason)) + ": " + text_of(sentence(entry.reason));
}

std::string box_event_text(const Entry& entry) {
  switch (entry.event) {
    case EventKind::kFlowExpired:
      return absl::StrCat("forgets the flow after ", exact(std::chrono::milliseconds(entry.timeout_ms)),
                          " of silence; ", text_of(told_text(entry.told)));
    case EventKind::kFlowReleased:
      return absl::StrCat("ends the flow: its address was released; ", text_of(told_text(entry.told)));
    case EventKind::kFlowNew:
      return absl::StrCat("opens a new flow as ", endpoint_address(entry.outside, entry.outside_port));
    case EventKind::kLatePacket:
      return absl::StrCat("a late packet: ", text_of(sentence(entry.reason)), "; ", text_of(told_text(entry.told)));
    case EventKind::kRejected:
      return absl::StrCat("refuses the flow (", text_of(code(entry.reason)), "): ", text_of(sentence(entry.reason)));
    case EventKind::kIcmpSent:
      return entry.reason == DropReason::kTooBig
                 ? "answers by ICMP: larger than the next MTU, and fragmenting is forbidden"
                 : "answers by ICMP: the time to live ran out";
    default:
      return text_of(name(entry.event));
  }
}

std::string fold_text(const Entry& sum, bool dropped, const Conversation& conversation,
                      const topology::Directory& directory) {
  const uint64_t packets = uint64_t{sum.packets[0]} + sum.packets[1];
  const std::string during = sum.last - sum.time >= std::chrono::seconds(1) ? " in " + about(sum.last - sum.time) : "";
  if (dropped) {
    return absl::StrCat(count_text(packets), " more", during, ", each dropped in the same way");
  }
  if (sum.role == Role::kKeepalive || sum.role == Role::kKeepaliveAnswer) {
    const bool all_answered = packets == 2 * uint64_t{sum.keepalives};
    return absl::StrCat(counted(sum.keepalives, "more keepalive"), during, all_answered ? ", each answered" : "");
  }
  std::string data;
  for (const End end : {End::kOpener, End::kResponder}) {
    if (sum.bytes[index(end)] > 0) {
      absl::StrAppend(&data, data.empty() ? ", " : " and ", bytes_text(sum.bytes[index(end)]), " from ",
                      end_name(conversation, end, directory));
    }
  }
  return absl::StrCat(counted(packets, "packet"), data, during);
}

bool ends_at_box(const Conversation& conversation, const topology::Directory& directory) {
  const EndState& responder = conversation.end(End::kResponder);
  return !responder.seen && directory.box_addresses.contains(responder.address);
}

namespace {

bool forgotten_by_a_box(const Conversation& conversation) {
  return std::any_of(conversation.boxes.begin(), conversation.boxes.end(), [](const BoxKnowledge& known) {
    return known.state == BoxState::kForgot || known.state == BoxState::kRefused;
  });
}

std::string tcp_end_text(const Conversation& conversation, End which, const topology::Directory& directory) {
  const EndState& end = conversation.end(which);
  const std::string moment = about(end.since - conversation.first);
  const std::string untold = forgotten_by_a_box(conversation) ? " (was never told)" : "";
  const std::string resetter =
      end.reset_by == kNoBox ? end_name(conversation, other(which), directory) : box_name(end.reset_by, directory);
  switch (end.belief) {
    case Belief::kNothing:
      return "no connection";
    case Belief::kSynSent:
      return "SYN_SENT (no answer yet)";
    case Belief::kSynReceived:
      return "SYN_RECEIVED" + untold;
    case Belief::kEstablished:
      return "ESTABLISHED" + untold;
    case Belief::kFinSent:
      return "FIN_WAIT since " + moment + untold;
    case Belief::kFinReceived:
      return "CLOSE_WAIT since " + moment + untold;
    case Belief::kClosed:
      return "closed at " + moment;
    case Belief::kReset:
      return "reset at " + moment + " by " + resetter;
    case Belief::kRefused:
      return "refused at " + moment + " by " + resetter;
    case Belief::kAborted:
      return "closed at " + moment + " (it sent a RST)";
  }
  return "";
}

std::string datagram_end_text(const Conversation& conversation, End which) {
  const EndState& end = conversation.end(which);
  const bool other_was_late = std::any_of(conversation.late.begin(), conversation.late.end(),
                                          [&](const LateSpeech& late) { return late.speaker == other(which); });
  const std::string noun = is_icmp(conversation) ? "packet" : "datagram";
  return absl::StrCat(counted(end.packets_sent, noun), " sent, ", count_text(end.packets_received), " received",
                      other_was_late ? " (never got the late answer)" : "");
}

Believer believer_at_end(const Conversation& conversation, End which, const topology::Directory& directory) {
  const EndState& end = conversation.end(which);
  if (conversation.is_tcp()) {
    return {end_name(conversation, which, directory), tcp_end_text(conversation, which, directory),
            believes(end.belief)};
  }
  return {end_name(conversation, which, directory), datagram_end_text(conversation, which), true};
}

Believer believer_at_box(const Conversation& conversation, const BoxKnowledge& known,
                         const topology::Directory& directory) {
  const std::string moment = about(known.since - conversation.first);
  const std::string name = box_name(known.box, directory);
  switch (known.state) {
    case BoxState::kNone:
      return {name, "no flow", false};
    case BoxState::kTracking:
      return {name, "has the flow", true};
    case BoxState::kClosed:
      return {name, "closed the flow at " + moment, false};
    case BoxState::kForgot:
      return {name, "no flow (forgot it at " + moment + ")", false};
    case BoxState::kRefused:
      return {name, "refused the flow (" + text_of(code(known.reason)) + ")", false};
  }
  return {name, "", false};
}

}  // namespace

std::vector<Believer> believers(const Conversation& conversation, const topology::Directory& directory) {
  std::vector<Believer> result{believer_at_end(conversation, End::kOpener, directory)};
  for (const BoxKnowledge& known : conversation.boxes) {
    result.push_back(believer_at_box(conversation, known, directory));
  }
  if (!ends_at_box(conversation, directory)) {
    result.push_back(believer_at_end(conversation, End::kResponder, directory));
  }
  return result;
}

}  // namespace lapse::story
