// report.h - one run as files for people: an SVG, a page, Markdown, a capture.
//
// Owner:    none; pure functions of a record.
// Memory:   the file, as a string.
// Time:     virtual.
// Bytes:    UTF-8; the capture is binary. The same run gives the same bytes.
// Cost:     a pass over the record, which is held up meanwhile.
// Lifetime: the record outlives the call.
// Spec:     design, "Control": reports.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/report/run_record.h"
#include "control/story/picture.h"

namespace lapse::report {

// A run, and what is known of it beside its events.
struct ReportedRun {
  std::string name;     // "S0.1"
  std::string title;    // a sentence; may be empty
  std::string command;  // that makes it again
  std::shared_ptr<const RunRecord> record;
  std::vector<LivingFlow> living;                  // at the end
  Instant end;                                     // of the run
  std::optional<std::vector<std::string>> misses;  // of expectations, a line each; none: nothing was expected
  std::vector<std::string> experiences;  // of programs, and of access logs: a line each, as far as they are known
};

// What happened, and how it stands at the end: two sentences.
std::string verdict_text(const ReportedRun& run);

// The ladders that tell most.
std::vector<story::Picture> pictures_of(const ReportedRun& run);

std::string svg_report(const ReportedRun& run);
// Runs stand side by side where the window is wide enough. Holds everything that it needs, and no script.
std::string html_report(const std::vector<ReportedRun>& runs);
std::string markdown_report(const ReportedRun& run);
std::string pcapng_report(const ReportedRun& run);

}  // namespace lapse::report
