// `lapse explain` and its arguments: each kind is told from the others, and what is none gets one error.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>
#include <sys/wait.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "dataplane/drop_reason.h"
#include "dataplane/event.h"

namespace lapse {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Finished {
  int status = 0;
  std::string output;  // and errors
};

// In a runtime folder of its own: no instance runs there.
class Command : public testing::Test {
 protected:
  Command() {
    std::string pattern = std::filesystem::temp_directory_path() / "lapse-explain-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Command() override { std::filesystem::remove_all(folder_); }

  Finished explain(const std::string& words) const {
    const std::string command =
        "LAPSE_RUNTIME_DIR=" + folder_.string() + " " + LAPSE_PROGRAM + " explain " + words + " 2>&1";
    std::FILE* const stream = popen(command.c_str(), "r");
    Finished done;
    for (int letter = 0; (letter = std::fgetc(stream)) != EOF;) {
      done.output += static_cast<char>(letter);
    }
    done.status = WEXITSTATUS(pclose(stream));
    return done;
  }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(Command, TellsKindsOfArgumentsApart) {
  const Finished done = explain("S0.3 LATE-RST PORTS");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, AllOf(HasSubstr("S0.3:\n"), HasSubstr("Nothing was lost"), HasSubstr("LATE-RST  (event)"),
                                 HasSubstr("PORTS-EXHAUSTED  (drop)")));
}

TEST_F(Command, ABeginningOfCodesIsMeantInCapitalsAlone) {
  const Finished done = explain("LATE");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, AllOf(HasSubstr("LATE-RST"), HasSubstr("LATE-DROP"), HasSubstr("LATE-PACKET"),
                                 Not(HasSubstr("TABLE-FULL"))));
  EXPECT_EQ(explain("late").status, 2);
}

TEST_F(Command, AScenariosFileAndItsSettings) {
  const std::string topology = std::string(LAPSE_SOURCE_ROOT) + "/topologies/nat-gateway.yaml";
  const std::string path = file("own.yaml", "scenario: own\ntitle: own\ntopology: " + topology +
                                                "\nsteps:\n"
                                                "  - { at: 0s, host: app, connect: \"api:8080\", as: c1 }\n"
                                                "  - { at: 0s, flow: c1, request: 1, response: 1, after: 360s }\n"
                                                "  - { at: 400s, stop: true }\n"
                                                "expect:\n  - { never: { event: rst_sent } }\n");
  EXPECT_THAT(explain(path).output, HasSubstr("natgw forgot"));
  EXPECT_THAT(explain(path + " --set steps.1.after=100s").output, HasSubstr("Nothing was lost"));
  const Finished wrong = explain(path + " --set steps.1.afte=10s");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.output, HasSubstr("did you mean after?"));
}

TEST_F(Command, JsonHasEveryAnswer) {
  const Finished done = explain("--json S0.1 LATE-RST");
  ASSERT_EQ(done.status, 0) << done.output;
  const auto document = nlohmann::json::parse(done.output);
  EXPECT_EQ(document["codes"][0]["code"], "LATE-RST");
  const auto& one = document["runs"][0]["explanations"][0];
  EXPECT_EQ(one["box"], "natgw");
  EXPECT_EQ(one["timer"]["value"], 350.0);
  EXPECT_EQ(one["lost"], true);
  EXPECT_EQ(one["fixes"][0]["worked"], true);
  EXPECT_EQ(nlohmann::json::parse(explain("--json").output)["codes"].size(), kEventKindCount + kDropReasonCount);
}

TEST_F(Command, WhatIsNothingGetsOneErrorThatSaysWhatItCouldHaveBeen) {
  const Finished done = explain("LATE-RTS");
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.output,
              AllOf(HasSubstr("did you mean LATE-RST?"), HasSubstr("no file of a scenario"),
                    HasSubstr("no shipped scenario"), HasSubstr("no code"), HasSubstr("is of a running instance")));
  EXPECT_THAT(explain("no/such.yaml").output, HasSubstr("looks like a file, and there is none"));
}

TEST_F(Command, OptionsThatAreAboutNothingAreRefused) {
  EXPECT_THAT(explain("LATE-RST --set a=b").output, HasSubstr("are for scenarios"));
  EXPECT_THAT(explain("S0.1 -t lab").output, HasSubstr("is for flows"));
  EXPECT_EQ(explain("LATE-RST --seed 3").status, 2);
}

TEST_F(Command, BadRecordsAreNamed) {
  const Finished cut = explain(file("run.json", R"({"format": "lapse-run", "version": 1, "na)"));
  EXPECT_EQ(cut.status, 2);
  EXPECT_THAT(cut.output, AllOf(HasSubstr("run.json: "), HasSubstr("cut off")));
  std::filesystem::remove(folder_ / "run.json");
  EXPECT_THAT(explain(folder_).output, HasSubstr("a folder without run.json"));
}

}  // namespace
}  // namespace lapse
