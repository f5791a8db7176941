// `lapse explain` on what real kernels did: a recorded run of a lab, and a flow of one that is running.
#include <filesystem>

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

// The text without its breaks.
std::string words(const std::string& text) {
  std::string all;
  for (const char letter : text) {
    const bool space = letter == ' ' || letter == '\n';
    if (!space) {
      all += letter;
    } else if (!all.empty() && all.back() != ' ') {
      all += ' ';
    }
  }
  return all;
}

void expect_says(const Finished& finished, const std::string& text) {
  EXPECT_NE(words(finished.output).find(text), std::string::npos) << "not said: " << text << "\n"
                                                                  << finished.output << finished.errors;
}

// A folder that whoever runs the lab may write to.
class ReportFolder {
 public:
  ReportFolder() : path_(std::filesystem::path(runtime_folder()).parent_path() / "explained") {
    std::filesystem::create_directories(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::all);
  }
  ~ReportFolder() { std::filesystem::remove_all(path_); }
  ReportFolder(const ReportFolder&) = delete;
  ReportFolder& operator=(const ReportFolder&) = delete;

  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Explain, ARecordedRunOfALab) {
  const ReportFolder folder;
  const Finished run = lapse(lab_arguments(
      test_file("warp.yaml"), {"--name", "explained" + std::to_string(getpid()), "--report", folder.path(), "--",
                               "python3", test_file("late_client.py"), program(), "351s"}));
  EXPECT_EQ(run.output, "ECONNRESET\n") << run.errors;
  for (const std::string what : {"", "/run.json"}) {
    const Finished explained = lapse({"explain", folder.path() + what});
    EXPECT_EQ(explained.status, 0) << explained.errors;
    expect_says(explained, "natgw forgot tcp app:");
    expect_says(explained, "timeouts.tcp_established of natgw is 350 s, nobody set it");
    expect_says(explained, "natgw answered app with a RST in the name of api, which was not told");
    expect_says(explained, "app's kernel was reset at");
    expect_says(explained, "No probe was seen in 350 s of silence");
    expect_says(explained, "At most");
  }
}

TEST(Explain, AFlowOfARunningInstance) {
  const Lab lab;
  Peer app(lab, "app");
  Peer api(lab, "api");
  const Json listener = api.ok({{"op", "listen"}, {"port", 8080}});
  const auto connect = [&] {
    const Json socket = app.ok({{"op", "connect"}, {"host", "api.example.com"}, {"port", 8080}})["socket"];
    api.ok({{"op", "accept"}, {"socket", listener["socket"]}});
    return socket;
  };
  connect();
  const Finished living = lapse({"explain", "-t", lab.name(), "app"});
  EXPECT_EQ(living.status, 0) << living.errors;
  expect_says(living, "Nothing was lost: no box forgot this connection.");
  expect_says(living, "natgw has the flow (natgw/");
  expect_says(living, "A packet of app after that: natgw answers it with a RST");
  expect_says(living, "A packet of api after that: natgw drops it in silence");

  connect();
  const Finished two = lapse({"explain", "-t", lab.name(), "app"});
  EXPECT_EQ(two.status, 2);
  EXPECT_NE(two.errors.find("app means 2 conversations"), std::string::npos) << two.errors;
  EXPECT_NE(two.errors.find("#2"), std::string::npos) << two.errors;

  lab.advance("351s", true);
  const Finished forgotten = lapse({"explain", "-t", lab.name(), "--json", "#2"});
  ASSERT_EQ(forgotten.status, 0) << forgotten.errors;
  const Json one = Json::parse(forgotten.output)["runs"][0]["explanations"][0];
  EXPECT_EQ(one["box"], "natgw");
  EXPECT_EQ(one["timer"]["value"], 350.0);
  EXPECT_EQ(lapse({"explain", "-t", lab.name(), "nobody"}).status, 2);
}

}  // namespace
}  // namespace lapse::test
