// Shipped stories in plain words: the box, the timer and who set it, placebos by name, and fixes that were tried.
#include "control/explain/explain.h"

#include <algorithm>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/explain/record.h"
#include "sim/scenario/explained.h"

namespace lapse::explain {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Settings = std::vector<std::string>;

sim::Explained explained(const std::string& name, const Settings& settings = {}) {
  const auto path = sim::locate_scenario(name);
  topology::Findings findings;
  auto result = sim::explain_scenario(path.value_or(""), settings, 1, "lapse sim " + name, findings);
  if (!result.ok()) {
    ADD_FAILURE() << name << ": " << (findings.errors.empty() ? "" : findings.errors.front()) << result.status();
    return {};
  }
  return *std::move(result);
}

Explanation first(const std::string& name, const Settings& settings = {}) {
  auto all = explained(name, settings).explanations;
  return all.empty() ? Explanation{} : all.front();
}

// The text without its breaks.
std::string words(const Explanation& explanation) {
  std::istringstream stream(text(explanation));
  std::string all;
  for (std::string word; stream >> word;) {
    all += (all.empty() ? "" : " ") + word;
  }
  return all;
}

// The same run as packets and topology alone show it.
Explanation as_recorded(const std::string& name, const Settings& settings = {}) {
  explain::Run run = explained(name, settings).run;
  run.connections.clear();
  run.source = Source::kLab;
  const auto all = explain(run);
  return all.empty() ? Explanation{} : all.front();
}

std::vector<PlaceboKind> kinds(const Explanation& explanation) {
  std::vector<PlaceboKind> found;
  for (const Placebo& placebo : explanation.placebos) {
    found.push_back(placebo.kind);
  }
  return found;
}

TEST(Explain, NamesBoxTimerOriginAndWhoIsLate) {
  const Explanation one = first("S0.1");
  EXPECT_TRUE(one.lost);
  EXPECT_EQ(one.facts["box"], "natgw");
  EXPECT_EQ(one.facts["timer"]["name"], "timeouts.tcp_established");
  EXPECT_EQ(one.facts["timer"]["set"]["by"], "default");
  EXPECT_EQ(one.facts["timer"]["fixed"], true);
  EXPECT_EQ(one.facts["not_told"], nlohmann::json({"app", "api"}));
  EXPECT_EQ(one.facts["late"][0]["late_packet"]["side"], "outside");
  EXPECT_THAT(
      words(one),
      AllOf(HasSubstr("natgw forgot tcp app:"), HasSubstr("after 350 s of silence"),
            HasSubstr("reference 1: NAT gateway, TCP connection; documented"), HasSubstr("no customer can raise it"),
            HasSubstr("api's answer came after 363.6 s of silence, and natgw dropped it"),
            HasSubstr("late_packet.outside: drop"), HasSubstr("hangs for ever"), HasSubstr("off at both ends")));
}

TEST(Explain, EveryShippedStoryAndNamesTheBoxThatForgot) {
  const auto names = sim::shipped_scenarios();
  ASSERT_GT(names.size(), 20U);
  for (const std::string& name : names) {
    const sim::Explained all = explained(name);
    for (const Explanation& one : all.explanations) {
      const auto& story = *std::find_if(all.run.conversations.begin(), all.run.conversations.end(),
                                        [&](const auto& known) { return known.id == one.conversation; });
      std::istringstream lines(text(one));
      for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 100U) << name << ": " << line;
      }
      if (one.lost && !story.forgettings.empty() && !one.facts["box"].is_null()) {
        EXPECT_THAT(words(one), HasSubstr(one.facts["box"].get<std::string>() + " forgot")) << name;
        EXPECT_FALSE(one.facts["timer"].is_null()) << name;
      } else {
        EXPECT_THAT(words(one), AnyOf(HasSubstr("Nothing was lost"), HasSubstr("No box forgot"),
                                      HasSubstr("gave up by its own timeout")))
            << name;
      }
    }
  }
}

// ---- set where ----

TEST(Explain, ASettingOfTheCommandLineIsNamed) {
  const Explanation one = first("S0.1", {"natgw.limits=off", "natgw.timeouts.tcp_established=60s"});
  EXPECT_EQ(one.facts["timer"]["set"]["by"], "command line");
  EXPECT_THAT(words(one), AllOf(HasSubstr("set by --set natgw.timeouts.tcp_established=60s"),
                                HasSubstr("The provider's own is 350 s, and fixed")));
}

