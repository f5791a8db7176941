// The schema is made of the tables, matches what the parsers take, and knows every key; so do the settings in force.
#include "control/topology/json_schema.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "nlohmann/json.hpp"

#include "control/topology/inspect.h"
#include "control/topology/nat_gateway_defaults.h"
#include "control/topology/patterns.h"
#include "control/topology/text.h"
#include "control/topology/values.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

// Every path of the tables once: "boxes.*.timeouts.udp".
using Visit = std::function<void(const std::string& path, const Object& object, const Key& key)>;
void visit_tables(const Object& object, const std::string& path, const Visit& visit) {
  for (const Object* one = &object; one != nullptr; one = one->includes) {
    for (const Key& key : one->keys) {
      const std::string its_path = concat(path, path.empty() ? "" : ".", key.name);
      visit(its_path, *one, key);
      if (key.object != nullptr) {
        const bool has_names = key.shape == Shape::kObjectByName || key.shape == Shape::kObjectList;
        visit_tables(*key.object, concat(its_path, has_names ? ".*" : ""), visit);
      }
    }
  }
}

nlohmann::json schema() {
  return nlohmann::json::parse(json_schema(kTopologyObject, "a topology"));
}

// ---- the schema

// Follows a path of the tables through the schema.
nlohmann::json at_path(const nlohmann::json& whole, const std::string& path) {
  nlohmann::json at = whole;
  const auto resolve = [&] {
    for (const char* branch : {"then", "$ref"}) {
      if (at.contains(branch)) {
        at = at[branch].is_string() ? whole.at(nlohmann::json::json_pointer(at[branch].get<std::string>().substr(1)))
                                    : at[branch];
      }
    }
  };
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '.');) {
    if (!at.contains("properties")) {
      resolve();
    }
    if (part == "*") {
      at = at.contains("items") ? at.at("items") : at.at("additionalProperties");
    } else {
      at = at.at("properties").value(part, nlohmann::json());
    }
  }
  return at;
}

TEST(JsonSchema, HasEveryKeyOfTheTablesWithWhatItIsFor) {
  const nlohmann::json whole = schema();
  std::set<std::string> paths;
  visit_tables(kTopologyObject, "", [&](const std::string& path, const Object&, const Key& key) {
    paths.insert(path);
    const nlohmann::json at = at_path(whole, path);
    ASSERT_TRUE(at.is_object()) << path;
    EXPECT_THAT(at.at("description").get<std::string>(), testing::HasSubstr(std::string(key.doc))) << path;
    EXPECT_EQ(at.contains("default"), !key.otherwise.text.empty()) << path;
  });
  EXPECT_THAT(paths, Contains("boxes.*.timeouts.tcp_established"));
  EXPECT_THAT(paths, Contains("hosts.*.interfaces.*.routes.*.via"));
}

TEST(JsonSchema, RefusedKeysAreNotInIt) {
  const nlohmann::json whole = schema();
  visit_tables(kTopologyObject, "", [&](const std::string& path, const Object&, const Key& key) {
    if (key.object == nullptr) {
      return;
    }
    for (const Refused& refused : key.object->refused) {
      const std::string child = concat(path, key.shape == Shape::kObjectByName ? ".*." : ".", refused.name);
      EXPECT_TRUE(at_path(whole, child).is_null()) << child;
    }
  });
}

TEST(JsonSchema, SaysWhereADefaultComesFrom) {
  const nlohmann::json established = at_path(schema(), "boxes.*.timeouts.tcp_established");
  EXPECT_EQ(established.at("default"), "350s");
  EXPECT_THAT(established.at("description").get<std::string>(),
              testing::HasSubstr("without it 350s (reference 1: NAT gateway, TCP connection; documented)"));
  EXPECT_EQ(at_path(schema(), "boxes.*.capacity").at("default"), 65536);
}

// ---- its patterns match whatever the parsers take

