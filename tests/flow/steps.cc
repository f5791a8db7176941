#include "tests/flow/steps.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace lapse::test {

namespace {

thread_local StepHook* current_hook = nullptr;

struct Named {
  std::string_view name;
  FlowMutant mutant;
};
constexpr Named kMutants[] = {
    {"publish-relaxed", FlowMutant::kPublishRelaxed}, {"no-second-scan", FlowMutant::kNoSecondScan},
    {"no-grace-period", FlowMutant::kNoGracePeriod},  {"no-control-check", FlowMutant::kNoControlCheck},
    {"stamp-revives", FlowMutant::kStampRevives},     {"no-owner-check", FlowMutant::kNoOwnerCheck},
    {"stamp-goes-back", FlowMutant::kStampGoesBack},  {"no-pair-second-scan", FlowMutant::kNoPairSecondScan},
    {"word-relaxed", FlowMutant::kWordRelaxed},       {"turn-relaxed", FlowMutant::kTurnRelaxed},
    {"death-not-told", FlowMutant::kDeathNotTold},
};

std::optional<FlowMutant> chosen_mutant() {
  const char* const text = std::getenv(kMutantVariable);
  if (text == nullptr) {
    return std::nullopt;
  }
  for (const Named& known : kMutants) {
    if (known.name == text) {
      return known.mutant;
    }
  }
  std::fprintf(stderr, "%s=%s: no mutant is called so\n", kMutantVariable, text);
  std::exit(2);
}

const std::optional<FlowMutant> mutant = chosen_mutant();

}  // namespace

HookScope::HookScope(StepHook& hook) {
  current_hook = &hook;
}

HookScope::~HookScope() {
  current_hook = nullptr;
}

}  // namespace lapse::test

namespace lapse {

void step(FlowStep where) {
  if (test::current_hook != nullptr) {
    test::current_hook->at(where);
  }
}

bool broken(FlowMutant how) {
  return test::mutant == how;
}

}  // namespace lapse
