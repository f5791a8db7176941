// error_rows.h - a good topology file, and tests that change something in it and read what the loader says.
//
// Owner:    each test.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "Anything unknown is an error with file, line, column, the key".
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/topology/topology.h"

namespace lapse::topology {

inline constexpr std::string_view kGoodFile =
    R"(name: lab
start_at: app
links:
  private:  { subnet: 10.0.1.0/24 }
  internet: { subnet: 203.0.113.0/24 }
boxes:
  natgw:
    kind: nat-gateway
    inside:  { link: private, address: 10.0.1.1 }
    outside: { link: internet, addresses: [203.0.113.10] }
hosts:
  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }
  api: { link: internet, address: 203.0.113.80, names: [api.example.com], run: server, ready: { tcp: 8080 } }
)";

using Change = std::pair<std::string_view, std::string_view>;

// The good file with each first text, which must stand there once, replaced by the second.
inline std::string changed(const std::vector<Change>& changes) {
  std::string text(kGoodFile);
  for (const auto& [from, to] : changes) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "not in the good file: " << from;
    EXPECT_EQ(text.find(from, at + 1), std::string::npos) << "twice in the good file: " << from;
    text.replace(at, from.size(), to);
  }
  return text;
}

inline Findings findings_of(const std::string& text) {
  Findings findings;
  const std::optional<Topology> topology = load_text(text, "t.yaml", findings);
  EXPECT_EQ(topology.has_value(), findings.errors.empty());
  return findings;
}

struct ErrorRow {
  std::string what;
  std::vector<Change> changes;
  std::vector<std::string> errors;
};

inline void PrintTo(const ErrorRow& row, std::ostream* out) {
  *out << row.what;
}

inline std::string row_name(const testing::TestParamInfo<ErrorRow>& info) {
  std::string name;
  for (const char letter : info.param.what) {
    name += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  }
  return name;
}

class ErrorTest : public testing::TestWithParam<ErrorRow> {};

}  // namespace lapse::topology