struct PatternRow {
  std::string what;
  std::string pattern;
  std::function<bool(const std::string&)> takes;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

const std::vector<PatternRow> kPatterns{
    {"duration",
     duration_pattern(),
     [](const std::string& text) { return parse_duration(text).ok(); },
     {"350s", "5d", "120ms", "1m30s", "1d2h3m4s5ms", "0s", "3m5ms", "007s"},
     {"", "350", "s", "1.5s", "30s1m", "1s1s", "350 s", "10us", "-1s"}},
    {"probability",
     probability_pattern(),
     [](const std::string& text) { return parse_probability(text).ok(); },
     {"1%", "0.5%", "100%", "100.0%", "0.01", "1.0", "0", "0.0", "00.5%", "0%", "99.999%"},
     {"", "1", "200%", "1.5", "%", ".5", "5.%", "-1%", "1 %"}},
    {"rate",
     rate_pattern(),
     [](const std::string& text) { return parse_rate(text).ok(); },
     {"64kbit", "10mbit", "1gbit", "1000bit"},
     {"", "10", "10mb", "kbit", "1.5mbit", "10 mbit"}},
    {"range",
     address_range_pattern(),
     [](const std::string& text) { return parse_address_range(text).ok(); },
     {"10.0.1.10", "10.0.1.10-10.0.1.19", "0.0.0.0", "255.255.255.255"},
     {"", "10.0.1", "10.0.1.256", "10.0.1.01", "10.0.1.10-", "10.0.1.10-19", "::1"}},
    {"prefix",
     prefix_pattern(0, UINT64_MAX),
     [](const std::string& text) { return parse_subnet(text).ok(); },
     {"10.0.1.0/24", "0.0.0.0/0", "10.0.0.1/32", "10.0.1.0/024"},
     {"10.0.1.0", "10.0.1.0/33", "10.0.1.0/", "10.0.1/24"}},
    {"mac",
     mac_pattern(),
     [](const std::string& text) { return parse_station_mac(text).ok(); },
     {"02:00:00:00:00:02", "fe:DC:ba:98:76:54"},
     {"01:00:5e:00:00:01", "02:00:00:00:00", "02-00-00-00-00-02", "02:00:00:00:00:0g"}},
    {"pci",
     pci_address_pattern(),
     [](const std::string& text) { return parse_pci_address(text).ok(); },
     {"0000:3b:00.0", "3b:1f.7", "FFFF:ff:00.1"},
     {"", "3b:00", "3b:20.0", "3b:00.8", "0000:3b:00.0 "}},
    {"name",
     name_pattern(),
     [](const std::string& text) { return check_name(text, 40).ok(); },
     {"a", "7", "nat-gateway", "a--b"},
     {"", "-a", "a-", "A", "a_b", "a b"}},
    {"dns name",
     dns_name_pattern(),
     [](const std::string& text) { return check_dns_name(text).ok(); },
     {"api", "api.example.com", "API-2.example"},
     {"", "api_1", ".a", "a.", "-a", "a..b"}},
    {"sysctl",
     sysctl_name_pattern(),
     [](const std::string& text) { return check_sysctl_name(text).ok(); },
     {"net.ipv4.tcp_keepalive_time", "net.ipv4.conf.eth0.rp_filter"},
     {"", "net.ipv4", "vm.swappiness.x", "net..x", "net/ipv4/x"}},
};

void PrintTo(const PatternRow& row, std::ostream* out) {
  *out << row.what;
}

class Pattern : public testing::TestWithParam<PatternRow> {};

TEST_P(Pattern, AgreesWithTheParser) {
  const std::regex pattern(GetParam().pattern, std::regex::ECMAScript);
  for (const std::string& text : GetParam().good) {
    EXPECT_TRUE(GetParam().takes(text)) << text;
    EXPECT_TRUE(std::regex_search(text, pattern)) << text;
  }
  for (const std::string& text : GetParam().bad) {
    EXPECT_FALSE(GetParam().takes(text)) << text;
    EXPECT_FALSE(std::regex_search(text, pattern)) << text;
  }
}

std::string pattern_name(const testing::TestParamInfo<PatternRow>& row) {
  std::string name = row.param.what;
  name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Pattern, testing::ValuesIn(kPatterns), pattern_name);

// ---- the settings in force

class Effective : public testing::Test {
 protected:
  Effective() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lapse-effective-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Effective() override { std::filesystem::remove_all(folder_); }

