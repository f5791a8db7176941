// A lab leaves nothing behind, however it ends, and is quiet while nothing happens.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

namespace fs = std::filesystem;

std::set<std::string> entries(const std::string& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.insert(entry.path().filename());
  }
  return names;
}

// Of these network namespaces those that some process is still in.
std::set<std::string> still_in_use(const std::set<std::string>& namespaces) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    const fs::path target = fs::read_symlink(entry.path() / "ns/net", error);
    if (!error && namespaces.contains(target)) {
      found.insert(target);
    }
  }
  return found;
}

// What the labs of this test are called begins with this.
std::set<std::string> names_left(const std::string& prefix) {
  std::set<std::string> found;
  for (const std::string& name : entries("/run/netns")) {
    if (name.starts_with(prefix)) {
      found.insert(name);
    }
  }
  return found;
}

// User and system time of a process and its threads, in clock ticks.
int64_t cpu_ticks(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  int64_t user = 0;
  int64_t system = 0;
  for (int i = 0; i < 11; ++i) {
    fields >> field;
  }
  fields >> user >> system;
  return user + system;
}

std::vector<pid_t> family(pid_t root) {
  std::vector<pid_t> all{root};
  for (size_t i = 0; i < all.size(); ++i) {
    for (const auto& task : entries("/proc/" + std::to_string(all[i]) + "/task")) {
      std::ifstream children("/proc/" + std::to_string(all[i]) + "/task/" + task + "/children");
      for (pid_t child = 0; children >> child;) {
        all.push_back(child);
      }
    }
  }
  return all;
}

TEST(Lifetime, NothingIsLeftAfterTheEnd) {
  Lab lab;
  const auto namespaces = lab.namespaces();
  {
    Peer app(lab, "app");
    EXPECT_EQ(lab.stop(), 0);
  }
  EXPECT_TRUE(still_in_use(namespaces).empty());
  EXPECT_TRUE(names_left(lab.name()).empty());
  EXPECT_TRUE(entries(runtime_folder()).empty());
}

TEST(Lifetime, TenKilledLabsAreClearedAwayByTheNextStart) {
  std::set<std::string> namespaces;
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) {
    Lab lab;
    namespaces.merge(lab.namespaces());
    names.push_back(lab.name());
    lab.kill();
  }
  {
    Lab next;
    EXPECT_EQ(entries(runtime_folder()).size(), 1U);
    for (const std::string& used : next.namespaces()) {
      namespaces.erase(used);
    }
    EXPECT_TRUE(still_in_use(namespaces).empty());
  }
  for (const std::string& name : names) {
    EXPECT_TRUE(names_left(name + "-").empty());
  }
  EXPECT_TRUE(entries(runtime_folder()).empty());
}

TEST(Lifetime, LabsRunSideBySide) {
  Lab first;
  Lab second;
  EXPECT_EQ(first.ctl({"status"}).status, 0);
  EXPECT_EQ(second.ctl({"status"}).status, 0);
  first.advance("100s");
  const double ahead = first.ctl_json({"clock", "show"})["virtual_time"];
  EXPECT_GT(ahead, second.ctl_json({"clock", "show"})["virtual_time"].get<double>() + 50);
}

TEST(Lifetime, ANameInUseIsRefused) {
  Lab lab;
  const Finished second = lapse({"lab", topology_file(), "--name", lab.name()});
  EXPECT_EQ(second.status, 125);
  EXPECT_NE(second.errors.find(lab.name()), std::string::npos);
  EXPECT_EQ(lab.ctl({"status"}).status, 0) << "and the running one goes on";
}

TEST(Lifetime, AnIdleLabLeavesTheProcessorAlone) {
  Lab lab;
  const auto processes = family(lab.pid());
  const auto total = [&] {
    int64_t ticks = 0;
    for (const pid_t pid : processes) {
      ticks += cpu_ticks(pid);
    }
    return ticks;
  };
  // Five seconds of a host that only waits.
  Peer app(lab, "app");
  const Json quiet = app.ok({{"op", "udp"}})["socket"];
  const int64_t before = total();
  EXPECT_EQ(app.call({{"op", "recvfrom"}, {"socket", quiet}, {"timeout", 5}})["error"], "timeout");
  EXPECT_LT(total() - before, 5 * sysconf(_SC_CLK_TCK) * 5 / 100) << "5 % of a core";
}

}  // namespace
}  // namespace lapse::test
