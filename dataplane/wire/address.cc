#include "dataplane/wire/address.h"

#include <cstdio>

namespace lapse {
namespace {

// Takes a decimal number of at most 'largest' from the front of 'text'; no sign, no leading zero.
std::optional<uint32_t> take_decimal(std::string_view& text, uint32_t largest) {
  uint32_t value = 0;
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + static_cast<uint32_t>(text[digits] - '0');
    ++digits;
    if (value > largest || (digits == 2 && text[0] == '0')) {
      return std::nullopt;
    }
  }
  if (digits == 0) {
    return std::nullopt;
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

std::optional<uint8_t> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<uint8_t>(digit - '0');
  }
  const char lower = static_cast<char>(digit | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<uint8_t>(lower - 'a' + 10);
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(Ipv4Address address) {
  const uint32_t host = address.host();
  char text[16];
  std::snprintf(text, sizeof(text), "%u.%u.%u.%u", host >> 24, host >> 16 & 0xff, host >> 8 & 0xff, host & 0xff);
  return text;
}

std::string to_string(const Ipv4Prefix& prefix) {
  return to_string(prefix.network) + "/" + std::to_string(prefix.length);
}

std::string to_string(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac.bytes[0], mac.bytes[1], mac.bytes[2],
                mac.bytes[3], mac.bytes[4], mac.bytes[5]);
  return text;
}

std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && !take_char(text, '.')) {
      return std::nullopt;
    }
    const auto byte = take_decimal(text, 255);
    if (!byte) {
      return std::nullopt;
    }
    address = address << 8 | *byte;
  }
  if (!text.empty()) {
    return std::nullopt;
  }
  return be32(address);
}

std::optional<Ipv4Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto network = parse_ipv4(text.substr(0, slash));
  text.remove_prefix(slash + 1);
  const auto length = take_decimal(text, 32);
  if (!network || !length || !text.empty()) {
    return std::nullopt;
  }
  const Ipv4Prefix prefix{*network, static_cast<uint8_t>(*length)};
  if ((network->host() & ~prefix.mask()) != 0) {
    return std::nullopt;
  }
  return prefix;
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  if (text.size() != 17) {
    return std::nullopt;
  }
  MacAddress mac;
  for (size_t i = 0; i < mac.bytes.size(); ++i) {
    const auto high = hex_digit(text[3 * i]);
    const auto low = hex_digit(text[3 * i + 1]);
    if (!high || !low || (i < 5 && text[3 * i + 2] != ':')) {
      return std::nullopt;
    }
    mac.bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return mac;
}

}  // namespace lapse
