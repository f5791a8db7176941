// `lapse sim` and its pictures: files that are there, and mistakes that are told.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <stdlib.h>
#include <sys/wait.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

using testing::HasSubstr;

struct Finished {
  int status = 0;
  std::string output;  // and errors
};

Finished lapse_sim(const std::string& words) {
  std::FILE* const stream = popen((std::string(LAPSE_PROGRAM) + " sim " + words + " 2>&1").c_str(), "r");
  Finished done;
  for (int letter = 0; (letter = std::fgetc(stream)) != EOF;) {
    done.output += static_cast<char>(letter);
  }
  done.status = WEXITSTATUS(pclose(stream));
  return done;
}

class Pictures : public testing::Test {
 protected:
  Pictures() {
    std::string pattern = std::filesystem::temp_directory_path() / "lapse-pictures-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Pictures() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return folder_ / name; }
  std::string content(const std::string& name) const {
    std::ifstream stream(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(Pictures, AreWrittenByOneRun) {
  const Finished done = lapse_sim("S0.1 --seed 7 --svg " + file("a.svg") + " --html " + file("a.html") + " --md " +
                                  file("a.md") + " --pcap " + file("a.pcapng"));
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(content("a.svg"), HasSubstr("</svg>"));
  EXPECT_THAT(content("a.html"), HasSubstr("</html>"));
  EXPECT_THAT(content("a.md"), HasSubstr("lapse sim S0.1 --seed 7\n"));
  EXPECT_THAT(content("a.pcapng"), HasSubstr("LATE-DROP"));
}

TEST_F(Pictures, OfTheSameSeedAreTheSameBytes) {
  for (const std::string name : {"one", "two"}) {
    EXPECT_EQ(lapse_sim("S0.11 --pcap " + file(name + ".pcapng") + " --html " + file(name + ".html")).status, 0);
  }
  EXPECT_FALSE(content("one.pcapng").empty());
  EXPECT_EQ(content("one.pcapng"), content("two.pcapng"));
  EXPECT_EQ(content("one.html"), content("two.html"));
}

TEST_F(Pictures, TheCommandHasWhatWasSet) {
  lapse_sim("S0.1 --set 'natgw.late_packet.outside=rst' --md " + file("a.md"));
  EXPECT_THAT(content("a.md"), HasSubstr("lapse sim S0.1 --seed 1 --set natgw.late_packet.outside=rst\n"));
  EXPECT_THAT(content("a.md"), HasSubstr("Not as expected:"));
}

TEST_F(Pictures, ARunBesideIsShownAndDoesNotCount) {
  const Finished done = lapse_sim("S0.1 --beside steps.0.keepalive.time=60s --html " + file("a.html"));
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(content("a.html"), HasSubstr("lapse sim S0.1 --seed 1 --set steps.0.keepalive.time=60s"));
}

TEST_F(Pictures, OneImageHoldsOneScenario) {
  for (const std::string option : {"--svg", "--md", "--pcap"}) {
    const Finished done = lapse_sim("S0.1 S0.2 " + option + " " + file("a"));
    EXPECT_EQ(done.status, 2);
    EXPECT_THAT(done.output, HasSubstr(option + " " + file("a") + " takes one scenario and 2 were given"));
    EXPECT_FALSE(std::filesystem::exists(file("a")));
  }
}

TEST_F(Pictures, BesideNeedsAPage) {
  const Finished done = lapse_sim("S0.1 --beside steps.0.keepalive.time=60s");
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.output, HasSubstr("--html FILE, which is missing"));
}

TEST_F(Pictures, AFileThatCannotBeWrittenIsNamed) {
  const Finished done = lapse_sim("S0.1 --svg " + file("no/such/a.svg"));
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.output, HasSubstr("cannot write " + file("no/such/a.svg") + ": No such file or directory"));
}

}  // namespace
}  // namespace lapse
