// harness.h - labs, programs in their hosts, and `lapse ctl`, for the end-to-end tests.
//
// Owner:    a test; everything it starts is gone when it goes out of scope.
// Memory:   ordinary.
// Time:     waits are bounded and end with the condition that they wait for.
// Bytes:    none.
// Cost:     a lab takes under a second to start.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "nlohmann/json.hpp"

namespace lapse::test {

using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

// Who the labs run as: the test's own user, or (when the test is root) an ordinary one.
enum class RunAs { kSelf, kOrdinaryUser };

// Called once by main: gives the test a runtime folder of its own and, for an ordinary user, a usable /dev/net/tun.
// Labs get this many workers, and taps of as many queues.
void prepare(RunAs run_as, int workers);
void clean_up();
// Whether the test and its labs are root: it may look into their processes then.
bool is_root();

// A child with pipes on standard input and output; standard error goes to 'error_file' when that is not empty.
class Process {
 public:
  explicit Process(const Arguments& arguments, const std::string& error_file = "");
  ~Process();  // kills what still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void write_line(const std::string& line);
  void close_input();
  // The next line, or an empty string at the end of the stream; fails the test after three minutes.
  std::string read_line();
  std::string read_all();
  void signal(int number);
  // The exit status, or 128 + N.
  int wait();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

struct Finished {
  int status = 0;
  std::string output;
  std::string errors;
};
// Runs `lapse` with these arguments to its end.
Finished lapse(const Arguments& arguments);
// `lapse lab TOPOLOGY` and these arguments.
Arguments lab_arguments(const std::string& topology, const Arguments& arguments);
int workers();

// The `lapse` under test, and a file beside these tests, where whoever runs the labs can read them.
std::string program();
std::string test_file(const std::string& name);
std::string topology_file();
std::string runtime_folder();

// `lapse lab` without a program, up and running.
class Lab {
 public:
  explicit Lab(const Arguments& options = {}, const std::string& topology = topology_file());
  ~Lab();

  const std::string& name() const { return name_; }
  pid_t pid() const { return process_->pid(); }
  Finished ctl(Arguments arguments) const;
  Json ctl_json(Arguments arguments) const;
  void advance(const std::string& duration, bool force = false) const;
  // Events of this kind so far.
  std::vector<Json> events(const std::string& kind) const;
  // The network namespaces that it made, as /proc shows them: "net:[4026532181]".
  std::set<std::string> namespaces() const;
  void kill();  // SIGKILL, and nothing else
  int stop();   // SIGTERM; the exit status

 private:
  std::string name_;
  std::unique_ptr<Process> process_;
};

// A program in a host of a lab that does what it is told: see peer.py. As the lab's root, because it captures packets.
class Peer {
 public:
  Peer(const Lab& lab, const std::string& host);
  // Behind any other door: what is put before the program, as {"ip", "netns", "exec", "x"}.
  explicit Peer(const Arguments& door);

  Json call(Json command);
  // The same, and no error is expected.
  Json ok(Json command);

 private:
  Process process_;
};

}  // namespace lapse::test