  std::vector<EffectiveSetting> settings_of(const std::string& text, const std::vector<std::string>& settings = {}) {
    const std::string file = (folder_ / "some-file.yaml").string();
    std::ofstream(file, std::ios::binary) << text;
    Findings findings;
    Inspection inspection;
    topology_ = inspect(file, settings, findings, inspection);
    EXPECT_THAT(findings.errors, IsEmpty());
    return inspection.settings;
  }

  static EffectiveSetting at(const std::vector<EffectiveSetting>& settings, std::string_view key) {
    for (const EffectiveSetting& setting : settings) {
      if (setting.key == key) {
        return setting;
      }
    }
    ADD_FAILURE() << key << " is not among the settings";
    return {};
  }

  std::filesystem::path folder_;
  std::optional<Topology> topology_;
};

// A file that says all that a file can say, in two hosts and two ports.
constexpr std::string_view kEverything = R"(name: lab
start_at: app
links:
  private: { subnet: 10.0.1.0/24, mtu: 1400, delay: 20ms, jitter: 5ms, loss: 1%, reorder: 1%, duplicate: 1%,
             rate: 1mbit }
  internet: { subnet: 203.0.113.0/24 }
boxes:
  natgw:
    kind: nat-gateway
    inside: { link: private, addresses: [10.0.1.1] }
    outside: { link: internet, address: 203.0.113.10, gateway: 203.0.113.80 }
hosts:
  app:
    link: private
    address: 10.0.1.10
    addresses: [10.0.1.10]
    routes: [{ to: 203.0.113.0/24, via: 10.0.1.1 }]
    gateway: 10.0.1.1
    neighbours: { 10.0.1.1: "02:00:00:00:00:02" }
    names: [app.example.com]
    sysctls: { net.ipv4.tcp_keepalive_time: 60 }
    run: server
    ready: { tcp: 80 }
  api: { interfaces: { front: { link: internet, address: 203.0.113.80 } } }
ports:
  private: { pci: "3b:00.0", queues: 2, rx_desc: 512, mtu: 1400 }
  internet: { vdev: net_tap0 }
)";

TEST_F(Effective, KnowsEveryKeyOfTheTables) {
  const auto settings = settings_of(std::string(kEverything));
  std::map<const Key*, std::set<std::string>> paths;  // a table may stand in several places
  visit_tables(kTopologyObject, "",
               [&](const std::string& path, const Object&, const Key& key) { paths[&key].insert(path); });
  EXPECT_GT(paths.size(), 50U);
  const auto is_known = [&](std::string path) {
    for (size_t star = path.find('*'); star != std::string::npos; star = path.find('*', star + 1)) {
      path.replace(star, 1, "[^.]+");
      star += 4;
    }
    const std::regex pattern(concat(path, "(\\..+)?"));
    return std::any_of(settings.begin(), settings.end(),
                       [&](const EffectiveSetting& setting) { return std::regex_match(setting.key, pattern); });
  };
  for (const auto& [key, places] : paths) {
    EXPECT_TRUE(std::any_of(places.begin(), places.end(), is_known)) << *places.begin();
  }
}

TEST_F(Effective, EveryDefaultAndFactOfABoxIsThereWithoutBeingSaid) {
  const auto settings = settings_of(std::string(kGoodFile));
  const auto expect_defaults = [&](const Object& object, const std::string& path) {
    for (const Key& key : object.keys) {
      if (key.otherwise.is_known()) {
        const EffectiveSetting setting = at(settings, concat(path, ".", key.name));
        EXPECT_EQ(setting.from, EffectiveSetting::From::kDefault) << setting.key;
        EXPECT_EQ(setting.value, key.otherwise.shown()) << setting.key;
        EXPECT_EQ(setting.row, key.otherwise.row) << setting.key;
      }
    }
  };
  expect_defaults(kNatGatewayObject, "boxes.natgw");
  expect_defaults(kTimeoutsObject, "boxes.natgw.timeouts");
  expect_defaults(kNatGatewaySidesObject, "boxes.natgw.late_packet");
  expect_defaults(kLinkObject, "links.private");
  EXPECT_EQ(at(settings, "boxes.natgw.late_packet.inside").confidence, Confidence::kDocumented);
  EXPECT_THAT(std::string(at(settings, "boxes.natgw.late_packet.outside").row), testing::HasSubstr("C-1"));
  const EffectiveSetting ports = at(settings, "boxes.natgw.ports_per_destination");
  EXPECT_EQ(ports.from, EffectiveSetting::From::kFixed);
  EXPECT_EQ(ports.value, std::to_string(NatGateway::Config{}.ports_per_destination));
  EXPECT_EQ(at(settings, "boxes.natgw.source_ports").value, concat(std::to_string(kFirstPort), "-65535"));
}

