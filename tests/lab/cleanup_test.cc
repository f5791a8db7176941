// Nothing of a lab is left: issue A, "Done when" 8. These tests make namespaces, so they run as root.
#include "control/lab/cleanup.h"

#include <filesystem>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "control/lab/events.h"
#include "control/lab/files.h"
#include "control/lab/user_namespace.h"
#include "tests/lab/in_child.h"
#include "tests/lab/small_lab.h"

namespace lapse::lab {
namespace {

using std::chrono::milliseconds;

// A process inside that left its parent, its session and its terminal; its number.
pid_t start_daemon(int namespace_fd, bool deaf, const Caller& caller = {}) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return -1;
  }
  const pid_t child = fork();
  if (child == 0) {
    (void)enter_network_namespace(namespace_fd);
    (void)become_caller(caller);
    setsid();
    if (fork() != 0) {
      _exit(0);
    }
    if (deaf) {
      signal(SIGTERM, SIG_IGN);
    }
    // As a program would have: nothing that it inherited, above all not the lock.
    const pid_t own = getpid();
    dup2(ends[1], 3);
    close_range(4, ~0U, 0);
    const bool told = write(3, &own, sizeof(own)) == sizeof(own);
    close(3);
    if (!told) {
      _exit(1);
    }
    for (;;) {
      pause();
    }
  }
  waitpid(child, nullptr, 0);
  close(ends[1]);
  pid_t daemon = -1;
  if (read(ends[0], &daemon, sizeof(daemon)) != sizeof(daemon)) {
    daemon = -1;
  }
  close(ends[0]);
  return daemon;
}

bool lives(pid_t pid) {
  const std::string stat = read_file(absl::StrCat("/proc/", pid, "/stat")).value_or("");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

class Cleanup : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0U) << "run these tests as root";
    char made[] = "/tmp/lapse-cleanup-XXXXXX";
    ASSERT_NE(mkdtemp(made), nullptr);
    root_ = made;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string directory() const { return root_ + "/small"; }
  std::string netns() const { return absl::StrCat("/run/netns/lapse-test-", getpid()); }

  // A supervisor that makes a host with a daemon in it, says its number, and is killed. 'named' and 'spoil' change what
  // it leaves. An ordinary user's daemon is one user namespace further in, as CMD is.
  pid_t killed_supervisor(bool named, const std::function<void(LabState&)>& spoil = nullptr) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const std::string path = netns();
    const pid_t supervisor = fork();
    if (supervisor == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto lock = claim_folder(root_, "small");
      SmallLab lab;
      const Caller caller = find_caller();
      const bool ordinary = caller.kind == Caller::Kind::kOrdinary;
      const bool entered = ordinary ? enter_user_namespace(caller).ok() : unshare(CLONE_NEWNET) == 0;
      if (!lock.ok() || !entered || !lab.build().ok()) {
        _exit(1);
      }
      LabState state;
      state.name = "small";
      state.boot_id = boot_id();
      state.supervisor = getpid();
      state.supervisor_start = start_of_process(getpid());
      const int host = lab.hosts["one"].get();
      state.namespaces = {
          {"one", named ? path : absl::StrCat("/proc/", getpid(), "/fd/", host), *identify_network_namespace(host)}};
      if (!named) {
        state.caller.kind = Caller::Kind::kOrdinary;
      }
      state.shared_memory = {"/dev/shm/lapse-test-cleanup", "/dev/shm/another-program"};
      close(open("/dev/shm/lapse-test-cleanup", O_CREAT | O_WRONLY, 0600));
      if (spoil) {
        spoil(state);
      }
      if ((named && !bind_network_namespace(host, path).ok()) || !write_state(state, directory()).ok()) {
        _exit(1);
      }
      const pid_t daemon = start_daemon(host, false, caller);
      if (write(ends[1], &daemon, sizeof(daemon)) != sizeof(daemon)) {
        _exit(1);
      }
      for (;;) {
        pause();
      }
    }
    close(ends[1]);
    pid_t daemon = -1;
    EXPECT_EQ(read(ends[0], &daemon, sizeof(daemon)), static_cast<ssize_t>(sizeof(daemon)));
    close(ends[0]);
    kill(supervisor, SIGKILL);
    waitpid(supervisor, nullptr, 0);
    return daemon;
  }

  std::string root_;
};

TEST_F(Cleanup, DaemonsInsideAreFoundAndEndedAndOthersAreNot) {
  EXPECT_EQ(in_child([]() -> std::string {
              SmallLab lab;
              if (unshare(CLONE_NEWNET) != 0 || !lab.build().ok()) {
                return "building";
              }
              const pid_t polite = start_daemon(lab.hosts["one"].get(), false);
              const pid_t deaf = start_daemon(lab.hosts["one"].get(), true);
              const pid_t other = start_daemon(lab.hosts["two"].get(), false);
              const std::vector<NamespaceId> one{*identify_network_namespace(lab.hosts["one"].get())};
              if (processes_inside(one).size() != 2) {
                return "not found";
              }
              const auto status = end_processes(one, milliseconds(50));
              const bool spared = lives(other);
              kill(other, SIGKILL);
              return text(status) + (lives(polite) ? "polite lives " : "") + (lives(deaf) ? "deaf lives " : "") +
                     (spared ? "" : "the other host's process died");
            }),
            "");
}

