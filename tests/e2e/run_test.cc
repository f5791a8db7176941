// `lapse run` on virtual devices, between real kernels.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/run_bench.h"

namespace lapse::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kGibibyte = int64_t{1} << 30;

// Two pairs of queues each; the kernel spreads by a hash of its own.
const std::string kCables =
    "ports:\n"
    "  private:  { vdev: \"net_af_packet0,iface=inside,qpairs=2\", queues: 2 }\n"
    "  internet: { vdev: \"net_af_packet1,iface=outside,qpairs=2\", queues: 2 }\n";

// The first two cores that this process may use, as --cores takes them; empty when there is one.
std::string two_cores() {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof(allowed), &allowed);
  std::string list;
  int found = 0;
  for (int core = 0; core < CPU_SETSIZE && found < 2; ++core) {
    if (CPU_ISSET(core, &allowed)) {
      list += (found++ == 0 ? "" : ",") + std::to_string(core);
    }
  }
  return found == 2 ? list : "";
}

class RunEndToEnd : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_bench(); !why.empty()) {
      GTEST_SKIP() << why;
    }
  }
};

// A connection through the gateway, and as many bytes in both directions at once.
void pump_each_way(const Bench& bench, int64_t bytes) {
  Peer app(bench.door("app"));
  Peer api(bench.door("api"));
  const Json listener = api.ok({{"op", "listen"}, {"port", 8080}})["socket"];
  const Json client = app.ok({{"op", "connect"}, {"host", "198.18.8.80"}, {"port", 8080}})["socket"];
  const Json accepted = api.ok({{"op", "accept"}, {"socket", listener}});
  EXPECT_EQ(accepted["address"], "198.18.8.10") << "the far side sees the gateway";
  Json at_api;
  std::thread other([&] { at_api = api.ok({{"op", "pump"}, {"socket", accepted["socket"]}, {"bytes", bytes}}); });
  const Json at_app = app.ok({{"op", "pump"}, {"socket", client}, {"bytes", bytes}});
  other.join();
  EXPECT_EQ(at_app["sent"], at_api["received"]);
  EXPECT_EQ(at_app["received"], at_api["sent"]);
}

// "received 20, originated 2, sent 12, dropped 10, held 0" of the summary.
void expect_summary_adds_up(const std::string& output) {
  std::string words = output.substr(std::min(output.find("  received "), output.size()));
  words.erase(std::remove(words.begin(), words.end(), ','), words.end());
  std::istringstream in(words);
  std::map<std::string, uint64_t> numbers;
  for (std::string word; numbers.size() < 5 && in >> word;) {
    in >> numbers[word];
  }
  EXPECT_GT(numbers["received"], 0U) << output;
  EXPECT_EQ(numbers["held"], 0U) << output;
  EXPECT_EQ(numbers["received"] + numbers["originated"], numbers["sent"] + numbers["dropped"]) << output;
}

TEST_F(RunEndToEnd, GibibyteEachWayBetweenTwoCables) {
  const Bench bench;
  const std::string cores = two_cores();
  RunningBoxes run(bench, kCables, cores.empty() ? Arguments{} : Arguments{"--cores", cores, "--adaptive"});
  pump_each_way(bench, kGibibyte);
  const Json status = run.status();
  for (const Json& link : status["links"]) {
    EXPECT_EQ(link["port"]["queues"], 2) << link;
    EXPECT_EQ(link["port"]["distribution"], "fanout hash of the kernel");
  }
  ASSERT_EQ(status["workers"].size(), 2U);
  for (const Json& worker : status["workers"]) {
    EXPECT_EQ(worker["core"].is_null(), cores.empty());
  }
  // The connection's frames come by one queue on each side; what was sent by the other queue, nobody knows.
  EXPECT_GT(status["workers"][0]["packets"].get<uint64_t>() + status["workers"][1]["packets"].get<uint64_t>(),
            500'000U);
  EXPECT_EQ(status["boxes"][0]["flows"], 1);
  const Finished finished = run.end(SIGTERM);
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("is over"), HasSubstr("cycles each")));
  expect_summary_adds_up(finished.output);
}

// Many flows: both workers have some, and replies come by either.
TEST_F(RunEndToEnd, FlowsOfBothWorkersPass) {
  const Bench bench;
  RunningBoxes run(bench, kCables);
  Peer app(bench.door("app"));
  Peer api(bench.door("api"));
  const Json server = api.ok({{"op", "udp"}, {"port", 5353}})["socket"];
  for (int flow = 0; flow < 64; ++flow) {
    const Json client = app.ok({{"op", "udp"}})["socket"];
    app.ok({{"op", "sendto"}, {"socket", client}, {"host", "198.18.8.80"}, {"port", 5353}, {"data", "query"}});
    const Json query = api.ok({{"op", "recvfrom"}, {"socket", server}});
    EXPECT_EQ(query["address"], "198.18.8.10");
    api.ok({{"op", "sendto"},
            {"socket", server},
            {"host", query["address"]},
            {"port", query["port"]},
            {"data", "answer"}});
    EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", client}})["data"], "answer");
  }
  const Json status = run.status();
  EXPECT_EQ(status["boxes"][0]["flows"], 64);
  for (const Json& worker : status["workers"]) {
    EXPECT_GT(worker["packets"], 0) << worker;
  }
  expect_summary_adds_up(run.end(SIGTERM).output);
}

