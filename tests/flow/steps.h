// steps.h - what happens at the marked steps of the flow table, and which mistake it makes: for tests that are built with
// their own copy of it.
//
// Owner:    the test.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     a virtual call a step.
// Lifetime: a hook is in force in one thread for as long as its HookScope.
// Spec:     dataplane/flow/flow_steps.h.
#pragma once

#include "dataplane/flow/flow_steps.h"

namespace lapse::test {

class StepHook {
 public:
  virtual ~StepHook() = default;
  virtual void at(FlowStep where) = 0;
};

// Whatever this thread does outside of a scope passes the steps without stopping.
class HookScope {
 public:
  explicit HookScope(StepHook& hook);
  ~HookScope();
  HookScope(const HookScope&) = delete;
  HookScope& operator=(const HookScope&) = delete;
};

// The environment variable that names the mistake of this run.
inline constexpr const char* kMutantVariable = "LAPSE_FLOW_MUTANT";

}  // namespace lapse::test
