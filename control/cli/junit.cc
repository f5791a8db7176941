#include "control/cli/junit.h"

#include <algorithm>

#include "control/report/escape.h"
#include "control/topology/text.h"

namespace lapse::cli {
namespace {

using report::escape_xml;
using topology::concat;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += concat(line, "\n");
  }
  return text;
}

std::string problem(std::string_view element, const std::vector<std::string>& lines) {
  return concat("      <", element, " message=\"", escape_xml(lines.front()), "\" type=\"", element, "\">",
                escape_xml(joined(lines)), "</", element, ">\n");
}

std::string to_xml(const JunitCase& one) {
  const std::string open =
      concat("    <testcase classname=\"", escape_xml(one.file), "\" name=\"", escape_xml(one.name), "\"");
  if (one.errors.empty() && one.failures.empty()) {
    return concat(open, "/>\n");
  }
  return concat(open, ">\n", one.errors.empty() ? problem("failure", one.failures) : problem("error", one.errors),
                "    </testcase>\n");
}

}  // namespace

std::string to_junit(const std::vector<JunitCase>& cases) {
  const auto count = [&cases](auto fits) { return std::to_string(std::count_if(cases.begin(), cases.end(), fits)); };
  const std::string counts =
      concat("tests=\"", std::to_string(cases.size()), "\" failures=\"",
             count([](const JunitCase& one) { return one.errors.empty() && !one.failures.empty(); }), "\" errors=\"",
             count([](const JunitCase& one) { return !one.errors.empty(); }), "\"");
  std::string text = concat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites ", counts,
                            ">\n  <testsuite name=\"lapse sim\" ", counts, ">\n");
  for (const JunitCase& one : cases) {
    text += to_xml(one);
  }
  return concat(text, "  </testsuite>\n</testsuites>\n");
}

}  // namespace lapse::cli
