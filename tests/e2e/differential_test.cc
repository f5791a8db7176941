// Packets of scapy through the gateway: beside a Linux translator, and such as are no packets at all.
#include <cstdlib>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

constexpr int kSkipped = 77;
// python3-scapy belongs to the system's Python.
constexpr const char* kPython = "/usr/bin/python3";

Finished run(const std::string& script, const Arguments& arguments) {
  Arguments full{kPython, test_file("differential/" + script), program()};
  full.insert(full.end(), arguments.begin(), arguments.end());
  Process process(full);
  process.close_input();
  Finished finished;
  finished.output = process.read_all();
  finished.status = process.wait();
  return finished;
}

std::string setting(const char* name, const char* fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : text;
}

// Every packet that comes out of the gateway for either side is the one that a Linux masquerade lets out, or the
// difference has a name with a row of the reference (differential/differences.py).
TEST(Differential, RandomConversationsLookAsBehindLinux) {
  const Finished finished = run("differential.py", {"--sequences", setting("LAPSE_SEQUENCES", "300"), "--seed",
                                                    setting("LAPSE_SEED", "20261121")});
  std::printf("%s", finished.output.c_str());
  if (finished.status == kSkipped) {
    GTEST_SKIP() << finished.output;
  }
  EXPECT_EQ(finished.status, 0);
}

// Malformed headers of scapy's fuzz() and of a mutator of valid traffic: living flows work on, the books balance.
TEST(Malformed, LivingFlowsSurviveWhateverComes) {
  const Finished finished =
      run("malformed.py", {"--rounds", setting("LAPSE_ROUNDS", "150"), "--seed", setting("LAPSE_SEED", "20261121")});
  std::printf("%s", finished.output.c_str());
  if (finished.status == kSkipped) {
    GTEST_SKIP() << finished.output;
  }
  EXPECT_EQ(finished.status, 0);
}

// The comparison is one: a difference without its name fails it.
TEST(Differential, ADifferenceWithoutANameFails) {
  const Finished finished = run("differential.py", {"--sequences", "60", "--without", "ping to the outside address"});
  if (finished.status == kSkipped) {
    GTEST_SKIP() << finished.output;
  }
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.output.find("DIFFERENT, and without a name"), std::string::npos) << finished.output;
}

}  // namespace
}  // namespace lapse::test
