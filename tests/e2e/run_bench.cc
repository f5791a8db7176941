#include "tests/e2e/run_bench.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <stdlib.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace lapse::test {
namespace {

int made = 0;

std::string unique_name() {
  return "lapse-run" + std::to_string(getpid()) + "x" + std::to_string(++made);
}

int status_of(const Arguments& arguments, std::string& output) {
  Process process(arguments);
  process.close_input();
  output = process.read_all();
  return process.wait();
}

void expect_ok(const Arguments& arguments) {
  std::string output;
  std::string line;
  for (const std::string& word : arguments) {
    line += word + " ";
  }
  EXPECT_EQ(status_of(arguments, output), 0) << line << ": " << output;
}

// Both streams in one, so that a test can wait for either.
Arguments with_one_stream(const Arguments& door, const Arguments& program) {
  Arguments arguments = door;
  arguments.insert(arguments.end(), {"sh", "-c", "exec \"$@\" 2>&1", "sh"});
  arguments.insert(arguments.end(), program.begin(), program.end());
  return arguments;
}

Arguments run_arguments(const std::string& file, const std::string& name, const Arguments& options) {
  Arguments arguments{program(), "run", file, "--name", name};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}

}  // namespace

std::string why_no_bench() {
  if (geteuid() != 0) {
    return "needs root: it makes network namespaces and interfaces for devices to stand on";
  }
  if (access("/usr/sbin/ethtool", X_OK) != 0 && access("/sbin/ethtool", X_OK) != 0) {
    return "needs the package ethtool: checksums that a kernel leaves to its card never reach a virtual one";
  }
  return "";
}

Bench::Bench() : prefix_(unique_name() + "-") {
  std::string pattern = std::filesystem::temp_directory_path() / "lapse-run-XXXXXX";
  folder_ = mkdtemp(pattern.data());
  for (const char* where : {"app", "api", "box"}) {
    expect_ok({"ip", "netns", "add", name_of(where)});
    in(where, {"ip", "link", "set", "lo", "up"});
  }
  for (const auto& [host, side, address, gateway] :
       {std::tuple{"app", "inside", "10.78.1.10/24", "10.78.1.1"}, {"api", "outside", "198.18.8.80/24", ""}}) {
    in("box", {"ip", "link", "add", side, "type", "veth", "peer", "name", "eth0", "netns", name_of(host)});
    in(host, {"ip", "address", "add", address, "dev", "eth0"});
    // The kernel leaves checksums, and cutting into segments, to a card that is not there.
    in(host, {"ethtool", "-K", "eth0", "tx", "off"});
    in(host, {"ip", "link", "set", "eth0", "up"});
    in("box", {"ip", "link", "set", side, "up"});
    if (*gateway != '\0') {
      in(host, {"ip", "route", "add", "default", "via", gateway});
    }
  }
}

Bench::~Bench() {
  for (const char* where : {"app", "api", "box"}) {
    expect_ok({"ip", "netns", "delete", name_of(where)});
  }
  std::filesystem::remove_all(folder_);
}

Arguments Bench::door(const std::string& where) const {
  return {"ip", "netns", "exec", name_of(where)};
}

void Bench::in(const std::string& where, const Arguments& arguments) const {
  Arguments full = door(where);
  full.insert(full.end(), arguments.begin(), arguments.end());
  expect_ok(full);
}

std::string Bench::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

std::string topology_with(const std::string& ports) {
  return "name: bench\n"
         "links:\n"
         "  private:  { subnet: 10.78.1.0/24 }\n"
         "  internet: { subnet: 198.18.8.0/24 }\n"
         "boxes:\n"
         "  natgw:\n"
         "    kind: nat-gateway\n"
         "    inside:  { link: private, address: 10.78.1.1 }\n"
         "    outside: { link: internet, address: 198.18.8.10 }\n" +
         ports;
}

// ---- RunningBoxes

RunningBoxes::RunningBoxes(const Bench& bench, const std::string& ports, const Arguments& options)
    : name_(unique_name()),
      process_(with_one_stream(bench.door("box"),
                               run_arguments(bench.write(name_ + ".yaml", topology_with(ports)), name_, options))) {
  line_with("lapse ctl");  // the last line that it prints when it is up
}

std::string RunningBoxes::line_with(const std::string& text) {
  std::string before;
  for (std::string line = process_.read_line(); !line.empty(); line = process_.read_line()) {
    if (line.find(text) != std::string::npos) {
      return line;
    }
    before += line + "\n";
  }
  ADD_FAILURE() << "no line has '" << text << "' in it:\n" << before;
  return "";
}

Json RunningBoxes::status() const {
  const Finished finished = lapse({"ctl", "-t", name_, "status", "--json"});
  EXPECT_EQ(finished.status, 0) << finished.errors;
  return Json::parse(finished.output, nullptr, false);
}

std::vector<Json> RunningBoxes::events(const std::string& kind) const {
  std::vector<Json> found;
  std::istringstream lines(lapse({"ctl", "-t", name_, "events"}).output);
  for (std::string line; std::getline(lines, line);) {
    Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event["kind"] == kind) {
      found.push_back(std::move(event));
    }
  }
  return found;
}

Finished RunningBoxes::end(int signal) {
  process_.signal(signal);
  Finished finished;
  finished.output = process_.read_all();
  finished.status = process_.wait();
  return finished;
}

}  // namespace lapse::test
