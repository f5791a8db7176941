// The small texts of a lab: hosts file, sysctls, ranges of ids, lab.json, the kernel's tables.
#include <filesystem>

#include <unistd.h>

#include "gtest/gtest.h"

#include "control/lab/files.h"
#include "control/lab/hosts_file.h"
#include "control/lab/listening.h"
#include "control/lab/state.h"
#include "control/lab/sysctls.h"
#include "control/lab/user_namespace.h"
#include "control/lab/warp.h"
#include "control/lab/wiring.h"

namespace lapse::lab {
namespace {

topology::Attachment at(const std::string& link, const std::string& address) {
  topology::Attachment attachment;
  attachment.link = link;
  attachment.addresses = {*parse_ipv4(address)};
  return attachment;
}

topology::Topology nat_topology() {
  topology::Topology topology;
  topology.name = "nat";
  topology.links = {{"private", *parse_prefix("10.0.1.0/24"), {}},
                    {"internet", *parse_prefix("203.0.113.0/24"), {}},
                    {"a-name-that-is-too-long", *parse_prefix("10.9.0.0/24"), {}},
                    {"inner", *parse_prefix("10.8.0.0/24"), {}}};
  topology::Box box;
  box.name = "natgw";
  box.nat_gateway.inside = at("private", "10.0.1.1");
  box.nat_gateway.outside = at("internet", "203.0.113.10");
  topology.boxes.push_back(box);
  topology::Host app;
  app.name = "app";
  app.interfaces["eth0"] = at("private", "10.0.1.10");
  topology::Host api;
  api.name = "api";
  api.names = {"api.example.com"};
  api.interfaces["eth0"] = at("internet", "203.0.113.80");
  api.interfaces["eth1"] = at("a-name-that-is-too-long", "10.9.0.80");
  topology.hosts = {app, api};
  return topology;
}

TEST(HostsFile, HasTheTopologysNamesBeforeTheMachines) {
  EXPECT_EQ(hosts_file(nat_topology(), "127.0.0.1 localhost\n203.0.113.1 api.example.com\n"),
            "# the lab nat\n"
            "10.0.1.10\tapp\n"
            "203.0.113.80\tapi api.example.com api.eth0\n"
            "10.9.0.80\tapi.eth1\n"
            "10.0.1.1\tnatgw natgw.inside\n"
            "203.0.113.10\tnatgw.outside\n"
            "# the machine's own\n"
            "127.0.0.1 localhost\n203.0.113.1 api.example.com\n");
}

TEST(Wiring, GivesEachLinkWithAHostATapAndABridgeOfNamesThatFit) {
  const WiringPlan plan = plan_wiring(nat_topology());
  ASSERT_EQ(plan.links.size(), 3U) << "`inner` has no host and stays inside the data plane";
  EXPECT_EQ(plan.links[0].tap, "tap-private");
  EXPECT_EQ(plan.links[0].bridge, "br-private");
  EXPECT_EQ(plan.links[2].tap, "tap2") << "15 characters are the kernel's limit";
  ASSERT_EQ(plan.wires.size(), 3U);
  EXPECT_EQ(plan.wires[0].host, "app");
  EXPECT_EQ(plan.wires[2].interface, "eth1");
  EXPECT_NE(plan.wires[0].near_end, plan.wires[1].near_end);
  const auto devices = tap_devices(plan);
  EXPECT_EQ(devices.at("private"), "net_tap0,iface=tap-private");
  EXPECT_EQ(devices.at("a-name-that-is-too-long"), "net_tap2,iface=tap2");
}

TEST(Sysctl, PathsTurnDotsAndSlashesAround) {
  EXPECT_EQ(sysctl_path("net.ipv4.tcp_keepalive_time"), "/proc/sys/net/ipv4/tcp_keepalive_time");
  EXPECT_EQ(sysctl_path("net.ipv4.conf.eth0/5.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.5/rp_filter");
}

TEST(Sysctl, OneOfTheWholeMachineIsRefusedAndAnUnknownOneNamed) {
  EXPECT_TRUE(absl::IsInvalidArgument(write_sysctl("kernel.hostname", "x")));
  const auto unknown = write_sysctl("net.ipv4.tcp_keepalive_tiem", "1");
  EXPECT_TRUE(absl::IsNotFound(unknown));
  EXPECT_NE(unknown.message().find("net.ipv4.tcp_keepalive_tiem"), absl::string_view::npos);
}

TEST(Sysctl, ValuesAreDividedDownToWhatTheKernelTakes) {
  EXPECT_EQ(divide(7200, 50, 1), 144);
  EXPECT_EQ(divide(60, 50, 1), 1);
  EXPECT_EQ(divide(75, 50, 1), 1);
  EXPECT_EQ(divide(20, 50, 1), 1);
  EXPECT_EQ(divide(120000, 50, 1000), 2400);
  EXPECT_EQ(divide(120000, 500, 1000), 1000);
  EXPECT_EQ(divide(0, 50, 1), 0) << "off stays off";
}

TEST(IdRange, IsFoundByNameOrNumber) {
  const std::string file = "alice:100000:65536\n1007:200000:1000\nbroken:1\nbob:x:5\n";
  EXPECT_EQ(find_id_range(file, "alice", 1000)->first, 100000U);
  EXPECT_EQ(find_id_range(file, "carol", 1007)->count, 1000U);
  EXPECT_FALSE(find_id_range(file, "bob", 1001).has_value());
  EXPECT_FALSE(find_id_range("", "alice", 1000).has_value());
}

SettingReader settings(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& path) -> std::optional<std::string> {
    const auto found = values.find(path);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Refusal, NamesTheSettingThatForbids) {
  const std::string apparmor = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
  const std::string clone = "/proc/sys/kernel/unprivileged_userns_clone";
  const std::string most = "/proc/sys/user/max_user_namespaces";
  const auto explained = [](RefusedStep step, int error, const SettingReader& reader, const std::string& expected) {
    const std::string text = explain_refusal(step, error, reader);
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  };
  explained(RefusedStep::kIdMap, EPERM, settings({{apparmor, "1"}}),
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
  explained(RefusedStep::kOtherNamespaces, EPERM, settings({{apparmor, "1"}, {clone, "1"}}), "AppArmor");
  explained(RefusedStep::kUserNamespace, EPERM, settings({{clone, "0"}}),
            "sudo sysctl kernel.unprivileged_userns_clone=1");
  explained(RefusedStep::kUserNamespace, ENOSPC, settings({{most, "0"}}), "sudo sysctl user.max_user_namespaces=");
  explained(RefusedStep::kOtherNamespaces, ENOSPC, settings({{most, "100"}}), "user.max_net_namespaces");
  explained(RefusedStep::kUserNamespace, EPERM, settings({}), "--privileged");
}

TEST(Tun, TheRemedyFitsTheError) {
  EXPECT_NE(explain_tun(EACCES, true).find("sudo chmod 0666 /dev/net/tun"), std::string::npos);
  EXPECT_NE(explain_tun(ENOENT, true).find("sudo modprobe tun"), std::string::npos);
  EXPECT_EQ(explain_tun(ENOENT, false).find("sudo"), std::string::npos);
  EXPECT_NE(explain_tun(EPERM, false).find("--device /dev/net/tun"), std::string::npos);
}

TEST(ServiceNeedingIds, IsKnownByItsName) {
  EXPECT_EQ(service_needing_ids("/usr/sbin/sshd -D -e"), "sshd");
  EXPECT_EQ(service_needing_ids("exec nginx -g 'daemon off;'"), "nginx");
  EXPECT_FALSE(service_needing_ids("python3 server.py --port 8080").has_value());
  EXPECT_FALSE(service_needing_ids("./my-nginx-like").has_value());
}

TEST(Listening, IsReadFromTheKernelsTable) {
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
      "   1: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n";
  EXPECT_TRUE(listens_on(table, 8080));
  EXPECT_FALSE(listens_on(table, 80)) << "a connection is no listener";
  EXPECT_FALSE(listens_on("", 8080));
}

TEST(FirstProgram, IsTheWordThatTheShellStarts) {
  EXPECT_EQ(first_program("python3 server.py --port 8080"), "python3");
  EXPECT_EQ(first_program("LANG=C exec ./server -x"), "./server");
  EXPECT_EQ(first_program("(cd x; ./y)"), "") << "unclear";
  EXPECT_EQ(first_program(""), "");
}

TEST(State, ComesBackAsItWasWritten) {
  LabState state;
  state.name = "nat";
  state.start_at = "app";
  state.boot_id = "b";
  state.supervisor = 7;
  state.supervisor_start = 8;
  state.caller = {Caller::Kind::kOrdinary, 1000, 1001, "alice"};
  state.namespaces = {{"", "/proc/7/fd/5", {4, 4026532200, 99}}, {"app", "/proc/7/fd/6", {4, 4026532201, 100}}};
  state.factor = 50;
  state.environment = {{"FAKETIME", "+0 x50"}};
  state.shared_memory = {"/dev/shm/lapse-x"};
  char folder[] = "/tmp/lapse-state-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  ASSERT_TRUE(write_state(state, folder).ok());
  const auto read = read_state(folder);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->caller.user, "alice");
  EXPECT_TRUE(read->in_user_namespace());
  ASSERT_EQ(read->namespaces.size(), 2U);
  EXPECT_EQ(read->namespaces[1].id.cookie, 100U);
  EXPECT_EQ(read->find_host("app")->path, "/proc/7/fd/6");
  EXPECT_EQ(read->find_host(""), nullptr) << "the lab's own namespace is no host";
  EXPECT_EQ(read->host_names(), std::vector<std::string_view>{"app"});
  EXPECT_EQ(read->environment.at("FAKETIME"), "+0 x50");
  EXPECT_EQ(read->factor, 50U);
}

TEST(State, DamageIsAnErrorAndNotACrash) {
  EXPECT_FALSE(parse_state("").ok());
  EXPECT_FALSE(parse_state("{}").ok());
  EXPECT_FALSE(parse_state("{\"format\": 2}").ok());
  EXPECT_FALSE(parse_state("{\"format\": 1, \"name\": 7}").ok());
}

TEST(State, ASupervisorIsToldFromALaterProcessOfItsNumber) {
  EXPECT_EQ(parse_start_time("7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 1"), 12345U);
  EXPECT_EQ(parse_start_time("garbage"), 0U);
  LabState state;
  state.boot_id = boot_id();
  state.supervisor = getpid();
  state.supervisor_start = start_of_process(getpid());
  EXPECT_TRUE(supervisor_lives(state));
  state.supervisor_start += 1;
  EXPECT_FALSE(supervisor_lives(state));
}

TEST(FindProgram, TellsMissingFromForbidden) {
  EXPECT_EQ(*find_program("sh", "/nowhere:/bin"), "/bin/sh");
  EXPECT_TRUE(absl::IsNotFound(find_program("no-such-program", "/bin").status()));
  EXPECT_TRUE(absl::IsNotFound(find_program("/no/such/program", "/bin").status()));
  char file[] = "/tmp/lapse-file-XXXXXX";
  close(mkstemp(file));
  EXPECT_TRUE(absl::IsPermissionDenied(find_program(file, "/bin").status()));
  unlink(file);
  EXPECT_TRUE(absl::IsPermissionDenied(find_program("/etc", "/bin").status()));
}

}  // namespace
}  // namespace lapse::lab
