// The command itself: exit statuses, signals, services, and what joins a running lab.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

std::string name() {
  return "lab" + std::to_string(getpid());
}

// `lapse lab` under that name.
Arguments lab_of(const std::string& topology, const Arguments& program, const Arguments& options = {}) {
  Arguments all{"--name", name()};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("--");
  all.insert(all.end(), program.begin(), program.end());
  return lab_arguments(topology, all);
}

// The same, for a process of its own.
Arguments process_of(const std::string& topology, const Arguments& lab_program) {
  Arguments all = lab_of(topology, lab_program);
  all.insert(all.begin(), program());
  return all;
}

Finished run(const Arguments& program, const Arguments& options = {}) {
  return lapse(lab_of(topology_file(), program, options));
}

// A file that every user may read.
class Scratch {
 public:
  Scratch(const std::string& name, const std::string& content, mode_t mode = 0644)
      : path_(std::filesystem::path(runtime_folder()).parent_path() / name) {
    std::ofstream(path_, std::ios::binary) << content;
    chmod(path_.c_str(), mode);
  }
  ~Scratch() { std::filesystem::remove(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The tests' topology with a service on `api`.
std::string with_service(const std::string& run) {
  std::ifstream file(topology_file());
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::string names = "names: [api.example.com]";
  return text.replace(text.find(names), names.size(), names + ", run: \"" + run + "\", ready: { tcp: 8080 }");
}

bool nothing_left() {
  std::error_code error;
  return std::filesystem::is_empty(runtime_folder(), error);
}

TEST(LabCommand, ReturnsTheProgramsStatus) {
  EXPECT_EQ(run({"true"}).status, 0);
  EXPECT_EQ(run({"sh", "-c", "exit 7"}).status, 7);
  EXPECT_EQ(run({"sh", "-c", "kill -SEGV $$"}).status, 139);
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, SaysAsAShellDoesThatAProgramCannotStart) {
  EXPECT_EQ(run({"no-such-program"}).status, 127);
  EXPECT_EQ(run({"/etc/passwd"}).status, 126);
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each of them of the caller's own, with the packets that the program sent.
TEST(LabCommand, WritesItsReports) {
  const auto anybodys = std::filesystem::path(runtime_folder()).parent_path() / "anybodys";
  std::filesystem::create_directory(anybodys);
  std::filesystem::permissions(anybodys, std::filesystem::perms::all);
  const auto folder = anybodys / "reports";  // made by lapse
  const std::string refused = "import socket; socket.socket().connect_ex(('api', 9))";
  const Finished done = run({"python3", "-c", refused}, {"--report", folder});
  EXPECT_EQ(done.status, 0) << done.errors;
  EXPECT_NE(done.errors.find("the report is in"), std::string::npos) << done.errors;
  EXPECT_NE(content_of(folder / "report.svg").find("class=\"packet\""), std::string::npos);
  EXPECT_NE(content_of(folder / "report.html").find("natgw: flows over time"), std::string::npos);
  EXPECT_NE(content_of(folder / "report.md").find("sequenceDiagram"), std::string::npos);
  EXPECT_NE(content_of(folder / "report.md").find("lapse lab "), std::string::npos);
  const std::string capture = content_of(folder / "report.pcapng");
  EXPECT_NE(capture.find("internet"), std::string::npos);
  EXPECT_GT(capture.size(), 500U) << "frames, and not only the interfaces";
  std::filesystem::remove_all(anybodys);
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, RefusesAReportFolderThatCannotBe) {
  const Finished done = run({"true"}, {"--report", "/proc/no/such"});
  EXPECT_EQ(done.status, 125);
  EXPECT_NE(done.errors.find("--report /proc/no/such: cannot be made"), std::string::npos) << done.errors;
}

TEST(LabCommand, EndsTheProgramAtItsLimitAlsoADeafOne) {
  EXPECT_EQ(run({"sleep", "100"}, {"--limit", "200ms"}).status, 124);
  EXPECT_EQ(run({"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}, {"--limit", "200ms"}).status, 124);
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, RefusesBadInputBeforeItMakesAnything) {
  EXPECT_EQ(lapse({"lab", "no-such-topology", "--", "true"}).status, 125);
  const Finished host = run({"true"}, {"--at", "nowhere"});
  EXPECT_EQ(host.status, 125);
  EXPECT_NE(host.errors.find("app, api"), std::string::npos) << host.errors;
  EXPECT_EQ(run({"true"}, {"--limit", "30"}).status, 125) << "a time has a unit";
  EXPECT_EQ(run({"true"}, {"--name", "a/b"}).status, 125);
  EXPECT_EQ(run({"true"}, {"--set", "natgw.timeouts.udp=never"}).status, 125);
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, PassesASignalOnToTheProgram) {
  Process lab(process_of(topology_file(),
                         {"sh", "-c", "trap 'echo got it; exit 5' INT; echo ready; while :; do sleep 0.1; done"}),
              "/dev/null");
  ASSERT_EQ(lab.read_line(), "ready");
  lab.signal(SIGINT);
  EXPECT_EQ(lab.read_line(), "got it");
  EXPECT_EQ(lab.wait(), 5);
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, SaysThatTheDataPlaneCrashed) {
  Scratch errors("crash.errors", "", 0666);
  Process lab(process_of(topology_file(), {"sh", "-c", "echo ready; exec sleep 100"}), errors.path());
  ASSERT_EQ(lab.read_line(), "ready");
  const std::string task = "/proc/" + std::to_string(lab.pid()) + "/task/" + std::to_string(lab.pid()) + "/children";
  std::ifstream children(task);
  pid_t killed = 0;
  for (pid_t child = 0; children >> child;) {
    std::string command;
    std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm"), command);
    if (command == "lapse-dataplane") {
      killed = child;
      kill(child, SIGKILL);
    }
  }
  ASSERT_NE(killed, 0);
  EXPECT_EQ(lab.wait(), 125);
  std::ifstream file(errors.path());
  const std::string said((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(said.find("the data plane ended by signal 9"), std::string::npos) << said;
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, ProgramsKeepEnvironmentAndDirectory) {
  setenv("LAPSE_TEST_VARIABLE", "kept", 1);
  const Finished finished = run({"sh", "-c", "echo $LAPSE_TEST_VARIABLE $LAPSE_LAB $LAPSE_HOST; pwd; id -u"});
  unsetenv("LAPSE_TEST_VARIABLE");
  const Finished outside = run({"sh", "-c", "pwd"}, {"--at", "api"});
  EXPECT_EQ(finished.output.substr(0, finished.output.find('\n')), "kept " + name() + " app");
  EXPECT_EQ(outside.output, std::filesystem::current_path().string() + "\n");
}

TEST(LabCommand, AServiceThatFailsIsNamedWithItsLastLines) {
  const Scratch topology("service.yaml", with_service("echo out of order; exit 5"));
  const Finished finished = lapse(lab_of(topology.path(), {"true"}));
  EXPECT_EQ(finished.status, 125);
  EXPECT_NE(finished.errors.find("host api: "), std::string::npos) << finished.errors;
  EXPECT_NE(finished.errors.find("exited with status 5"), std::string::npos) << finished.errors;
  EXPECT_NE(finished.errors.find("\n    out of order"), std::string::npos) << finished.errors;
  EXPECT_TRUE(nothing_left());
}

TEST(LabCommand, WaitsUntilAServiceListens) {
  const Scratch word("listen-now", "");
  std::filesystem::remove(word.path());
  ASSERT_EQ(mkfifo(word.path().c_str(), 0666), 0);
  const Scratch topology("late.yaml", with_service("python3 " + test_file("accept_once.py") + " 8080 " + word.path()));
  Process lab(process_of(
      topology.path(),
      {"python3", "-c", "import socket; print(socket.create_connection(('api.example.com', 8080)).recv(100))"}));
  std::ofstream(word.path()) << "listen\n";  // opens as soon as the service waits for it
  EXPECT_EQ(lab.read_line(), "b'the only one'");
  EXPECT_EQ(lab.wait(), 0);
}

// As a system that debootstrap has made: nothing to mount over.
TEST(LabCommand, ShowsTheNamesWhereTheSystemHasNoHostsFile) {
  if (!is_root()) {
    GTEST_SKIP() << "hiding the machine's file takes root";
  }
  Arguments without_file{"unshare",
                         "--mount",
                         "sh",
                         "-c",
                         "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work &&"
                         " mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc &&"
                         " rm -f /etc/hosts && exec \"$@\"",
                         "sh"};
  const Arguments lab_program = process_of(topology_file(), {"getent", "ahostsv4", "api.example.com"});
  without_file.insert(without_file.end(), lab_program.begin(), lab_program.end());
  Process lab(without_file);
  EXPECT_EQ(lab.read_line().substr(0, 12), "198.18.7.80 ");
  EXPECT_EQ(lab.wait(), 0);
}

TEST(LabCommand, AProgramThatCannotBeWarpedIsNamedBeforeItStarts) {
  // An ELF header without an interpreter: statically linked.
  std::string header(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  header.resize(64, '\0');
  const Scratch program("static", header, 0755);
  const Finished finished = run({program.path()}, {"--warp", "50"});
  EXPECT_EQ(finished.status, 126);
  EXPECT_NE(finished.errors.find("linked statically"), std::string::npos) << finished.errors;
  const Scratch script("script", "#!" + program.path() + "\n", 0755);
  EXPECT_EQ(run({script.path()}, {"--warp", "50"}).status, 126);
}

TEST(ExecCommand, JoinsAHostAndReturnsTheProgramsStatus) {
  const Lab lab;
  const Finished joined = lapse({"exec", "-t", lab.name(), "api", "--", "sh", "-c", "echo $LAPSE_HOST; exit 9"});
  EXPECT_EQ(joined.status, 9) << joined.errors;
  EXPECT_EQ(joined.output, "api\n");
  EXPECT_EQ(lapse({"exec", "-t", lab.name(), "api", "--", "no-such-program"}).status, 127);
  const Finished nowhere = lapse({"exec", "-t", lab.name(), "nowhere", "--", "true"});
  EXPECT_EQ(nowhere.status, 125);
  EXPECT_NE(nowhere.errors.find("app, api"), std::string::npos) << nowhere.errors;
}

TEST(ExecCommand, RunsAsTheCallerOrAsRootOfTheLab) {
  const Lab lab;
  const Finished own = lapse({"exec", "-t", lab.name(), "app", "--", "id", "-u"});
  const Finished outside = run({"id", "-u"});
  EXPECT_EQ(own.output, outside.output);
  EXPECT_EQ(lapse({"exec", "--root", "-t", lab.name(), "app", "--", "id", "-u"}).output, "0\n");
}

TEST(ExecCommand, WithoutALabThereIsNothingToJoin) {
  EXPECT_EQ(lapse({"exec", "app", "--", "true"}).status, 125);
}

TEST(ShellCommand, StartsALabOrJoinsIt) {
  setenv("SHELL", "/bin/sh", 1);
  Process started({program(), "shell", topology_file(), "api", "--name", name()}, "/dev/null");
  started.write_line("echo in $LAPSE_HOST");
  EXPECT_EQ(started.read_line(), "in api");
  Process joined({program(), "shell", topology_file(), "--name", name()}, "/dev/null");
  joined.write_line("echo in $LAPSE_HOST; exit 4");
  EXPECT_EQ(joined.read_line(), "in app");
  EXPECT_EQ(joined.wait(), 4);
  started.write_line("exit 3");
  EXPECT_EQ(started.wait(), 3);
  EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace lapse::test