TEST(Explain, ASettingOfTheStoryHasItsLine) {
  EXPECT_THAT(words(first("S1.8")), HasSubstr("late_packet.inside: drop, set in S1.8.yaml:6"));
}

TEST(Explain, ASettingOfTheTopologyHasItsLine) {
  const Explanation one = first("S0.7");
  EXPECT_EQ(one.facts["box"], "lab");
  EXPECT_THAT(words(one), HasSubstr("is 340 s, set in two-nat-gateways.yaml:17"));
}

// ---- placebos ----

TEST(Placebos, TwoHoursAreLongerThanTheTimeout) {
  const Explanation one = first("S0.9");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kDueTooLate));
  EXPECT_THAT(words(one), AllOf(HasSubstr("the first probe is due after 7,200 s of silence"),
                                HasSubstr("net.ipv4.tcp_keepalive_time of app is 7200, set in nat-gateway.yaml:"),
                                HasSubstr("It came after 7200.0 s.")));
}

TEST(Placebos, AKeepaliveAsLongAsTheTimeoutIsTooLate) {
  const Explanation one = first("S0.8");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kDueTooLate));
  EXPECT_THAT(words(one), HasSubstr("at the same moment, which is too late"));
}

TEST(Placebos, SysctlsWithoutTheSocketOption) {
  const Explanation one = first("S1.6");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kSysctlsAlone));
  EXPECT_THAT(words(one), AllOf(HasSubstr("net.ipv4.tcp_keepalive_time of app is 45, set in S1.6.yaml:6"),
                                HasSubstr("Tried: with steps.0.keepalive={} it survives.")));
}

TEST(Placebos, CloserThanTheKernelsTimerStep) {
  const Explanation one = first("S0.11");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kTimerStep));
  EXPECT_THAT(words(one), AllOf(HasSubstr("app's keepalive of 349 s is closer to natgw's 350 s"),
                                HasSubstr("up to 16.4 s late at 250 Hz")));
  EXPECT_THAT(words(first("S0.11", {"timer_step=hz1000", "steps.0.keepalive.time=349s"})), HasSubstr("at 1000 Hz"));
}

TEST(Placebos, ProbesThatNobodyAnswers) {
  const Explanation one = first("S0.10");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kNotAnswered));
  EXPECT_THAT(words(one), AllOf(HasSubstr("No box forgot this connection"), HasSubstr("app sent 3 keepalive probes"),
                                HasSubstr("Nobody took them off the last link: api is gone"), HasSubstr("ETIMEDOUT"),
                                HasSubstr("Look at api")));
}

TEST(Placebos, ProbesThatALinkLoses) {
  const Explanation one = first("S0.12");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kNotAnswered));
  EXPECT_THAT(words(one), AllOf(HasSubstr("internet lost"), HasSubstr("api is alive"),
                                HasSubstr("Tried: with steps.0.keepalive.probes=9 it survives.")));
}

TEST(Placebos, KeepaliveOnTheOtherLeg) {
  const Explanation one = first("proxy-502", {"steps.1.keepalive.time=60s"});
  EXPECT_THAT(kinds(one), Contains(PlaceboKind::kOtherLeg));
  EXPECT_THAT(words(one), AllOf(HasSubstr("Keepalive of 60 s is on for another connection, user (app > app)"),
                                HasSubstr("does not cross natgw")));
  EXPECT_THAT(kinds(first("S0.1-logs", {"steps.3.keepalive.time=60s"})), Contains(PlaceboKind::kOtherLeg));
}

TEST(Placebos, AreNoneWhereThereIsNoKeepalive) {
  EXPECT_THAT(kinds(first("S0.1")), IsEmpty());
  EXPECT_THAT(kinds(first("proxy-502")), IsEmpty());
  // Another connection that crosses the same box is another story.
  EXPECT_THAT(kinds(first("S0.5", {"steps.0.keepalive.on=off"})), IsEmpty());
}

// ---- the same, from packets alone ----

TEST(Recorded, NoProbeIsSaidToBeUnseenAndNotInvented) {
  const Explanation one = as_recorded("S0.1");
  EXPECT_THAT(kinds(one), IsEmpty());
  EXPECT_THAT(words(one), AllOf(HasSubstr("No probe was seen in 350 s of silence"),
                                HasSubstr("a program that sets SO_KEEPALIVE and nothing else would probe too late")));
}