// What the tables call a default is what the loader fills in.
TEST_F(Effective, DefaultsSaidAloudChangeNothing) {
  settings_of(std::string(kGoodFile));
  const NatGatewayBox silent = topology_->boxes.front().nat_gateway;
  std::vector<std::string> aloud;
  const auto say = [&](const Object& object, const std::string& path) {
    for (const Key& key : object.keys) {
      if (!key.otherwise.text.empty()) {
        aloud.push_back(concat(path, key.name, "=", key.otherwise.text));
      }
    }
  };
  say(kNatGatewayObject, "natgw.");
  say(kTimeoutsObject, "natgw.timeouts.");
  say(kNatGatewaySidesObject, "natgw.late_packet.");
  say(kLinkObject, "private.");
  ASSERT_GT(aloud.size(), 12U);
  const auto settings = settings_of(std::string(kGoodFile), aloud);
  const NatGatewayBox& said = topology_->boxes.front().nat_gateway;
  EXPECT_EQ(said.timeouts, silent.timeouts);
  EXPECT_EQ(said.late_inside, silent.late_inside);
  EXPECT_EQ(said.late_outside, silent.late_outside);
  EXPECT_EQ(said.capacity, silent.capacity);
  EXPECT_FALSE(topology_->find_link("private")->impairments.any());
  EXPECT_EQ(at(settings, "boxes.natgw.capacity").from, EffectiveSetting::From::kSetting);
}

TEST_F(Effective, SaysWhoSaidIt) {
  const auto settings = settings_of(std::string(kGoodFile), {"natgw.capacity=7", "natgw.late_packet=drop"});
  EXPECT_EQ(at(settings, "boxes.natgw.inside.address").place.line, 9);
  EXPECT_EQ(at(settings, "boxes.natgw.inside.address").from, EffectiveSetting::From::kFile);
  EXPECT_EQ(at(settings, "boxes.natgw.capacity").value, "7");
  EXPECT_EQ(at(settings, "boxes.natgw.capacity").place.file, "--set natgw.capacity=7");
  EXPECT_EQ(at(settings, "boxes.natgw.late_packet.inside").value, "drop");
  EXPECT_EQ(at(settings, "boxes.natgw.late_packet.outside").from, EffectiveSetting::From::kSetting);
  EXPECT_EQ(at(settings, "boxes.natgw.outside.addresses").value, "[203.0.113.10]");
}

TEST_F(Effective, NameIsTheFilesWithoutOne) {
  const auto settings = settings_of(changed({{"name: lab\n", ""}}));
  EXPECT_EQ(at(settings, "name").value, "some-file");
  EXPECT_EQ(at(settings, "name").from, EffectiveSetting::From::kDefault);
}

// An attachment of its own has no interfaces, and interfaces stand for the attachment.
TEST_F(Effective, WhatIsNotInForceIsLeftOut) {
  for (const EffectiveSetting& setting : settings_of(std::string(kEverything))) {
    EXPECT_THAT(setting.key, Not(testing::HasSubstr("api.link")));
    EXPECT_THAT(setting.key, Not(testing::HasSubstr("app.interfaces")));
    EXPECT_FALSE(setting.value.empty()) << setting.key;
  }
}

}  // namespace
}  // namespace lapse::topology
