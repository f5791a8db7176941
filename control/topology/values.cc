#include "control/topology/values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

struct Unit {
  std::string_view name;
  Duration length;
};

// Longest first: parts of a duration stand in this order.
constexpr std::array<Unit, 5> kUnits{{{"d", std::chrono::hours(24)},
                                      {"h", std::chrono::hours(1)},
                                      {"m", std::chrono::minutes(1)},
                                      {"s", std::chrono::seconds(1)},
                                      {"ms", std::chrono::milliseconds(1)}}};

struct RateUnit {
  std::string_view name;
  uint64_t bits;
};

// Largest first.
constexpr std::array<RateUnit, 4> kRateUnits{
    {{"gbit", 1'000'000'000}, {"mbit", 1'000'000}, {"kbit", 1000}, {"bit", 1}}};
constexpr uint64_t kLeastRate = 1000;
constexpr uint64_t kMostRate = 100'000'000'000;

constexpr size_t kMostDigits = 9;  // before and behind the point of a probability

absl::Status wrong(std::string_view what, std::string_view value) {
  return absl::InvalidArgumentError(concat(what, " (", shown(value), ")"));
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
bool is_lower_or_digit(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'z');
}
bool is_alphanumeric(char letter) {
  return is_lower_or_digit(letter) || (letter >= 'A' && letter <= 'Z');
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  const std::string_view taken = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

std::optional<uint64_t> to_number(std::string_view digits) {
  uint64_t number = 0;
  for (const char digit : digits) {
    const auto value = static_cast<uint64_t>(digit - '0');
    if (number > (std::numeric_limits<uint64_t>::max() - value) / 10) {
      return std::nullopt;
    }
    number = number * 10 + value;
  }
  return number;
}

// Adds one part, "30s", and tells which unit it had.
absl::StatusOr<size_t> add_part(std::string_view text, std::string_view& rest, Duration& sum) {
  const std::string_view digits = take_while(rest, is_digit);
  const std::string_view unit = take_while(rest, [](char letter) { return !is_digit(letter); });
  if (digits.empty()) {
    return wrong("not a duration", text);
  }
  if (unit.empty()) {
    return wrong("a unit is missing", text);
  }
  const auto known = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == unit; });
  if (known == kUnits.end()) {
    return wrong(concat("the unit ", shown(unit), " is unknown"), text);
  }
  const std::optional<uint64_t> number = to_number(digits);
  const auto longest = static_cast<uint64_t>((Duration::max() - sum) / known->length);
  if (!number || *number > longest) {
    return wrong("too long", text);
  }
  sum += known->length * static_cast<Duration::rep>(*number);
  return static_cast<size_t>(known - kUnits.begin());
}

bool is_ipv6_like(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 2 &&
         text.find_first_not_of("0123456789abcdefABCDEF:./") == std::string_view::npos;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char letter) { return is_alphanumeric(letter) || letter == '-'; });
}

