#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/topology/topology.h"

namespace lapse::topology {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Locate : public testing::Test {
 protected:
  Locate() {
    std::string pattern = (fs::temp_directory_path() / "lapse-locate-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    fs::create_directory(folder_ / "own");
    before_ = fs::current_path();
    fs::current_path(folder_);
    ::unsetenv("LAPSE_TOPOLOGIES");
  }
  ~Locate() override {
    ::unsetenv("LAPSE_TOPOLOGIES");
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static void write(const fs::path& path) { std::ofstream(path) << "links: {}\n"; }

  fs::path folder_;
  fs::path before_;
};

TEST_F(Locate, ShippedTopologyByNameWithOrWithoutEnding) {
  const std::string shipped = LAPSE_TEST_TOPOLOGIES "/nat-gateway.yaml";
  EXPECT_EQ(*locate("nat-gateway"), shipped);
  EXPECT_EQ(*locate("nat-gateway.yaml"), shipped);
}

TEST_F(Locate, FileWinsAndAFolderDoesNot) {
  fs::create_directory("nat-gateway");
  EXPECT_EQ(*locate("nat-gateway"), LAPSE_TEST_TOPOLOGIES "/nat-gateway.yaml");
  write("nat-gateway.yaml");
  EXPECT_EQ(*locate("nat-gateway.yaml"), "nat-gateway.yaml");
  EXPECT_EQ(*locate("./nat-gateway.yaml"), "./nat-gateway.yaml");
}

TEST_F(Locate, OwnFoldersComeBeforeTheShippedOnes) {
  write(folder_ / "own" / "nat-gateway.yaml");
  write(folder_ / "own" / "mine.yaml");
  ::setenv("LAPSE_TOPOLOGIES", ("/nonexistent:" + (folder_ / "own").string()).c_str(), 1);
  EXPECT_EQ(*locate("nat-gateway"), (folder_ / "own" / "nat-gateway.yaml").string());
  EXPECT_EQ(*locate("mine"), (folder_ / "own" / "mine.yaml").string());
}

TEST_F(Locate, UnknownNameListsTheShippedOnes) {
  const auto missing = locate("nat-gatway");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("no file and no shipped topology is called nat-gatway; did you mean nat-gateway? the shipped "
                        "topologies are "));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("nat-gateway"));
  EXPECT_FALSE(locate("").ok());
  EXPECT_FALSE(locate("own/nat-gateway").ok());
  EXPECT_FALSE(locate("../nat-gateway").ok());
}

}  // namespace
}  // namespace lapse::topology