// The other end of shared memory is a DPDK program of somebody else's, which bridges it to the kernels.
TEST_F(RunEndToEnd, GibibyteEachWayOverMemifAgainstTestpmd) {
  if (access("/usr/bin/dpdk-testpmd", X_OK) != 0) {
    GTEST_SKIP() << "needs dpdk-testpmd of the package dpdk-dev";
  }
  const Bench bench;
  const auto memif = [&](const std::string& number, const std::string& role) {
    return "net_memif" + number + ",role=" + role + ",id=" + number +
           ",socket-abstract=no,socket=" + bench.path("memif" + number);
  };
  RunningBoxes run(bench, "ports:\n  private: { vdev: \"" + memif("0", "server") + "\" }\n  internet: { vdev: \"" +
                              memif("1", "server") + "\" }\n");
  Arguments testpmd = bench.door("box");
  testpmd.insert(testpmd.end(), {"dpdk-testpmd",
                                 "--no-huge",
                                 "--no-pci",
                                 "--no-shconf",
                                 "--no-telemetry",
                                 "-m",
                                 "256",
                                 "--lcores",
                                 "0@0,1@(" + std::string(two_cores().empty() ? "0" : two_cores()) + ")",
                                 "--vdev",
                                 memif("0", "client"),
                                 "--vdev",
                                 "net_af_packet0,iface=inside",
                                 "--vdev",
                                 memif("1", "client"),
                                 "--vdev",
                                 "net_af_packet1,iface=outside",
                                 "--",
                                 "--no-mlockall",
                                 "--auto-start",
                                 "--forward-mode=io",
                                 "--port-topology=paired",
                                 "--nb-cores=1",
                                 "--total-num-mbufs=16384"});
  const Process bridge(testpmd, bench.path("testpmd.log"));
  // They were down until now, and come up in any order.
  const std::string up = run.line_with("is up") + run.line_with("is up");
  EXPECT_THAT(up, AllOf(HasSubstr("link private"), HasSubstr("link internet")));
  pump_each_way(bench, kGibibyte);
  const Json status = run.status();
  EXPECT_EQ(status["links"][0]["port"]["driver"], "net_memif");
  EXPECT_EQ(run.end(SIGINT).status, 0);
}

TEST_F(RunEndToEnd, ALinkThatGoesDownIsToldAndComesBack) {
  const Bench bench;
  RunningBoxes run(bench, kCables);
  bench.in("app", {"ip", "link", "set", "eth0", "down"});
  EXPECT_THAT(run.line_with("is down"), HasSubstr("link private (net_af_packet0)"));
  EXPECT_EQ(run.status()["links"][0]["port"]["up"], false);
  EXPECT_EQ(run.status()["links"][1]["port"]["up"], true);
  const auto events = run.events("link_down");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["link"], "private");
  EXPECT_EQ(events[0]["code"], "LINK-DOWN");
  bench.in("app", {"ip", "link", "set", "eth0", "up"});
  EXPECT_THAT(run.line_with("is up"), HasSubstr("link private (net_af_packet0)"));
  bench.in("app", {"ip", "route", "replace", "default", "via", "10.78.1.1"});
  pump_each_way(bench, 1 << 20);
  EXPECT_EQ(run.end(SIGTERM).status, 0);
}

// ---- a worker that stalls

// One thread of a process, held still as long as this object lives.
class HeldThread {
 public:
  HeldThread(pid_t process, const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
      std::ifstream file(entry.path() / "comm");
      std::string found;
      if (std::getline(file, found) && found == name) {
        thread_ = std::stoi(entry.path().filename());
      }
    }
    EXPECT_GT(thread_, 0) << "no thread is called " << name;
    EXPECT_EQ(ptrace(PTRACE_SEIZE, thread_, 0, 0), 0) << strerror(errno);
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread_, 0, 0), 0) << strerror(errno);
    int status = 0;
    EXPECT_EQ(waitpid(thread_, &status, __WALL), thread_);
  }
  ~HeldThread() { ptrace(PTRACE_DETACH, thread_, 0, 0); }
  HeldThread(const HeldThread&) = delete;
  HeldThread& operator=(const HeldThread&) = delete;

 private:
  pid_t thread_ = -1;
};

// Echoes over as many flows as it takes until one passes: those of a queue whose worker stands still do not.
bool some_flow_passes(const Bench& bench) {
  Peer app(bench.door("app"));
  Peer api(bench.door("api"));
  const Json server = api.ok({{"op", "udp"}, {"port", 5353}})["socket"];
  for (int flow = 0; flow < 64; ++flow) {
    const Json client = app.ok({{"op", "udp"}})["socket"];
    app.ok({{"op", "sendto"}, {"socket", client}, {"host", "198.18.8.80"}, {"port", 5353}, {"data", "query"}});
    const Json query = api.call({{"op", "recvfrom"}, {"socket", server}, {"timeout", 0.2}});
    if (query.contains("data")) {
      return true;
    }
  }
  return false;
}

