// The report as Markdown: a Mermaid diagram, the verdict, who believes what, the command.
#include "absl/strings/str_cat.h"

#include "control/report/escape.h"
#include "control/report/report.h"
#include "control/story/text.h"

namespace lapse::report {
namespace {

using story::Picture;
using story::PictureRow;
using story::RowKind;

std::string participant(size_t column) {
  return absl::StrCat("c", column);
}

std::string moment(Duration time) {
  return story::seconds_text(time) + " s";
}

std::string note_over(size_t first, size_t last, const std::string& words) {
  const std::string who = first == last ? participant(first) : participant(first) + "," + participant(last);
  return absl::StrCat("  Note over ", who, ": ", escape_mermaid(words), "\n");
}

// An arrow that ends in a cross is a packet that a box dropped; a dashed one is a RST, or a keepalive.
std::string arrow_between(const story::Arrow& arrow, bool dropped, const std::string& words) {
  const std::string_view shape = dropped ? "-x" : arrow.tone == story::Tone::kPlain ? "->>" : "-->>";
  return absl::StrCat("  ", participant(arrow.from), absl::string_view(shape.data(), shape.size()),
                      participant(arrow.to), ": ", escape_mermaid(words), "\n");
}

std::string row_text(const PictureRow& row, size_t last_column) {
  switch (row.kind) {
    case RowKind::kBoxEvent:
      return note_over(row.column, row.column, moment(row.time) + ": " + row.words);
    case RowKind::kFold:
    case RowKind::kSilence:
      return note_over(0, last_column, "⋯ " + row.words + " ⋯");
    case RowKind::kPacket:
      break;
  }
  std::string text;
  for (size_t at = 0; at < row.arrows.size(); ++at) {
    const bool dropped = row.ending && at + 1 == row.arrows.size();
    const std::string time = at == 0 ? moment(row.time) + " " : "";
    text += arrow_between(row.arrows[at], dropped, time + row.arrows[at].label);
  }
  if (row.ending && !row.ending->repeated) {
    text += note_over(row.ending->column, row.ending->column, row.ending->reasons.front());
  }
  return text;
}

std::string diagram_of(const Picture& picture) {
  std::string text = "```mermaid\nsequenceDiagram\n";
  for (size_t column = 0; column < picture.columns.size(); ++column) {
    const story::Column& owner = picture.columns[column];
    absl::StrAppend(&text, "  participant ", participant(column), " as ", escape_mermaid(owner.name),
                    owner.address.empty() ? "" : "<br/>", escape_mermaid(owner.address), "\n");
  }
  for (const PictureRow& row : picture.rows) {
    text += row_text(row, picture.columns.size() - 1);
  }
  return text + "```\n";
}

std::string believers_of(const Picture& picture) {
  std::string text = "| who | at the end | believes |\n| --- | --- | --- |\n";
  for (const story::Believer& believer : picture.believers) {
    absl::StrAppend(&text, "| ", escape_markdown(believer.name), " | ", escape_markdown(believer.text), " | ",
                    believer.believes ? "yes" : "no", " |\n");
  }
  return text;
}

// Longer than any run of backticks in what it fences.
std::string fence_around(const std::string& text) {
  size_t longest = 2;
  size_t run = 0;
  for (const char character : text) {
    run = character == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

std::string list(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, "- ", escape_markdown(line), "\n");
  }
  return text;
}

}  // namespace

std::string markdown_report(const ReportedRun& run) {
  std::string text = absl::StrCat("# ", escape_markdown(run.name), run.title.empty() ? "" : ": ",
                                  escape_markdown(run.title), "\n\n", escape_markdown(verdict_text(run)), "\n");
  if (run.misses) {
    absl::StrAppend(&text, "\n", run.misses->empty() ? "Every expectation was met.\n" : "Not as expected:\n\n");
    text += list(*run.misses);
  }
  for (const Picture& picture : pictures_of(run)) {
    absl::StrAppend(&text, "\n## ", escape_markdown(picture.title), "\n\n", diagram_of(picture), "\n",
                    believers_of(picture));
  }
  if (!run.experiences.empty()) {
    absl::StrAppend(&text, "\nWhat the programs experienced:\n\n", list(run.experiences));
  }
  const std::string fence = fence_around(run.command);
  absl::StrAppend(&text, "\nTo see it again:\n\n", fence, "sh\n", run.command, "\n", fence, "\n");
  return text;
}

}  // namespace lapse::report
