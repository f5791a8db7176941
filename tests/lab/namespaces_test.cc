// Hosts, links and programs in real namespaces, as root and as an ordinary user. Root is needed to become another.
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

#include "control/lab/files.h"
#include "control/lab/hosts_file.h"
#include "control/lab/process.h"
#include "control/lab/sysctls.h"
#include "control/lab/user_namespace.h"
#include "tests/lab/in_child.h"
#include "tests/lab/small_lab.h"

namespace lapse::lab {
namespace {

constexpr uid_t kOrdinary = 54321;
constexpr uid_t kNobody = 65534;  // newuidmap wants an account; every Debian has this one

enum class As { kRoot, kOrdinary };

class Namespaces : public testing::TestWithParam<As> {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0U) << "run these tests as root: they become an ordinary user themselves";
    char made[] = "/tmp/lapse-namespaces-XXXXXX";
    ASSERT_NE(mkdtemp(made), nullptr);
    folder_ = made;
    ASSERT_EQ(chown(made, kOrdinary, kOrdinary), 0);
    ASSERT_EQ(chmod(made, 0755), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The body runs as root of namespaces of its own.
  std::string inside(const std::function<std::string(const Caller&)>& body) const {
    return in_child([&]() -> std::string {
      if (GetParam() == As::kRoot) {
        return unshare(CLONE_NEWNET) == 0 ? body(find_caller()) : "unshare";
      }
      if (!become_ordinary(kOrdinary)) {
        return "setresuid";
      }
      const Caller caller = find_caller();
      const auto map = enter_user_namespace(caller);
      return map.ok() ? body(caller) : text(map.status());
    });
  }

  // What a program prints, run in host `one` of a small lab.
  std::string output_of(const std::vector<std::string>& words, const Caller& caller, Identity identity,
                        SmallLab& lab) const {
    const std::string hosts = folder_ + "/hosts";
    const std::string log = folder_ + "/log";
    std::filesystem::remove(log);
    if (auto status = replace_file(hosts, hosts_file(lab.topology, "127.0.0.1 localhost\n")); !status.ok()) {
      return text(status);
    }
    std::ofstream(log).close();
    std::filesystem::permissions(log, std::filesystem::perms::all);
    Program program;
    program.words = words;
    program.environment = environment_with({{"LAPSE_HOST", "one"}});
    program.log = log;
    program.directory = "/";
    const Started started = spawn({lab.hosts["one"].get(), hosts, caller, identity}, program);
    if (started.pid < 0) {
      return started.failure.message;
    }
    int status = 0;
    waitpid(started.pid, &status, 0);
    return read_file(log).value_or("no log") + (status == 0 ? "" : "status " + std::to_string(status));
  }

  std::string folder_;
};

TEST_P(Namespaces, HostsOnOneLinkReachEachOtherAndNothingAppearsOutside) {
  const std::string before = read_file("/proc/net/dev").value_or("");
  EXPECT_EQ(inside([](const Caller&) {
              SmallLab lab;
              if (auto status = lab.build(); !status.ok()) {
                return text(status);
              }
              return try_tcp(lab, "one", "two", "10.7.0.2") + try_tcp(lab, "two", "one", "10.7.0.1");
            }),
            "");
  const auto names = [](const std::string& table) {
    std::string list;
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      list += line.substr(0, line.find(':')) + "\n";
    }
    return list;
  };
  EXPECT_EQ(names(read_file("/proc/net/dev").value_or("")), names(before));
}

TEST_P(Namespaces, EachHostHasSettingsOfItsOwn) {
  EXPECT_EQ(inside([](const Caller&) -> std::string {
              SmallLab lab;
              if (auto status = lab.build(); !status.ok()) {
                return text(status);
              }
              const std::string key = "net.ipv4.tcp_keepalive_time";
              auto status = inside_network_namespace(lab.hosts["one"].get(), [&] {
                if (auto written = write_sysctl(key, "600"); !written.ok()) {
                  return written;
                }
                return warp_sysctls("one", 50).status();
              });
              std::string one;
              std::string two;
              (void)inside_network_namespace(lab.hosts["one"].get(), [&] {
                one = read_sysctl(key).value_or("");
                return absl::OkStatus();
              });
              (void)inside_network_namespace(lab.hosts["two"].get(), [&] {
                two = read_sysctl(key).value_or("");
                return absl::OkStatus();
              });
              return text(status) + (one == "12" && two == "7200" ? "" : "one " + one + ", two " + two);
            }),
            "");
}

TEST_P(Namespaces, ProgramsSeeTheLabsNamesAndOthersDoNot) {
  const std::string own = read_file("/etc/hosts").value_or("");
  EXPECT_EQ(
      inside([this](const Caller& caller) -> std::string {
        SmallLab lab;
        lab.topology.hosts[1].names = {"two.example.com"};
        if (auto status = lab.build(); !status.ok()) {
          return text(status);
        }
        const std::string said = output_of({"getent", "ahostsv4", "two.example.com"}, caller, Identity::kCaller, lab);
        return absl::StartsWith(said, "10.7.0.2") ? "" : said;
      }),
      "");
  EXPECT_EQ(read_file("/etc/hosts").value_or(""), own);
}

TEST_P(Namespaces, TheProgramRunsAsTheCallerAndServicesAsRoot) {
  const std::string id = GetParam() == As::kRoot ? "0 0" : "54321 54321";
  EXPECT_EQ(inside([&](const Caller& caller) -> std::string {
              SmallLab lab;
              if (auto status = lab.build(); !status.ok()) {
                return text(status);
              }
              const std::vector<std::string> words{"sh", "-c", "echo $(id -u) $(id -g) $LAPSE_HOST"};
              const std::string program = output_of(words, caller, Identity::kCaller, lab);
              const std::string service = output_of(words, caller, Identity::kLabRoot, lab);
              return program == id + " one\n" && service == "0 0 one\n" ? "" : program + service;
            }),
            "");
}

TEST_P(Namespaces, AProgramThatCannotStartHasTheShellsStatus) {
  EXPECT_EQ(inside([this](const Caller& caller) -> std::string {
              SmallLab lab;
              if (auto status = lab.build(); !status.ok()) {
                return text(status);
              }
              const std::string hosts = folder_ + "/hosts";
              (void)replace_file(hosts, "127.0.0.1 localhost\n");
              const HostEntrance entrance{lab.hosts["one"].get(), hosts, caller, Identity::kCaller};
              Program program;
              program.environment = environment_with({});
              program.words = {"/no/such/program"};
              const Started missing = spawn(entrance, program);
              program.words = {hosts};
              const Started forbidden = spawn(entrance, program);
              return missing.failure.exit_status == 127 && forbidden.failure.exit_status == 126
                         ? ""
                         : missing.failure.message + forbidden.failure.message;
            }),
            "");
}

INSTANTIATE_TEST_SUITE_P(As, Namespaces, testing::Values(As::kRoot, As::kOrdinary),
                         [](const auto& row) { return row.param == As::kRoot ? "Root" : "OrdinaryUser"; });

class SudoAndRanges : public Namespaces {};

TEST_P(SudoAndRanges, UnderSudoTheProgramIsTheirs) {
  EXPECT_EQ(inside([this](const Caller&) -> std::string {
              SmallLab lab;
              if (auto status = lab.build(); !status.ok()) {
                return text(status);
              }
              setenv("SUDO_UID", "54321", 1);
              setenv("SUDO_GID", "54322", 1);
              const std::string said =
                  output_of({"sh", "-c", "echo $(id -u) $(id -g)"}, find_caller(), Identity::kCaller, lab);
              return said == "54321 54322\n" ? "" : said;
            }),
            "");
}

TEST_P(SudoAndRanges, WithARangeOfIdsServicesCanChangeUser) {
  const std::string ranges = folder_ + "/ranges";
  std::ofstream(ranges) << "nobody:300000:65536\n";
  const auto become = [&](bool with_range) {
    return in_child([&]() -> std::string {
      // The machine's own file stays as it is.
      const std::string empty = folder_ + "/empty";
      std::ofstream(empty).close();
      const char* source = with_range ? ranges.c_str() : empty.c_str();
      if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ||
          mount(source, "/etc/subuid", nullptr, MS_BIND, nullptr) != 0 ||
          mount(source, "/etc/subgid", nullptr, MS_BIND, nullptr) != 0 || !become_ordinary(kNobody)) {
        return "preparing";
      }
      const auto map = enter_user_namespace(find_caller());
      if (!map.ok()) {
        return text(map.status());
      }
      const gid_t group = 33;
      const bool changed = setgroups(1, &group) == 0 && setgid(33) == 0 && setuid(33) == 0;
      return (*map == IdMap::kRange) == with_range && changed == with_range ? ""
                                                                            : "changed: " + std::to_string(changed);
    });
  };
  EXPECT_EQ(become(true), "");
  EXPECT_EQ(become(false), "");
}

INSTANTIATE_TEST_SUITE_P(As, SudoAndRanges, testing::Values(As::kRoot), [](const auto&) { return "Root"; });

}  // namespace
}  // namespace lapse::lab
