#include <algorithm>
#include <charconv>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/notation.h"
#include "dataplane/wire/tcp.h"

namespace lapse {
namespace {

// Reads one packet's text from left to right; the first thing that does not fit makes every later answer false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool failed() const { return failed_; }
  bool at_end() const { return text_.empty(); }

  bool literal(std::string_view expected) {
    if (!accept(expected)) {
      failed_ = true;
    }
    return !failed_;
  }

  bool accept(std::string_view expected) {
    if (failed_ || !text_.starts_with(expected)) {
      return false;
    }
    text_.remove_prefix(expected.size());
    return true;
  }

  // What stands before the next of 'ends', or before the end of the text.
  std::string_view until(std::string_view ends) {
    const size_t size = std::min(text_.find_first_of(ends), text_.size());
    const std::string_view found = text_.substr(0, size);
    text_.remove_prefix(size);
    return found;
  }

  template <typename Number>
  Number number() {
    Number value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc() || failed_) {
      failed_ = true;
      return 0;
    }
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return value;
  }

  Ipv4Address address() {
    const auto found = parse_ipv4(until(": "));
    failed_ = failed_ || !found;
    return found.value_or(Ipv4Address{});
  }

  void fail() { failed_ = true; }

 private:
  std::string_view text_;
  bool failed_ = false;
};

void append(std::vector<uint8_t>& bytes, uint32_t value, size_t size) {
  for (size_t i = size; i > 0; --i) {
    bytes.push_back(static_cast<uint8_t>(value >> (8 * (i - 1))));
  }
}

void scan_raw_option(Scanner& scanner, std::vector<uint8_t>& options) {
  const std::string_view digits = scanner.until(",>");
  if (digits.empty() || digits.size() % 2 != 0) {
    scanner.fail();
    return;
  }
  for (size_t i = 0; i < digits.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) {
      scanner.fail();
      return;
    }
    options.push_back(byte);
  }
}

void scan_option(Scanner& scanner, std::vector<uint8_t>& options) {
  if (scanner.accept("nop")) {
    options.push_back(kTcpOptionNop);
  } else if (scanner.accept("eol")) {
    options.push_back(kTcpOptionEnd);
  } else if (scanner.accept("sackOK")) {
    options.insert(options.end(), {kTcpOptionSackPermitted, 2});
  } else if (scanner.accept("mss ")) {
    options.insert(options.end(), {kTcpOptionMss, 4});
    append(options, scanner.number<uint16_t>(), 2);
  } else if (scanner.accept("wscale ")) {
    options.insert(options.end(), {kTcpOptionWindowScale, 3});
    append(options, scanner.number<uint8_t>(), 1);
  } else if (scanner.accept("TS val ")) {
    options.insert(options.end(), {kTcpOptionTimestamps, 10});
    append(options, scanner.number<uint32_t>(), 4);
    scanner.literal(" ecr ");
    append(options, scanner.number<uint32_t>(), 4);
  } else if (scanner.literal("raw ")) {
    scan_raw_option(scanner, options);
  }
}

void scan_options(Scanner& scanner, std::vector<uint8_t>& options) {
  do {
    scan_option(scanner, options);
  } while (scanner.accept(","));
  scanner.literal(">");
  while (options.size() % 4 != 0) {
    options.push_back(kTcpOptionEnd);
  }
  if (options.size() > kTcpMaxOptionsSize) {
    scanner.fail();
  }
}

uint8_t scan_flags(Scanner& scanner) {
  const std::string_view letters = scanner.until(" ");
  for (unsigned flags = 0; flags < 256; ++flags) {
    if (tcp_flags_to_string(static_cast<uint8_t>(flags)) == letters) {
      return static_cast<uint8_t>(flags);
    }
  }
  scanner.fail();
  return 0;
}

void scan_addresses(Scanner& scanner, PacketText& text) {
  text.tuple.source = scanner.address();
  scanner.literal(" > ");
  text.tuple.destination = scanner.address();
}

void scan_endpoints(Scanner& scanner, PacketText& text) {
  text.tuple.source = scanner.address();
  scanner.literal(":");
  text.tuple.source_port = be16(scanner.number<uint16_t>());
  scanner.literal(" > ");
  text.tuple.destination = scanner.address();
  scanner.literal(":");
  text.tuple.destination_port = be16(scanner.number<uint16_t>());
}