std::vector<std::string_view> split_at_dots(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    parts.push_back(text.substr(0, dot));
    text.remove_prefix(dot + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::vector<std::string_view> duration_units() {
  std::vector<std::string_view> names;
  for (const Unit& unit : kUnits) {
    names.push_back(unit.name);
  }
  return names;
}

std::vector<std::string_view> rate_units() {
  std::vector<std::string_view> names;
  for (const RateUnit& unit : kRateUnits) {
    names.push_back(unit.name);
  }
  return names;
}

absl::StatusOr<Duration> parse_duration(std::string_view text) {
  Duration sum{};
  std::string_view rest = text;
  std::optional<size_t> last_unit;
  do {
    const absl::StatusOr<size_t> unit = add_part(text, rest, sum);
    if (!unit.ok()) {
      return unit.status();
    }
    if (last_unit && *unit <= *last_unit) {
      return wrong("the longest unit stands first, each once", text);
    }
    last_unit = *unit;
  } while (!rest.empty());
  return sum;
}

std::string duration_text(Duration duration) {
  if (duration == Duration::zero()) {
    return "0s";
  }
  // One unit reads better than two where one is exact: 350s, not 5m50s; but 5d, not 432000s.
  static constexpr Duration kLongestInSeconds = std::chrono::hours(2);
  if (duration % std::chrono::seconds(1) == Duration::zero() && duration <= kLongestInSeconds &&
      duration % std::chrono::hours(1) != Duration::zero()) {
    return concat(std::to_string(duration / std::chrono::seconds(1)), "s");
  }
  std::string text;
  for (const Unit& unit : kUnits) {
    if (const auto count = duration / unit.length; count > 0) {
      text += concat(std::to_string(count), unit.name);
      duration -= unit.length * count;
    }
  }
  return text;
}

absl::StatusOr<Probability> parse_probability(std::string_view text) {
  std::string_view rest = text;
  const bool percent = rest.ends_with('%');
  rest.remove_suffix(percent ? 1 : 0);
  const std::string_view whole = take_while(rest, is_digit);
  const bool has_point = rest.starts_with('.');
  rest.remove_prefix(has_point ? 1 : 0);
  const std::string_view behind = take_while(rest, is_digit);
  if (!rest.empty() || whole.empty() || (has_point && behind.empty()) || whole.size() + behind.size() > kMostDigits) {
    return wrong("neither a percentage nor a fraction", text);
  }
  double value = static_cast<double>(*to_number(concat(whole, behind)));
  for (size_t digit = 0; digit < behind.size(); ++digit) {
    value /= 10;
  }
  if (!percent && !has_point && value != 0) {
    return wrong("a percent sign or a point is missing", text);
  }
  const double share = percent ? value / 100 : value;
  if (share > 1) {
    return wrong("more than always", text);
  }
  const Probability probability(share);
  if (share > 0 && !probability.is_possible()) {
    return wrong("too small to ever happen", text);
  }
  return probability;
}

absl::StatusOr<uint64_t> parse_rate(std::string_view text) {
  std::string_view unit_name = text;
  const std::string_view digits = take_while(unit_name, is_digit);
  if (digits.empty()) {
    return wrong("not a rate", text);
  }
  if (unit_name.empty()) {
    return wrong("a unit is missing", text);
  }
  const auto unit =
      std::find_if(kRateUnits.begin(), kRateUnits.end(), [&](const RateUnit& one) { return one.name == unit_name; });
  if (unit == kRateUnits.end()) {
    return wrong(concat("the unit ", shown(unit_name), " is unknown"), text);
  }
  const std::optional<uint64_t> number = to_number(digits);
  if (!number || *number > kMostRate / unit->bits || *number * unit->bits < kLeastRate) {
    return wrong("out of range", text);
  }
  return *number * unit->bits;
}

absl::StatusOr<uint64_t> parse_count(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) {
    return wrong("not a whole number", text);
  }
  const std::optional<uint64_t> number = to_number(text);
  if (!number) {
    return wrong("too large", text);
  }
  return *number;
}

absl::StatusOr<Ipv4Address> parse_address(std::string_view text) {
  if (const std::optional<Ipv4Address> address = parse_ipv4(text)) {
    return *address;
  }
  if (is_ipv6_like(text)) {
    return wrong("IPv6 is not available yet", text);
  }
  if (text.find('/') != std::string_view::npos) {
    return wrong("a prefix where an address belongs; the length is the link's", text);
  }
  return wrong("not an IPv4 address", text);
}

absl::StatusOr<std::vector<Ipv4Address>> parse_address_range(std::string_view text) {
  const size_t hyphen = text.find('-');
  const absl::StatusOr<Ipv4Address> first = parse_address(text.substr(0, hyphen));
  const absl::StatusOr<Ipv4Address> last =
      hyphen == std::string_view::npos ? first : parse_address(text.substr(hyphen + 1));
  if (!first.ok() || !last.ok()) {
    return hyphen == std::string_view::npos ? first.status() : wrong("not a range of addresses", text);
  }
  if (*last < *first) {
    return wrong("a range from high to low", text);
  }
  if (last->host() - first->host() >= kMostAddressesInRange) {
    return wrong(concat("a range of more than ", std::to_string(kMostAddressesInRange), " addresses"), text);
  }
  std::vector<Ipv4Address> addresses;
  for (uint64_t address = first->host(); address <= last->host(); ++address) {
    addresses.push_back(be32(static_cast<uint32_t>(address)));
  }
  return addresses;
}

absl::StatusOr<Ipv4Prefix> parse_subnet(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<Ipv4Address> address = parse_ipv4(text.substr(0, slash));
  if (!address) {
    return wrong(is_ipv6_like(text) ? "IPv6 is not available yet" : "not an IPv4 prefix", text);
  }
  if (slash == std::string_view::npos) {
    return wrong("the prefix length is missing", text);
  }
  const absl::StatusOr<uint64_t> length = parse_count(text.substr(slash + 1));
  if (!length.ok() || *length > 32) {
    return wrong("a prefix length is 0 to 32", text);
  }
  const Ipv4Prefix given{*address, static_cast<uint8_t>(*length)};
  const Ipv4Prefix cut{be32(address->host() & given.mask()), given.length};
  if (!(cut == given)) {
    return wrong(concat("bits are set behind the prefix; ", to_string(cut), " is the network"), text);
  }
  return given;
}

absl::StatusOr<MacAddress> parse_station_mac(std::string_view text) {
  const std::optional<MacAddress> mac = parse_mac(text);
  if (!mac) {
    return wrong("not a MAC address", text);
  }
  if (mac->is_group() || *mac == MacAddress{}) {
    return wrong("a MAC address that no single station has", text);
  }
  return *mac;
}

absl::StatusOr<std::string> parse_pci_address(std::string_view text) {
  // DDDD:BB:DD.F; the slot has five bits and the function three.
  constexpr std::string_view kShape = "xxxx:xx:xx.x";
  std::string address = text.size() == kShape.size() ? std::string(text) : concat("0000:", text);
  bool right = address.size() == kShape.size();
  for (size_t at = 0; right && at < kShape.size(); ++at) {
    const auto letter = static_cast<unsigned char>(address[at]);
    right = kShape[at] == 'x' ? std::isxdigit(letter) != 0 : address[at] == kShape[at];
    address[at] = static_cast<char>(std::tolower(letter));
  }
  if (!right || address[8] > '1' || address[11] > '7') {
    return wrong("not a PCI address", text);
  }
  return address;
}

absl::Status check_name(std::string_view name, size_t longest) {
  const bool letters =
      std::all_of(name.begin(), name.end(), [](char letter) { return is_lower_or_digit(letter) || letter == '-'; });
  if (name.empty() || !letters || name.front() == '-' || name.back() == '-') {
    return wrong("a name consists of lower-case letters, digits and hyphens between them", name);
  }
  if (name.size() > longest) {
    return wrong(concat("a name here has at most ", std::to_string(longest), " characters"), name);
  }
  return absl::OkStatus();
}

absl::Status check_dns_name(std::string_view name) {
  const std::vector<std::string_view> labels = split_at_dots(name);
  const std::string_view last = labels.back();
  const bool is_number = !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
  if (name.size() > 253 || is_number || !std::all_of(labels.begin(), labels.end(), is_label)) {
    return wrong("not a host name", name);
  }
  return absl::OkStatus();
}

absl::Status check_sysctl_name(std::string_view name) {
  const std::vector<std::string_view> parts = split_at_dots(name);
  const bool letters = std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char letter) {
      return is_alphanumeric(letter) || letter == '_' || letter == '-';
    });
  });
  if (!letters || parts.size() < 3) {
    return wrong("not the name of a sysctl", name);
  }
  if (parts.front() != "net") {
    return wrong("only sysctls of a network namespace are a host's own: net.*", name);
  }
  return absl::OkStatus();
}

}  // namespace lapse::topology
