// What programs and the kernel get under a warp. The factor is 50 throughout.
#include "control/lab/warp.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "control/lab/files.h"
#include "control/lab/preload/scale.h"
#include "control/lab/warp_report.h"

namespace lapse::lab {
namespace {

TEST(Scale, RoundsDownButNeverToNever) {
  EXPECT_EQ(scaled_down(400, 50), 8);
  EXPECT_EQ(scaled_down(60, 50), 1);
  EXPECT_EQ(scaled_down(7, 50), 1);
  EXPECT_EQ(scaled_down(0, 50), 0);
  EXPECT_EQ(scaled_down(-1, 50), -1);
}

TEST(Scale, ADeadlineKeepsItsDistanceDivided) {
  const timespec deadline = real_deadline({1100, 500'000'000}, {1000, 0}, {30, 0}, 50);
  EXPECT_EQ(deadline.tv_sec, 32);
  EXPECT_EQ(deadline.tv_nsec, 10'000'000);
  const timespec past = real_deadline({10, 0}, {1000, 0}, {30, 5}, 50);
  EXPECT_EQ(past.tv_sec, 30);
  EXPECT_EQ(past.tv_nsec, 5);
}

class Warp : public testing::Test {
 protected:
  void SetUp() override {
    files_ = plan_warp_files("test");
    ASSERT_TRUE(make_warp_files(files_).ok());
  }
  void TearDown() override {
    for (const std::string& path : files_.paths()) {
      EXPECT_EQ(unlink(path.c_str()), 0) << path;
    }
  }

  // What a command line prints, run as a program of a lab.
  std::string run(const std::string& command, const std::string& faketime) {
    std::string line = "env LAPSE_HOST=app";
    for (const auto& [name, value] : warp_environment({faketime, LAPSE_WARP_PRELOAD}, files_, 50)) {
      absl::StrAppend(&line, " ", name, "='", value, "'");
    }
    FILE* pipe = popen(absl::StrCat(line, " ", command, " 2>&1").c_str(), "r");
    std::string output;
    char chunk[4096];
    for (size_t got = fread(chunk, 1, sizeof(chunk), pipe); got > 0; got = fread(chunk, 1, sizeof(chunk), pipe)) {
      output.append(chunk, got);
    }
    pclose(pipe);
    return output;
  }

  WarpFiles files_;
};

TEST_F(Warp, TheKernelGetsDividedOptionsAndTheProgramSeesItsOwn) {
  EXPECT_EQ(run(LAPSE_WARP_PROBE, ""),
            "TCP_KEEPIDLE 60: 0 kernel 1 own 60\n"
            "TCP_KEEPIDLE 400: 0 kernel 8 own 400\n"
            "TCP_KEEPIDLE 40000: -1 kernel 8 own 400\n"  // refused, as without a warp
            "TCP_KEEPIDLE 0: -1 kernel 8 own 400\n"
            "TCP_KEEPINTVL 10: 0 kernel 1 own 10\n"
            "TCP_KEEPCNT 5: 0 kernel 5 own 5\n"
            "TCP_USER_TIMEOUT 30000: 0 kernel 600 own 30000\n"
            "SO_RCVTIMEO 20.000000: 0 kernel 0.400000 own 20.000000\n"
            "SO_SNDTIMEO 0.000000: 0 kernel 0.000000 own 0.000000\n"
            "SO_RCVTIMEO_NEW 100.000000: 0 kernel 2.000000 own 100.000000\n"
            "default is multiplied: 1\n"
            "bad descriptor: -1\n"
            "no value: -1\n");
}

TEST_F(Warp, EachScaledOptionIsReportedOnce) {
  run(LAPSE_WARP_PROBE, "");
  const auto seen = parse_seen_options(read_file(files_.report).value_or(""));
  std::vector<std::string> said;
  for (const SeenOption& option : seen) {
    EXPECT_EQ(option.host, "app");
    EXPECT_EQ(option.program, std::filesystem::path(LAPSE_WARP_PROBE).filename());
    said.push_back(absl::StrCat(option.option, " ", option.wanted, " ", option.given, " ", option.unit));
  }
  EXPECT_EQ(said, (std::vector<std::string>{"SO_KEEPALIVE 1 1 ", "TCP_KEEPIDLE 60 1 s", "TCP_KEEPIDLE 400 8 s",
                                            "TCP_KEEPINTVL 10 1 s", "TCP_USER_TIMEOUT 30000 600 ms",
                                            "SO_RCVTIMEO 20000000 400000 us", "SO_RCVTIMEO 100000000 2000000 us"}));
}

TEST_F(Warp, AMissingReportFileHurtsNobody) {
  ASSERT_EQ(rename(files_.report.c_str(), (files_.report + "-away").c_str()), 0);
  EXPECT_TRUE(absl::StartsWith(run(LAPSE_WARP_PROBE, ""), "TCP_KEEPIDLE 60: 0 kernel 1 own 60\n"));
  ASSERT_EQ(rename((files_.report + "-away").c_str(), files_.report.c_str()), 0);
}

// 25 s of waiting each; the virtual time that passed is printed, and the suite's own time limit catches a wait that
// is not divided.
TEST_F(Warp, WaitsOfEveryKindAreDividedAndOneClockIsShared) {
  const auto libraries = find_warp_libraries();
  const std::string faketime =
      libraries.ok() ? libraries->faketime : "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
  ASSERT_EQ(access(faketime.c_str(), R_OK), 0) << "package faketime";
  const std::string script = absl::StrCat(files_.report, ".py");
  std::ofstream(script) << R"(
import os, select, signal, threading, time
def took(wait):
    begin = time.monotonic()
    wait()
    return time.monotonic() - begin
busy = threading.Lock()
busy.acquire()
signal.signal(signal.SIGALRM, lambda *_: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
def alarm():
    signal.alarm(25)
    signal.pause()
def timer():
    signal.setitimer(signal.ITIMER_REAL, 25)
    signal.pause()
for name, wait in [('sleep', lambda: time.sleep(25)),
                   ('select', lambda: select.select([], [], [], 25)),
                   ('event', lambda: threading.Event().wait(25)),
                   ('lock', lambda: busy.acquire(timeout=25)),
                   ('sigtimedwait', lambda: signal.sigtimedwait([signal.SIGUSR1], 25)),
                   ('alarm', alarm), ('setitimer', timer)]:
    seconds = took(wait)
    print(name, 'ok' if 25 <= seconds + 0.1 else seconds)
before = time.time()
after = float(os.popen("python3 -c 'import time; print(time.time())'").read())
print('a child goes on', 'ok' if 0 <= after - before else after - before)
)";
  EXPECT_EQ(run(absl::StrCat("python3 ", script), faketime),
            "sleep ok\nselect ok\nevent ok\nlock ok\nsigtimedwait ok\nalarm ok\nsetitimer ok\na child goes on ok\n");
  unlink(script.c_str());
}

TEST_F(Warp, TheFilesAreOpenToServicesThatChangeUser) {
  for (const std::string& path : files_.paths()) {
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0) << path;
    EXPECT_EQ(status.st_mode & 0777, 0666U) << path;
  }
}

}  // namespace
}  // namespace lapse::lab
