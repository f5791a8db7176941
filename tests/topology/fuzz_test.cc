#include <cstdlib>
#include <iostream>
#include <random>

#include "control/topology/schema.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

constexpr uint64_t kDefaultSeed = 20261121;

uint64_t seed() {
  const char* given = std::getenv("LAPSE_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : kDefaultSeed;
  std::cout << "seed " << seed << " (LAPSE_TEST_SEED)\n";
  return seed;
}

// A topology or errors, never both and never neither, and every message knows its file.
void load_and_check(const std::string& text) {
  Findings findings;
  const std::optional<Topology> topology = load_text(text, "t.yaml", findings);
  ASSERT_EQ(topology.has_value(), findings.errors.empty()) << text;
  for (const std::string& error : findings.errors) {
    ASSERT_TRUE(error.starts_with("t.yaml:")) << error << "\n" << text;
  }
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::string mutate(std::string text) {
    for (size_t count = 1 + below(4); count > 0; --count) {
      change(text);
    }
    return text;
  }

 private:
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  void change(std::string& text) {
    static const std::vector<std::string> kPieces{"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ": ",
                                                  "\n",
                                                  "  ",
                                                  "- ",
                                                  "&a ",
                                                  "*a",
                                                  "<<: ",
                                                  "? ",
                                                  "\"",
                                                  "'",
                                                  "#",
                                                  "---\n",
                                                  "...\n",
                                                  "!!x",
                                                  "null",
                                                  "~",
                                                  "\t",
                                                  "|\n",
                                                  ">\n",
                                                  "%YAML 1.2\n",
                                                  "\0",
                                                  "é",
                                                  "\xff",
                                                  "0",
                                                  "-1",
                                                  "1e9",
                                                  "350s",
                                                  "10.0.1.1",
                                                  "0.0.0.0/0",
                                                  "link",
                                                  "app",
                                                  "nat-gateway",
                                                  "off",
                                                  "5d",
                                                  "10.0.1.0-10.0.1.255",
                                                  "rst",
                                                  "boxes:\n",
                                                  "interfaces: ",
                                                  "routes: ",
                                                  "kind: firewall"};
    if (text.empty()) {
      text = kPieces[below(kPieces.size())];
      return;
    }
    const size_t at = below(text.size());
    const size_t length = 1 + below(std::min<size_t>(text.size() - at, 40));
    switch (below(7)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 3:
        text[at] = static_cast<char>(below(256));
        break;
      case 4:
        text.insert(below(text.size()), text.substr(at, length));
        break;
      case 5:
        text.replace(at, length, kPieces[below(kPieces.size())]);
        break;
      default:
        delete_line(text, at);
    }
  }

  static void delete_line(std::string& text, size_t at) {
    const size_t begin = text.rfind('\n', at);
    const size_t end = text.find('\n', at + 1);
    const size_t from = begin == std::string::npos ? 0 : begin;
    text.erase(from, (end == std::string::npos ? text.size() : end) - from);
  }

  std::mt19937_64 random_;
};

std::string rich_file() {
  return changed(
      {{"    kind: nat-gateway\n",
        "    kind: nat-gateway\n    timeouts: { tcp_syn: 60s, icmp: 1m30s }\n    limits: off\n"
        "    late_packet: { inside: rst, outside: drop }\n    capacity: 1000\n"},
       {"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
        "  app:\n    interfaces:\n      eth0: { link: private, addresses: [10.0.1.10, 10.0.1.20-10.0.1.25],\n"
        "              gateway: 10.0.1.1, routes: [{ to: 10.9.0.0/16, via: 10.0.1.1 }],\n"
        "              neighbours: { 10.0.1.9: \"02:00:00:00:00:09\" } }\n"
        "    sysctls: { net.ipv4.tcp_keepalive_time: 60 }\n"}});
}

TEST(Fuzz, EveryTruncationIsATopologyOrErrors) {
  const std::string text = rich_file();
  load_and_check(text);
  for (size_t length = 0; length < text.size(); ++length) {
    load_and_check(text.substr(0, length));
  }
}

TEST(Fuzz, MutatedFilesNeverCrash) {
  Mutator mutator(seed());
  const std::string text = rich_file();
  for (int round = 0; round < 6000; ++round) {
    load_and_check(mutator.mutate(text));
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "round " << round;
  }
}

// Every key that a table allows, with values of every wrong kind: the loader's reading and its tables agree.
TEST(Fuzz, EveryKeyWithEveryKindOfValue) {
  for (const std::string_view value : {"x", "1", "[]", "{}", "[{}]", "{ a: 1 }", "~", "''", "[[x]]", "10.0.1.0/24"}) {
    for (const std::string_view key : kHostObject.key_names()) {
      load_and_check(changed({{"app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }",
                               "app: { " + std::string(key) + ": " + std::string(value) + " }"}}));
    }
    for (const std::string_view key : kNatGatewayObject.key_names()) {
      const std::string line = "    " + std::string(key) + ": " + std::string(value) + "\n";
      load_and_check(changed({{"    kind: nat-gateway\n", "    kind: nat-gateway\n" + line}}));
    }
    for (const std::string_view key : kTopologyObject.key_names()) {
      load_and_check(std::string(key) + ": " + std::string(value) + "\n");
    }
    for (const std::string_view key : kAttachmentObject.key_names()) {
      load_and_check(changed(
          {{"{ link: private, address: 10.0.1.1 }", "{ " + std::string(key) + ": " + std::string(value) + " }"}}));
    }
  }
}

}  // namespace
}  // namespace lapse::topology
