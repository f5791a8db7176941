// A recorded run is read back as it was, and what is no record is refused with the reason.
#include "control/explain/record.h"

#include <filesystem>
#include <fstream>

#include <stdlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/explain/explain.h"
#include "sim/scenario/explained.h"

namespace lapse::explain {
namespace {

using testing::HasSubstr;

Run played(const std::string& name) {
  topology::Findings findings;
  auto explained = sim::explain_scenario(sim::locate_scenario(name).value_or(""), {}, 1, "lapse sim " + name, findings);
  return explained.ok() ? std::move(explained->run) : Run{};
}

std::string all_texts(const Run& run) {
  std::string all;
  for (const Explanation& explanation : explain(run)) {
    all += text(explanation);
  }
  return all;
}

std::string error(const std::string& text) {
  return std::string(read_record(text).status().message());
}

TEST(Record, ReadsBackAsItWas) {
  for (const std::string& name : sim::shipped_scenarios()) {
    const explain::Run run = played(name);
    const std::string text = to_json(run).dump();
    const auto read = read_record(text);
    ASSERT_TRUE(read.ok()) << name << ": " << read.status();
    EXPECT_EQ(to_json(*read).dump(), text) << name;
    EXPECT_EQ(all_texts(*read), all_texts(run)) << name;
  }
}

TEST(Record, WhatIsNoneIsRefused) {
  EXPECT_THAT(error("name: nat-gateway"), HasSubstr("not JSON"));
  EXPECT_THAT(error("{}"), HasSubstr("no record of a run"));
  EXPECT_THAT(error("[1, 2]"), HasSubstr("no record of a run"));
}

TEST(Record, OfANewerVersionIsRefused) {
  nlohmann::json document = to_json(played("S0.3"));
  document["version"] = kRecordVersion + 1;
  EXPECT_THAT(error(document.dump()), HasSubstr("a newer lapse has written it"));
  document["version"] = "one";
  EXPECT_THAT(error(document.dump()), HasSubstr("without its version"));
}

TEST(Record, ThatIsCutOffOrDamagedIsRefusedAtEveryPlace) {
  const std::string whole = to_json(played("S0.3")).dump();
  for (size_t length = 0; length < whole.size(); length += 97) {
    EXPECT_FALSE(read_record(whole.substr(0, length)).ok()) << length;
  }
  EXPECT_THAT(error(whole.substr(0, whole.size() / 2)), HasSubstr("cut off"));
  const nlohmann::json document = to_json(played("S0.3"));
  for (const auto& [key, value] : document.items()) {
    nlohmann::json damaged = document;
    damaged.erase(key);
    EXPECT_FALSE(read_record(damaged).ok()) << key;
  }
  nlohmann::json damaged = document;
  damaged["conversations"][0]["ends"][0]["belief"] = "hopeful";
  EXPECT_THAT(error(damaged.dump()), HasSubstr("an unknown word (hopeful)"));
  damaged = document;
  damaged["end"] = 1e300;
  EXPECT_THAT(error(damaged.dump()), HasSubstr("a time out of range"));
}

// A record comes from anywhere: numbers that name no box lead nowhere, and to no crash.
TEST(Record, OfBoxesThatItDoesNotHaveIsExplainedAllTheSame) {
  nlohmann::json document = to_json(played("S0.1"));
  document["boxes"] = nlohmann::json::array();
  document["names"]["boxes"] = nlohmann::json::array();
  const auto run = read_record(document);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(all_texts(*run), HasSubstr("box 0 forgot"));
}

TEST(Record, OfAFolderIsTheFileInIt) {
  std::string pattern = std::filesystem::temp_directory_path() / "lapse-record-XXXXXX";
  const std::filesystem::path folder = mkdtemp(pattern.data());
  EXPECT_THAT(std::string(load_record(folder).status().message()), HasSubstr("a folder without run.json"));
  std::ofstream(folder / kRecordName) << to_json(played("S0.1")).dump();
  EXPECT_TRUE(load_record(folder).ok());
  EXPECT_TRUE(load_record(folder / kRecordName).ok());
  std::filesystem::remove_all(folder);
  EXPECT_THAT(std::string(load_record(folder).status().message()), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace lapse::explain