TEST(Recorded, AProbeAfterTwoHoursIsTooLate) {
  EXPECT_THAT(kinds(as_recorded("S0.9")), ElementsAre(PlaceboKind::kDueTooLate));
}

TEST(Recorded, AProbeJustBehindTheTimeoutMayBeTheTimerStep) {
  EXPECT_THAT(kinds(as_recorded("S0.11")), ElementsAre(PlaceboKind::kTimerStep));
}

TEST(Recorded, ShortSysctlsAndNoProbe) {
  const Explanation one = as_recorded("S1.6");
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kSysctlsAlone));
  EXPECT_THAT(words(one), HasSubstr("no probe was seen"));
}

TEST(Recorded, ProbesWithoutAnAnswer) {
  EXPECT_THAT(kinds(as_recorded("S0.10")), ElementsAre(PlaceboKind::kNotAnswered));
}

TEST(Recorded, WhatAWarpedProgramAskedFor) {
  explain::Run run = explained("S0.1").run;
  run.connections.clear();
  run.options = {{"app", "python3", "SO_KEEPALIVE", 1}};
  const Explanation one = explain(run).front();
  EXPECT_THAT(kinds(one), ElementsAre(PlaceboKind::kDueTooLate));
  EXPECT_THAT(words(one), HasSubstr("python3 on app asked for SO_KEEPALIVE, which is no help"));
}

// ---- fixes ----

TEST(Fixes, AreComputedAndTried) {
  const Explanation one = first("S0.1");
  EXPECT_THAT(words(one),
              AllOf(HasSubstr("At most 333 s is safe: 350 s less the 16.4 s"), HasSubstr("TCP_KEEPIDLE 160"),
                    HasSubstr("Tried: with steps.0.keepalive.time=160s it survives.")));
}

TEST(Fixes, ThatDoNotHelpAreNotSaid) {
  // The server is gone besides: no keepalive brings its answer.
  const Settings gone{"steps.1.request=120", "steps.0.user_timeout=10s", "steps.0.keepalive.interval=1s",
                      "steps.0.keepalive.time=351s", "internet.loss=100%"};
  for (const Fix& fix : first("S0.1", gone).fixes) {
    EXPECT_FALSE(fix.worked.value_or(false)) << fix.text;
  }
  EXPECT_THAT(words(first("S0.1", gone)), Not(HasSubstr("Tried")));
}

TEST(Fixes, OfAPool) {
  const std::string text = words(first("pool-stale"));
  EXPECT_THAT(text, AllOf(HasSubstr("steps.0.discard_after=333s it survives"),
                          HasSubstr("steps.0.on_stale=retry_once the program survives")));
}

TEST(Fixes, OfATimeoutThatIsNotTheProviders) {
  EXPECT_THAT(words(first("S0.7")), HasSubstr("Tried: with lab.timeouts.tcp_established=350s"));
}

TEST(Fixes, OfDatagramsIsNoKeepalive) {
  const auto all = explained("udp-slow-answer").explanations;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(words(all[0]), AllOf(HasSubstr("Datagrams have no keepalive"), Not(HasSubstr("TCP_KEEPIDLE"))));
  EXPECT_THAT(words(all[1]), HasSubstr("Nothing was lost"));
}

TEST(Explain, AProgramsOwnTimeoutIsNoBoxsFault) {
  const Explanation one = first("S1.10");
  EXPECT_THAT(words(one),
              AllOf(HasSubstr("app gave up by its own timeout of 60 s, at 60.0 s"), HasSubstr("no box is to blame")));
}

TEST(Explain, WhatKeptAConnectionAliveAndWhetherItWouldOnARealKernel) {
  const Explanation one = first("S0.2");
  EXPECT_FALSE(one.lost);
  EXPECT_THAT(words(one), AllOf(HasSubstr("Nothing was lost"), HasSubstr("app sent 1 keepalive probe (at 349.0 s)"),
                                HasSubstr("on a real machine this keepalive usually comes too late"),
                                HasSubstr("At most 333 s is safe")));
  EXPECT_THAT(words(first("S0.6")), Not(HasSubstr("on a real machine")));
}

}  // namespace
}  // namespace lapse::explain