uint16_t scan_length(Scanner& scanner) {
  scanner.literal("(");
  const uint16_t length = scanner.number<uint16_t>();
  scanner.literal(")");
  return length;
}

void scan_tcp(Scanner& scanner, PacketText& text) {
  text.kind = PacketKind::kTcp;
  text.tuple.protocol = static_cast<uint8_t>(Protocol::kTcp);
  scan_endpoints(scanner, text);
  scanner.literal(" ");
  text.tcp_flags = scan_flags(scanner);
  scanner.literal(" ");
  text.sequence = scanner.number<uint32_t>();
  scanner.literal(":");
  const auto end = scanner.number<uint32_t>();
  text.payload_length = scan_length(scanner);
  if (end != text.sequence + *text.payload_length) {
    scanner.fail();
  }
  if ((text.tcp_flags & kTcpAck) != 0) {
    scanner.literal(" ack ");
    text.acknowledgement = scanner.number<uint32_t>();
  }
  if (scanner.accept(" win ")) {
    text.window = scanner.number<uint16_t>();
  }
  if (scanner.accept(" <")) {
    scan_options(scanner, text.tcp_options);
  }
}

void scan_icmp(Scanner& scanner, PacketText& text) {
  text.tuple.protocol = static_cast<uint8_t>(Protocol::kIcmp);
  scan_addresses(scanner, text);
  if (scanner.accept(" type ")) {
    text.icmp_type = scanner.number<uint8_t>();
    text.kind = is_icmp_error(text.icmp_type) ? PacketKind::kIcmpError : PacketKind::kIcmpOther;
    scanner.literal(" code ");
    text.icmp_code = scanner.number<uint8_t>();
  } else {
    text.kind = PacketKind::kIcmpQuery;
    const bool request = scanner.accept(" echo request id ");
    if (!request) {
      scanner.literal(" echo reply id ");
    }
    text.icmp_type = request ? kIcmpEchoRequest : kIcmpEchoReply;
    (request ? text.tuple.source_port : text.tuple.destination_port) = be16(scanner.number<uint16_t>());
    scanner.literal(" seq ");
    text.icmp_sequence = scanner.number<uint16_t>();
  }
  if (scanner.accept(" ")) {
    text.payload_length = scan_length(scanner);
  }
}

void scan_arp(Scanner& scanner, PacketText& text) {
  text.kind = PacketKind::kArp;
  if (scanner.accept("who-has ")) {
    text.arp_operation = kArpRequest.host();
    text.tuple.destination = scanner.address();
    scanner.literal(" tell ");
    text.tuple.source = scanner.address();
    return;
  }
  scanner.literal("reply ");
  text.arp_operation = kArpReply.host();
  text.tuple.source = scanner.address();
  scanner.literal(" is-at ");
  text.arp_sender_mac = parse_mac(scanner.until(" "));
  if (!text.arp_sender_mac) {
    scanner.fail();
  }
}

void scan_fragment(Scanner& scanner, PacketText& text) {
  FragmentText fragment;
  fragment.identification = scanner.number<uint16_t>();
  scanner.literal("@");
  fragment.offset = scanner.number<uint16_t>();
  fragment.more = scanner.accept("+");
  text.fragment = fragment;
  if (text.kind == PacketKind::kOtherIpv4) {
    text.kind = PacketKind::kFragment;
  }
}

}  // namespace

std::optional<PacketText> parse_packet_text(std::string_view line) {
  Scanner scanner(line);
  PacketText text;
  if (scanner.accept("udp ")) {
    text.kind = PacketKind::kUdp;
    text.tuple.protocol = static_cast<uint8_t>(Protocol::kUdp);
    scan_endpoints(scanner, text);
    scanner.literal(" ");
    text.payload_length = scan_length(scanner);
  } else if (scanner.accept("icmp ")) {
    scan_icmp(scanner, text);
  } else if (scanner.accept("arp ")) {
    scan_arp(scanner, text);
  } else if (scanner.accept("ip ")) {
    text.kind = PacketKind::kOtherIpv4;
    scan_addresses(scanner, text);
    scanner.literal(" protocol ");
    text.tuple.protocol = scanner.number<uint8_t>();
    scanner.literal(" ");
    text.payload_length = scan_length(scanner);
  } else {
    scan_tcp(scanner, text);
  }
  if (scanner.accept(" frag ")) {
    scan_fragment(scanner, text);
  }
  if (scanner.failed() || !scanner.at_end()) {
    return std::nullopt;
  }
  return text;
}

}  // namespace lapse
