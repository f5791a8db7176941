#include "tests/e2e/harness.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace lapse::test {
namespace {

constexpr int kWaitMilliseconds = 180'000;
// No account needs to exist for it.
constexpr uid_t kOrdinaryUser = 54321;

RunAs run_as_ = RunAs::kSelf;
int workers_ = 1;
std::string folder_;
int labs_started_ = 0;

Arguments as_user(Arguments arguments) {
  if (run_as_ == RunAs::kOrdinaryUser) {
    const std::string id = std::to_string(kOrdinaryUser);
    Arguments prefix{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--"};
    arguments.insert(arguments.begin(), prefix.begin(), prefix.end());
  }
  return arguments;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// The program stands in its build folder as it was linked: BUILD/control/cli/lapse.
std::filesystem::path build_root() {
  return std::filesystem::path(LAPSE_PROGRAM).parent_path().parent_path().parent_path();
}

// A checkout may lie where an ordinary user cannot go. Read-only, so that clearing the folder away can never reach it.
void show_in_folder(const std::filesystem::path& what, const std::string& where) {
  std::filesystem::create_directory(where);
  ASSERT_EQ(mount(what.c_str(), where.c_str(), nullptr, MS_BIND, nullptr), 0) << strerror(errno);
  ASSERT_EQ(mount(nullptr, where.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), 0) << strerror(errno);
}

// A device node of the test's own, so that the machine's keeps its mode.
void make_tun_usable() {
  ASSERT_EQ(unshare(CLONE_NEWNS), 0) << "mount namespace: " << strerror(errno);
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
  const std::string node = folder_ + "/tun";
  ASSERT_EQ(mknod(node.c_str(), S_IFCHR | 0666, makedev(10, 200)), 0) << strerror(errno);
  ASSERT_EQ(chmod(node.c_str(), 0666), 0);
  ASSERT_EQ(mount(node.c_str(), "/dev/net/tun", nullptr, MS_BIND, nullptr), 0) << strerror(errno);
}

}  // namespace

void prepare(RunAs run_as, int workers) {
  run_as_ = run_as;
  workers_ = workers;
  char made[] = "/tmp/lapse-e2e-XXXXXX";
  ASSERT_NE(mkdtemp(made), nullptr);
  folder_ = made;
  const std::string runtime = folder_ + "/run";
  std::filesystem::create_directory(runtime);
  setenv("LAPSE_RUNTIME_DIR", runtime.c_str(), 1);
  if (run_as == RunAs::kOrdinaryUser) {
    ASSERT_EQ(chown(runtime.c_str(), kOrdinaryUser, kOrdinaryUser), 0);
    ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
    setenv("HOME", "/tmp", 1);
    // Without folders that only root may search.
    setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
    make_tun_usable();
    show_in_folder(LAPSE_SOURCE_ROOT, folder_ + "/source");
    show_in_folder(build_root(), folder_ + "/build");
    ASSERT_EQ(chdir("/tmp"), 0);
  }
}

void clean_up() {
  if (run_as_ == RunAs::kOrdinaryUser) {
    umount("/dev/net/tun");
    for (const char* shown : {"/source", "/build"}) {
      if (umount2((folder_ + shown).c_str(), MNT_DETACH) != 0) {
        return;
      }
    }
  }
  std::filesystem::remove_all(folder_);
}

bool is_root() {
  return run_as_ == RunAs::kSelf && geteuid() == 0;
}

int workers() {
  return workers_;
}

std::string program() {
  return run_as_ == RunAs::kOrdinaryUser ? folder_ + "/build/control/cli/lapse" : LAPSE_PROGRAM;
}
std::string test_file(const std::string& name) {
  const std::string root = run_as_ == RunAs::kOrdinaryUser ? folder_ + "/source" : LAPSE_SOURCE_ROOT;
  return root + "/tests/e2e/" + name;
}
std::string topology_file() {
  return test_file("nat.yaml");
}
std::string runtime_folder() {
  return folder_ + "/run";
}

// ---- Process ----

Process::Process(const Arguments& arguments, const std::string& error_file) {
  int to_child[2];
  int from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) {
    std::abort();
  }
  const Arguments full = as_user(arguments);
  std::vector<char*> argv;
  for (const std::string& argument : full) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to_child[0], 0);
    dup2(from_child[1], 1);
    if (!error_file.empty()) {
      dup2(open(error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), 2);
    }
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

Process::~Process() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
  close_input();
  close(output_);
}

void Process::close_input() {
  if (input_ >= 0) {
    close(input_);
    input_ = -1;
  }
}

void Process::write_line(const std::string& line) {
  const std::string out = line + "\n";
  ASSERT_EQ(write(input_, out.data(), out.size()), static_cast<ssize_t>(out.size()));
}

