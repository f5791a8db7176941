#include "control/report/report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/report/ladder_svg.h"
#include "control/report/pcapng.h"
#include "control/story/report.h"
#include "control/story/text.h"

namespace lapse::report {
namespace {

std::string listed(const std::vector<std::string>& names) {
  if (names.size() < 2) {
    return names.empty() ? "nobody" : names.front();
  }
  return absl::StrCat(absl::StrJoin(names.begin(), names.end() - 1, ", "), " and ", names.back());
}

// How it stands for the ends and the boxes of one conversation.
std::string standing_of(const story::Conversation& conversation, const topology::Directory& directory) {
  std::vector<std::string> ends;
  std::string boxes;
  const std::vector<story::Believer> believers = story::believers(conversation, directory);
  for (size_t at = 0; at < believers.size(); ++at) {
    const bool is_box = at > 0 && at <= conversation.boxes.size();
    if (is_box) {
      absl::StrAppend(&boxes, boxes.empty() ? "" : ", ", believers[at].name, ": ", believers[at].text);
    } else if (believers[at].believes) {
      ends.push_back(believers[at].name);
    }
  }
  std::string text = "At the end ";
  if (conversation.is_tcp()) {
    absl::StrAppend(&text, listed(ends), ends.size() > 1 ? " believe" : " believes", " in the connection");
  } else {
    absl::StrAppend(&text, "neither end can tell: a datagram has no connection");
  }
  return absl::StrCat(text, boxes.empty() ? "" : "; ", boxes, ".");
}

}  // namespace

std::string verdict_text(const ReportedRun& run) {
  const RunRecord& record = *run.record;
  const story::Verdict verdict = story::verdict(record.recorder(), record.directory());
  std::vector<story::Conversation> about = story::worth_drawing(record.recorder());
  if (verdict.forgot) {
    about = record.recorder().find(absl::StrCat("#", verdict.json["conversation"].get<uint64_t>()));
  }
  if (about.empty()) {
    return "No box forgot a connection. No packet met a box.";
  }
  return absl::StrCat(verdict.sentence, " ", standing_of(about.front(), record.directory()));
}

std::vector<story::Picture> pictures_of(const ReportedRun& run) {
  std::vector<story::Picture> pictures;
  for (const story::Conversation& conversation : story::worth_drawing(run.record->recorder())) {
    pictures.push_back(story::picture_of(conversation, run.record->directory()));
  }
  return pictures;
}

std::string svg_report(const ReportedRun& run) {
  const LadderDrawing ladder = draw_ladders(pictures_of(run));
  return ladder.drawing.svg({.width = ladder.width,
                             .height = ladder.height,
                             .title = absl::StrCat("Ladder of ", run.name),
                             .description = verdict_text(run),
                             .id = "ladder",
                             .css_class = "ladder"},
                            true);
}

std::string pcapng_report(const ReportedRun& run) {
  const RunRecord& record = *run.record;
  std::vector<std::string> links;
  for (const topology::Directory::Link& link : record.directory().links) {
    links.push_back(link.name);
  }
  std::string comment =
      absl::StrCat("lapse ", run.name, "; virtual time. ", verdict_text(run), " Made by: ", run.command);
  if (const uint64_t left_out = record.capture().left_out(); left_out > 0) {
    absl::StrAppend(&comment, " ", story::counted(left_out, "frame"), " of the middle left out.");
  }
  return pcapng(record.capture().frames(), links, comments_of(record.recorder(), record.directory()), comment);
}

}  // namespace lapse::report