TEST_F(RunEndToEnd, AWorkerThatStallsIsNamedAndTheOtherGoesOn) {
  const Bench bench;
  const std::string cores = two_cores();
  if (cores.empty()) {
    GTEST_SKIP() << "needs two cores for two workers that poll all the time";
  }
  RunningBoxes run(bench, kCables, {"--cores", cores});
  EXPECT_TRUE(some_flow_passes(bench));
  {
    const HeldThread held(run.pid(), "worker-1");
    EXPECT_THAT(run.line_with("has stalled"), HasSubstr("worker 1 (core " + cores.substr(cores.find(',') + 1) + ")"));
    const Json workers = run.status()["workers"];
    EXPECT_EQ(workers[0]["state"], "polling");
    EXPECT_EQ(workers[1]["state"], "stalled");
    EXPECT_GT(workers[1]["stalled_for"], 1.0);
    EXPECT_TRUE(some_flow_passes(bench));
  }
  EXPECT_THAT(run.line_with("goes on"), HasSubstr("worker 1"));
  EXPECT_EQ(run.status()["workers"][1]["state"], "polling");
  const Finished finished = run.end(SIGTERM);
  EXPECT_EQ(finished.status, 0);
  expect_summary_adds_up(finished.output);
}

// ---- what is refused, and leaves nothing behind

Finished refused(const Bench& bench, const std::string& ports, const Arguments& options = {}) {
  Arguments arguments = bench.door("box");
  arguments.insert(arguments.end(), {program(), "run", bench.write("refused.yaml", topology_with(ports))});
  arguments.insert(arguments.end(), options.begin(), options.end());
  Process process(arguments, bench.path("errors"));
  process.close_input();
  Finished finished;
  finished.output = process.read_all();
  finished.status = process.wait();
  std::ifstream errors(bench.path("errors"));
  std::getline(errors, finished.errors, '\0');
  EXPECT_FALSE(std::filesystem::exists(runtime_folder() + "/bench")) << "a folder is left";
  EXPECT_EQ(finished.output, "");
  return finished;
}

TEST_F(RunEndToEnd, BadInputPointsToTheLab) {
  const Bench bench;
  const Finished portless = refused(bench, "");
  EXPECT_EQ(portless.status, 2);
  EXPECT_THAT(portless.errors, AllOf(HasSubstr("has no ports"), HasSubstr("lapse lab")));
  const Finished program_given = refused(bench, kCables, {"--", "true"});
  EXPECT_EQ(program_given.status, 2);
  EXPECT_THAT(program_given.errors, HasSubstr("lapse lab"));
  const Finished cores = refused(bench, kCables, {"--cores", "1,one"});
  EXPECT_EQ(cores.status, 2);
  EXPECT_THAT(cores.errors, HasSubstr("--cores 1,one: not the number of a core (one)"));
  EXPECT_EQ(refused(bench, "ports: { privat: { vdev: net_null0 } }\n").status, 2);
}

TEST_F(RunEndToEnd, WhatTheMachineLacksIsToldAtOnce) {
  const Bench bench;
  const Finished finished = refused(
      bench, "ports: { private: { pci: \"0000:fe:1f.7\" }, internet: { vdev: \"net_af_packet0,iface=eth7\" } }\n",
      {"--cores", "4000"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors,
              AllOf(HasSubstr("error: cores: there is no core 4000"),
                    HasSubstr("error: ports.private: there is no PCI device 0000:fe:1f.7"),
                    HasSubstr("error: ports.internet: there is no interface eth7; this network namespace has inside, "),
                    HasSubstr("nothing was started")));
}

TEST_F(RunEndToEnd, AnMtuThatTheDeviceRefusesIsNamed) {
  const Bench bench;
  const Finished finished = refused(
      bench,
      "ports: { private: { vdev: \"net_af_packet0,iface=inside\", mtu: 9000 }, internet: { vdev: net_null0 } }\n");
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors, HasSubstr("link private: device net_af_packet0: mtu 9000: net_af_packet carries"));
}

TEST_F(RunEndToEnd, AMemifClientWithoutAServerSaysSo) {
  const Bench bench;
  const Finished finished = refused(
      bench, "ports: { private: { vdev: \"net_memif0,role=client,socket-abstract=no,socket=" + bench.path("nobody") +
                 "\" }, internet: { vdev: net_null0 } }\n");
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors, HasSubstr("link private: device net_memif0: there is nobody at the other end"));
}

TEST_F(RunEndToEnd, ADriverThatIsNotThereIsNamed) {
  const Bench bench;
  const Finished finished =
      refused(bench, "ports: { private: { vdev: net_no_such_driver0 }, internet: { vdev: net_null0 } }\n");
  EXPECT_EQ(finished.status, 3);
  EXPECT_THAT(finished.errors, HasSubstr("nothing was started"));
}

}  // namespace
}  // namespace lapse::test