std::string Process::read_line() {
  while (buffer_.find('\n') == std::string::npos) {
    pollfd readable{.fd = output_, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, kWaitMilliseconds) != 1) {
      ADD_FAILURE() << "nothing to read for three minutes";
      return "";
    }
    char chunk[4096];
    const ssize_t size = read(output_, chunk, sizeof(chunk));
    if (size <= 0) {
      return std::exchange(buffer_, "");
    }
    buffer_.append(chunk, static_cast<size_t>(size));
  }
  const size_t end = buffer_.find('\n');
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::string Process::read_all() {
  char chunk[65536];
  ssize_t size = 0;
  while ((size = read(output_, chunk, sizeof(chunk))) > 0) {
    buffer_.append(chunk, static_cast<size_t>(size));
  }
  return std::exchange(buffer_, "");
}

void Process::signal(int number) {
  ::kill(pid_, number);
}

int Process::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished lapse(const Arguments& arguments) {
  Arguments full{program()};
  full.insert(full.end(), arguments.begin(), arguments.end());
  const std::string errors = folder_ + "/errors";
  Process process(full, errors);
  process.close_input();
  Finished finished;
  finished.output = process.read_all();
  finished.status = process.wait();
  finished.errors = read_file(errors);
  return finished;
}

Arguments lab_arguments(const std::string& topology, const Arguments& arguments) {
  Arguments all{"lab", topology};
  if (workers_ > 1 && std::find(arguments.begin(), arguments.end(), "--workers") == arguments.end()) {
    all.insert(all.end(), {"--workers", std::to_string(workers_)});
  }
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

// ---- Lab ----

Lab::Lab(const Arguments& options, const std::string& topology)
    : name_("e2e" + std::to_string(getpid()) + "x" + std::to_string(++labs_started_)) {
  Arguments arguments{"--name", name_};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments = lab_arguments(topology, arguments);
  arguments.insert(arguments.begin(), program());
  const std::string errors = folder_ + "/" + name_ + ".errors";
  process_ = std::make_unique<Process>(arguments, errors);
  // The first line on standard output says that it is up.
  if (process_->read_line().empty()) {
    ADD_FAILURE() << "the lab did not start: " << read_file(errors);
  }
}

Lab::~Lab() {
  if (process_->pid() > 0) {
    stop();
  }
}

Finished Lab::ctl(Arguments arguments) const {
  arguments.insert(arguments.begin(), {"ctl", "-t", name_});
  return lapse(arguments);
}

Json Lab::ctl_json(Arguments arguments) const {
  arguments.push_back("--json");
  const Finished finished = ctl(arguments);
  EXPECT_EQ(finished.status, 0) << finished.errors;
  return Json::parse(finished.output, nullptr, false);
}

void Lab::advance(const std::string& duration, bool force) const {
  Arguments arguments{"clock", "advance", duration};
  if (force) {
    arguments.push_back("--force");
  }
  const Finished finished = ctl(arguments);
  EXPECT_EQ(finished.status, 0) << finished.output << finished.errors;
}

std::vector<Json> Lab::events(const std::string& kind) const {
  std::vector<Json> found;
  std::istringstream lines(ctl({"events"}).output);
  for (std::string line; std::getline(lines, line);) {
    Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event["kind"] == kind) {
      found.push_back(std::move(event));
    }
  }
  return found;
}

std::set<std::string> Lab::namespaces() const {
  const Json state = Json::parse(read_file(runtime_folder() + "/" + name_ + "/lab.json"), nullptr, false);
  std::set<std::string> found;
  for (const Json& record : state["namespaces"]) {
    found.insert("net:[" + std::to_string(record["inode"].get<uint64_t>()) + "]");
  }
  EXPECT_EQ(found.size(), 3U) << "app, api and the data plane's own";
  return found;
}

void Lab::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

int Lab::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

// ---- Peer ----

Peer::Peer(const Lab& lab, const std::string& host)
    : process_({program(), "exec", "--root", "-t", lab.name(), host, "--", "python3", test_file("peer.py")}) {}

Peer::Peer(const Arguments& door)
    : process_([&] {
        Arguments arguments = door;
        arguments.insert(arguments.end(), {"python3", test_file("peer.py")});
        return arguments;
      }()) {}

Json Peer::call(Json command) {
  process_.write_line(command.dump());
  const std::string line = process_.read_line();
  Json answer = Json::parse(line, nullptr, false);
  EXPECT_TRUE(answer.is_object()) << "to " << command.dump() << " came: " << line;
  return answer;
}

Json Peer::ok(Json command) {
  Json answer = call(command);
  EXPECT_FALSE(answer.contains("error")) << command.dump() << " -> " << answer.dump();
  return answer;
}

}  // namespace lapse::test