TEST_F(Cleanup, AfterAKillEverythingGoesWithTheNextStart) {
  const pid_t daemon = killed_supervisor(true);
  ASSERT_TRUE(lives(daemon)) << "that is why it has to be cleaned up";
  ASSERT_TRUE(std::filesystem::exists(netns()));
  EXPECT_TRUE(clean_up_after_the_dead(root_).empty());
  EXPECT_FALSE(lives(daemon));
  EXPECT_FALSE(std::filesystem::exists(netns()));
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/lapse-test-cleanup"));
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST_F(Cleanup, WithoutANameTheCookieTells) {
  const pid_t daemon = killed_supervisor(false);
  ASSERT_TRUE(lives(daemon));
  EXPECT_TRUE(clean_up_after_the_dead(root_).empty());
  EXPECT_FALSE(lives(daemon));
}

TEST_F(Cleanup, AnOrdinaryUsersProgramsAreEndedToo) {
  ASSERT_EQ(chown(root_.c_str(), 54321, 54321), 0);
  EXPECT_EQ(in_child([this]() -> std::string {
              if (!become_ordinary(54321)) {
                return "setresuid";
              }
              const pid_t daemon = killed_supervisor(false);
              if (!lives(daemon)) {
                return "it should have survived";
              }
              clean_up_after_the_dead(root_);
              return lives(daemon) ? "it lives on" : "";
            }),
            "");
}

TEST_F(Cleanup, ANamespaceThatOnlyHasTheSameNumberIsLeftAlone) {
  const pid_t daemon = killed_supervisor(false, [](LabState& state) { state.namespaces[0].id.cookie += 1; });
  ASSERT_TRUE(lives(daemon));
  clean_up_after_the_dead(root_);
  EXPECT_TRUE(lives(daemon)) << "it is somebody else's by now";
  kill(daemon, SIGKILL);
}

TEST_F(Cleanup, AfterARebootNoNumberMeansAnything) {
  const pid_t daemon = killed_supervisor(false, [](LabState& state) { state.boot_id = "another boot"; });
  clean_up_after_the_dead(root_);
  EXPECT_TRUE(lives(daemon));
  EXPECT_FALSE(std::filesystem::exists(directory()));
  kill(daemon, SIGKILL);
}

TEST_F(Cleanup, ALivingLabIsLeftAloneAndItsNameIsTaken) {
  auto lock = claim_folder(root_, "small");
  ASSERT_TRUE(lock.ok());
  LabState state;
  state.name = "small";
  state.boot_id = boot_id();
  state.supervisor = getpid();
  state.supervisor_start = start_of_process(getpid());
  ASSERT_TRUE(write_state(state, directory()).ok());
  EXPECT_EQ(in_child([this]() -> std::string {
              clean_up_after_the_dead(root_);
              const auto second = claim_folder(root_, "small");
              return absl::IsAlreadyExists(second.status()) &&
                             second.status().message().find("--name") != absl::string_view::npos
                         ? ""
                         : text(second.status());
            }),
            "");
  EXPECT_TRUE(std::filesystem::exists(directory()));
}

TEST_F(Cleanup, TheNameOfAKilledLabIsFreeAtOnce) {
  const pid_t daemon = killed_supervisor(false);
  auto lock = claim_folder(root_, "small");
  EXPECT_TRUE(lock.ok()) << lock.status();
  EXPECT_FALSE(lives(daemon)) << "also without the sweep";
  EXPECT_FALSE(std::filesystem::exists(state_path(directory())));
}

TEST_F(Cleanup, AFolderWithoutAWordIsRemoved) {
  std::filesystem::create_directory(directory());
  clean_up_after_the_dead(root_);
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST(Events, SayWhichChildEndedAndHow) {
  EXPECT_EQ(in_child([]() -> std::string {
              Events events;
              const pid_t child = fork();
              if (child == 0) {
                _exit(7);
              }
              const Event event = events.wait(-1, std::nullopt);
              const bool right = event.kind == Event::Kind::kChildEnded && event.child == child;
              kill(getpid(), SIGTERM);
              const Event signal = events.wait(-1, std::nullopt);
              return right && exit_status_of(event.status) == 7 && signal.signal == SIGTERM && !signal.from_terminal
                         ? ""
                         : "wrong";
            }),
            "");
  EXPECT_EQ(exit_status_of(SIGKILL), 137);
}

TEST(Events, ADeadlineInThePastIsNow) {
  EXPECT_EQ(in_child([]() -> std::string {
              Events events;
              return events.wait(-1, std::chrono::steady_clock::now()).kind == Event::Kind::kDeadline ? "" : "wrong";
            }),
            "");
}

}  // namespace
}  // namespace lapse::lab
