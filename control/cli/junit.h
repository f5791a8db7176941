// junit.h - the outcome of scenarios as the XML that CI systems show: one suite, a case each.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     none: a case has no `time`, because the wall time of a simulation is not a result.
// Bytes:    UTF-8; what XML cannot carry becomes a question mark.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     the schema that Jenkins publishes (junit-10.xsd), which GitLab and GitHub actions read as well.
#pragma once

#include <string>
#include <vector>

namespace lapse::cli {

struct JunitCase {
  std::string name;
  std::string file;
  std::vector<std::string> failures;  // an expectation that was not met, and what was found
  std::vector<std::string> errors;    // why it could not be played
};

std::string to_junit(const std::vector<JunitCase>& cases);

}  // namespace lapse::cli
