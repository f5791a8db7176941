#include "control/api/registry.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"

#include "tests/api/api_bench.h"

namespace lapse::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// What a supervisor does for its life.
class Supervisor {
 public:
  Supervisor(const std::string& root, const std::string& name) {
    std::filesystem::create_directories(root + "/" + name);
    lock_ = open((root + "/" + name + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(flock(lock_, LOCK_EX | LOCK_NB), 0);
  }
  ~Supervisor() { close(lock_); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

 private:
  int lock_;
};

std::string error_of(const absl::StatusOr<InstanceEntry>& entry) {
  return std::string(entry.status().message());
}

TEST(Registry, AnInstanceLivesAsLongAsItsLock) {
  const Folder root;
  auto supervisor = std::make_unique<Supervisor>(root.path(), "nat-gateway");
  EXPECT_TRUE(list_instances(root.path()).at(0).alive);
  EXPECT_EQ(find_instance(root.path(), std::nullopt)->socket, root / "nat-gateway/control.sock");
  supervisor.reset();
  EXPECT_FALSE(list_instances(root.path()).at(0).alive);
  EXPECT_TRUE(absl::IsUnavailable(find_instance(root.path(), std::nullopt).status()));
}

TEST(Registry, WithoutAnInstanceTheErrorSaysHowToStartOne) {
  const Folder root;
  EXPECT_THAT(error_of(find_instance(root.path(), std::nullopt)),
              AllOf(HasSubstr("no instance is running"), HasSubstr("lapse lab")));
  EXPECT_TRUE(list_instances(root / "missing").empty());
}

TEST(Registry, SeveralInstancesNeedAName) {
  const Folder root;
  const Supervisor one(root.path(), "one");
  const Supervisor two(root.path(), "two");
  std::filesystem::create_directories(root / "dead");
  const auto unnamed = find_instance(root.path(), std::nullopt);
  EXPECT_TRUE(absl::IsInvalidArgument(unnamed.status()));
  EXPECT_THAT(error_of(unnamed), AllOf(HasSubstr("one, two"), HasSubstr("-t NAME")));
  EXPECT_EQ(find_instance(root.path(), "two")->name, "two");
  EXPECT_THAT(error_of(find_instance(root.path(), "dead")), AllOf(HasSubstr("dead"), HasSubstr("one, two")));
}

TEST(Registry, TheRootIsMadeForItsOwnerAlone) {
  const Folder folder;
  const std::string root = folder / "deep/run";
  ASSERT_EQ(setenv("LAPSE_RUNTIME_DIR", root.c_str(), 1), 0);
  EXPECT_EQ(*instances_root(), root);
  struct stat found {};
  ASSERT_EQ(stat(root.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0700u);
  ASSERT_EQ(chmod(root.c_str(), 0777), 0);
  EXPECT_THAT(std::string(instances_root().status().message()), HasSubstr("chmod 700"));
  unsetenv("LAPSE_RUNTIME_DIR");
}

}  // namespace
}  // namespace lapse::api
